"""The function, and the Lambda service that invokes it.

<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>
"""

import contextlib
import dataclasses
import io
import json
import queue
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from typing import IO, Any

from bench import process
from bench.sink import BUCKET, PREFIX, Sink
from demo import http
from demo.children import child
from demo.failure import Failure

RUN_SECONDS = 900
# Lambda's, and nothing else of this machine's.
ENVIRONMENT = {
    "AWS_LAMBDA_FUNCTION_NAME": "okta-authomize",
    "AWS_LAMBDA_FUNCTION_VERSION": "1",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_LAMBDA_LOG_GROUP_NAME": "bench",
    "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_REGION": "us-east-1",
    "BUCKET": BUCKET,
    "PREFIX": PREFIX,
    "SECRET_ID": "bench",
}


@dataclasses.dataclass
class Cost:
    """One invocation's cost."""

    report: dict
    wall_s: float
    cpu_s: float
    peak_mib: float


class Function:
    """A started function."""

    def __init__(self) -> None:
        self._events: queue.Queue[tuple[Any, float]] = queue.Queue()
        self._answers: queue.Queue[tuple[float, str, bytes]] = queue.Queue()
        self.polled: queue.Queue[float] = queue.Queue()
        self.pid = 0
        self.log: IO[str] = io.StringIO()
        self.cold_start_s = 0.0

    def answer(self, method, path, _headers, body) -> tuple[int, Any, bytes] | tuple[int, dict[Any, Any], bytes]:
        """The Lambda service's side."""
        place = path.removeprefix("/2018-06-01/runtime/")
        if method == "GET" and place == "invocation/next":
            self.polled.put(time.monotonic())
            event, deadline = self._events.get()
            headers = {
                "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
                "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:okta-authomize",
            }
            return 200, headers, json.dumps(event).encode()
        self._answers.put((time.monotonic(), place, body))
        return 202, {}, b'{"status":"OK"}'

    def invoke(self, event=None, seconds=RUN_SECONDS) -> Any:
        """One run, which has so many seconds."""
        self.begin(event, seconds)
        return self.finish()

    def begin(self, event=None, seconds=RUN_SECONDS) -> None:
        self._cpu, self._began = process.cpu_seconds(self.pid), time.monotonic()
        self._events.put((event or {"mode": "incremental"}, time.time() + seconds))

    def finish(self) -> Any:
        ended, place, body = self._answers.get(timeout=RUN_SECONDS + 60)
        if not place.endswith("/response"):
            raise Failure(f"the function answered with an error: {body.decode()}\n{self.tail()}")
        cpu = process.cpu_seconds(self.pid) - self._cpu
        return Cost(json.loads(body), ended - self._began, cpu, process.peak_mib(self.pid))

    @property
    def began(self) -> Any:
        return self._began

    def tail(self) -> str:
        self.log.seek(0)
        return "".join(self.log.readlines()[-20:])


@contextlib.contextmanager
def running(program, org, settings=(), off=()) -> Iterator[tuple[Any, Any]]:
    """The function, its first poll behind it, with an empty bucket; gives it and the bucket's sink."""
    function, sink = Function(), Sink(org.secret | {"streams_off": list(off)} if org else {})
    with (
        http.serving(function.answer) as service,
        http.serving(sink.answer) as aws,
        tempfile.TemporaryFile("w+") as log,
    ):
        environment = ENVIRONMENT | {"AWS_LAMBDA_RUNTIME_API": service, "AWS_ENDPOINT_URL": f"http://{aws}"}
        if org:
            environment["OKTA_ENDPOINT_URL"] = org.url
        started = time.monotonic()
        options = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": subprocess.STDOUT}
        with child([program], env=environment | dict(settings), **options) as started_process:
            function.pid, function.log = started_process.pid, log
            function.cold_start_s = function.polled.get(timeout=30) - started
            yield function, sink
