"""Build and start the function, and be the Lambda service that invokes it.

<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>
"""

import contextlib
import json
import os
import queue
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from demo import http
from demo.children import child
from demo.failure import Failure

NAME = "okta-authomize"
LOADER = "load"
ORG = "fake-org"
# The packages of the programs that are started here, by the program's name.
PACKAGES = {NAME: NAME, LOADER: "okta-authomize-loader", ORG: "fake-org"}
EVENT = "events/scheduled.json"
START_SECONDS = 30
RUN_SECONDS = 900
LOG_TAIL_LINES = 30
# Lambda's, and nothing else of this machine's.
ENVIRONMENT = {
    "AWS_LAMBDA_FUNCTION_NAME": NAME,
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_LAMBDA_LOG_GROUP_NAME": "demo",
    "AWS_LAMBDA_LOG_STREAM_NAME": "demo",
}
ARN = f"arn:aws:lambda:us-east-1:123456789012:function:{NAME}"


def build(*programs) -> Any:
    """Builds programs for this machine, unoptimized; gives the folder they are in."""
    # All with one command: they share what they depend on, which would be built anew for each by itself.
    command = ["cargo", "build", "--locked"]
    for program in sorted(PACKAGES):
        command += ["--package", PACKAGES[program], "--bin", program]
    with child(command) as process:
        if process.wait():
            raise Failure(f"{', '.join(programs)} does not build (see above)")
    return built()


def built() -> Path:
    """The folder that programs are built into."""
    command = ["cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"]
    metadata = subprocess.run(command, check=True, capture_output=True)
    return Path(json.loads(metadata.stdout)["target_directory"], "debug")


class Pending:
    """An invocation that is under way; `poll` is as a process's: nothing until it has ended."""

    def __init__(self, answers, process) -> None:
        self._answers = answers
        self._process = process
        self.answer = None

    def poll(self) -> int | None:
        if self.answer is None:
            with contextlib.suppress(queue.Empty):
                self.answer = self._answers.get_nowait()
        # A function that has ended without a word has crashed.
        ended = self.answer is not None or self._process.poll() is not None
        return 0 if ended else None

    def wait(self) -> Any:
        patience_ends = time.monotonic() + RUN_SECONDS + START_SECONDS
        while self.poll() is None and time.monotonic() < patience_ends:
            time.sleep(0.05)
        return self.answer


class Function:
    """The function, waiting for invocations."""

    def __init__(self, log) -> None:
        self._log = log
        self._events: queue.Queue[bytes] = queue.Queue()
        self._answers: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._polled: queue.Queue[bool] = queue.Queue()
        self._process = None

    def serve(self, method, path, _headers, body) -> tuple[int, Any, Any] | tuple[int, dict[Any, Any], bytes]:
        """The Lambda service's side: hands out an event, takes an answer."""
        place = path.removeprefix("/2018-06-01/runtime/")
        if method == "GET" and place == "invocation/next":
            self._polled.put(True)
            event = self._events.get()
            headers = {
                "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + RUN_SECONDS) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": ARN,
            }
            return 200, headers, event
        self._answers.put((place, body))
        return 202, {}, b'{"status":"OK"}'

    @contextlib.contextmanager
    def invocation(self, event=EVENT) -> Iterator[Any]:
        """Sends the event in a file, the scheduled one by default; the block may watch until it has ended."""
        self._events.put(Path(event).read_bytes())
        yield Pending(self._answers, self._process)

    def report(self, pending) -> Any:
        """The ended invocation's answer."""
        place, body = pending.wait() or ("", b"it ended without an answer")
        if place.endswith("/response"):
            return json.loads(body)
        raise Failure(f"the function answered with an error\n\n{reason(body)}\n\n{self.log_tail()}")

    def begin(self, process) -> None:
        """Waits until it asks for its first event."""
        self._process = process
        patience_ends = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < patience_ends:
            with contextlib.suppress(queue.Empty):
                self._polled.get(timeout=0.1)
                return
        place, body = ("", b"") if self._answers.empty() else self._answers.get()
        told = f": {reason(body)}" if place == "init/error" else ""
        raise Failure(f"the function does not start{told}\n\n{self.log_tail()}")

    def log_tail(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()
        shown = "\n".join(f"  {line}" for line in lines[-LOG_TAIL_LINES:])
        return f"The end of its log, {self._log}:\n{shown}"


def reason(body) -> str:
    """A Lambda error's type and message."""
    with contextlib.suppress(ValueError, TypeError, KeyError):
        error = json.loads(body)
        return f"{error['errorType']}: {error['errorMessage']}"
    return body.decode(errors="replace")


@contextlib.contextmanager
def running(environment, log: Path) -> Iterator[Any]:
    """The function, writing into `log`, until the block ends."""
    log.parent.mkdir(exist_ok=True)
    function = Function(log)
    with http.serving(function.serve) as service, log.open("w") as output:
        environment = os.environ | ENVIRONMENT | environment | {"AWS_LAMBDA_RUNTIME_API": service, "NO_COLOR": "1"}
        streams = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": subprocess.STDOUT}
        with child([built() / NAME], env=environment, **streams) as process:
            function.begin(process)
            yield function
