"""Starts a built function as Lambda does and waits until it asks for work: proof that it is for this processor and finds its libraries.

Usage: python -m deploy.starts PROGRAM [EMULATOR ...], such as python -m deploy.starts bootstrap qemu-aarch64-static
"""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer

LONGEST_START_S = 60
NEXT = "/2018-06-01/runtime/invocation/next"
# What both functions demand; nothing is asked of AWS before there is work.
SETTINGS = {
    "BUCKET": "a-bucket",
    "SECRET_ID": "a-secret",
    "AUTHOMIZE_SECRET_ID": "a-secret",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_LAMBDA_FUNCTION_NAME": "starts",
    "AWS_LAMBDA_FUNCTION_VERSION": "1",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
    "AWS_LAMBDA_LOG_GROUP_NAME": "starts",
    "AWS_LAMBDA_LOG_STREAM_NAME": "starts",
}


def first_request(program: str, emulator: Sequence[str] = ()) -> str | None:
    """The path of the first request that the program sends to Lambda's runtime interface, or `None` within the time."""
    asked, heard = [], threading.Event()

    class Runtime(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            heard.set()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append(f"{self.path}: {body[:300].decode(errors='replace')}")
            heard.set()
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Runtime) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment = SETTINGS | {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
            "PATH": os.environ["PATH"],
        }
        started = subprocess.Popen([*emulator, program], env=environment)
        heard.wait(LONGEST_START_S)
        started.kill()
        started.wait()
        server.shutdown()
    return asked[0] if asked else None


def main(program: str, *emulator: str) -> int:
    asked = first_request(program, emulator)
    if asked != NEXT:
        print(f"{program} does not start: {asked or 'it asked for nothing'}", file=sys.stderr)
        return 1
    print(f"{program} starts and asks for work")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
