"""The fake org, a program of its own."""

import contextlib
import json
import subprocess
import urllib.request
from collections.abc import Iterator
from typing import Any

from demo.children import child
from demo.failure import Failure


class Org:
    """A running org: where it is, and the secret for it."""

    def __init__(self, process, ready) -> None:
        self._process = process
        self.url = ready["url"]
        self.secret = ready["secret"]
        self.pid = process.pid

    def change(self, what, count) -> None:
        """Makes so many changes: of "profiles", "memberships", "assignments" (of one app) or "factors"."""
        self._process.stdin.write(f"{what} {count}\n")
        self._process.stdin.flush()
        self._process.stdout.readline()

    def counts(self) -> Any:
        """The requests so far: by path template, answers 429, bytes before compression."""
        with urllib.request.urlopen(f"{self.url}/_fake/counts", timeout=60) as answer:
            return json.load(answer)

    def reset_counts(self) -> None:
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/_fake/reset-counts", method="POST"), timeout=60)


@contextlib.contextmanager
def serving(program, *options) -> Iterator[Any]:
    command = [program, *map(str, options)]
    with child(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        ready = process.stdout.readline()
        if not ready:
            raise Failure("the bench org did not start (see above)")
        yield Org(process, json.loads(ready))
