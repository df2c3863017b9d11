"""`make load`: what is in out/, or in BUCKET, into Authomize: a fake one on this machine, or one's own (AUTHOMIZE_SECRET).

The fake is conformance/authomize_fake.py. What it holds stays in out/.authomize.json, so that a later load sends only
what has changed.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from demo import function
from demo.children import child
from demo.failure import Failure

OUT = Path("out")
STATE = OUT / ".authomize.json"
PYTHON = os.environ.get("CONFORMANCE_PYTHON", ".venv-conformance/bin/python3")


def main(arguments) -> Any:
    try:
        program = build()
        if os.environ.get("AUTHOMIZE_SECRET") or "plan" in arguments or "--help" in arguments:
            return subprocess.run([program, *arguments], check=False).returncode
        if os.environ.get("BUCKET"):
            raise Failure(
                "BUCKET is loaded into an Authomize of your own: name a file with its token in AUTHOMIZE_SECRET"
            )
        return load_into_fake(program, arguments)
    except Failure as failure:
        print(f"\nmake load: {failure}", file=sys.stderr)
        return 1


def build() -> Any:
    return function.build(function.LOADER) / function.LOADER


def load_into_fake(program, arguments) -> Any:
    """Loads the copy of the bucket into the fake, and says so."""
    if not OUT.exists():
        raise Failure("there is no out/ yet: make run collects a demo org into it")
    with fake() as tenant, tempfile.TemporaryDirectory() as folder:
        secret = Path(folder, "authomize.json")
        secret.write_text(json.dumps({"token": tenant["token"], "base_url": tenant["url"]}))
        print(f"\nLoading {OUT}/ into a fake Authomize at {tenant['url']}", flush=True)
        return subprocess.run([program, "--dir", OUT, "--secret", secret, *arguments], check=False).returncode


@contextlib.contextmanager
def fake() -> Iterator[Any]:
    """The fake on the port of its last run, until the block ends; it then writes down what it holds."""
    command = [PYTHON, "-B", "conformance/authomize_fake.py", "--state", STATE, "--until-stdin-closes"]
    with child(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        ready = process.stdout.readline()
        if not ready:
            raise Failure("the fake Authomize did not start (see above)")
        yield json.loads(ready)
        process.stdin.close()
        process.stdin = None
        process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
