"""Build, start and invoke the function, as cargo-lambda does it."""

import contextlib
import json
import os
import socket
import subprocess
import time

from pathlib import Path

from demo.children import child
from demo.failure import Failure

NAME = "okta-authomize"
EVENT = "events/scheduled.json"
START_SECONDS = 30
LOG_TAIL_LINES = 30


def build(*packages):
    """Builds programs for this machine, unoptimized; gives the folder they are in."""
    for package in packages:
        # One at a time: together they would share features, and the function's start would build its half again.
        with child(["cargo", "build", "--locked", "--package", package, "--bin", package]) as process:
            if process.wait():
                raise Failure(f"{package} does not build (see above)")
    metadata = subprocess.run(
        ["cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"], check=True, capture_output=True
    )
    return Path(json.loads(metadata.stdout)["target_directory"], "debug")


class Function:
    """The function, waiting for invocations."""

    def __init__(self, port, log):
        self._port = port
        self._log = log

    @contextlib.contextmanager
    def invocation(self, event=EVENT):
        """Sends an event, the scheduled one by default; the block may watch until the process has ended."""
        command = ["cargo", "lambda", "invoke", NAME, "--invoke-address", "127.0.0.1"]
        command += ["--invoke-port", str(self._port), "--data-file", event, "--output-format", "json"]
        with child(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            yield process

    def report(self, process):
        """The ended invocation's answer."""
        answer, complaint = process.communicate()
        if process.returncode:
            # What follows is cargo-lambda's invitation to its forum.
            reason = complaint.partition("Was this behavior unexpected?")[0].strip()
            raise Failure(f"the function answered with an error\n\n{reason}\n\n{self.log_tail()}")
        return json.loads(answer)

    def log_tail(self):
        lines = self._log.read_text(errors="replace").splitlines()
        shown = "\n".join(f"  {line}" for line in lines[-LOG_TAIL_LINES:])
        return f"The end of its log, {self._log}:\n{shown}"


@contextlib.contextmanager
def running(environment, log: Path):
    """The function on a free port, writing into `log`, until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["cargo", "lambda", "watch", "--invoke-address", "127.0.0.1", "--invoke-port", str(port)]
    command += ["--ignore-changes", "--wait"]
    log.parent.mkdir(exist_ok=True)
    with log.open("w") as output:
        environment = os.environ | environment | {"CARGO_TERM_COLOR": "never", "NO_COLOR": "1"}
        streams = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": subprocess.STDOUT}
        with child(command, env=environment, **streams) as process:
            function = Function(port, log)
            wait_until_listening(process, port, function)
            yield function


def wait_until_listening(process, port, function):
    patience_ends = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < patience_ends:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise Failure(f"cargo lambda watch does not listen\n\n{function.log_tail()}")
