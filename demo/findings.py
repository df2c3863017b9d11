"""The end of `make run`: the findings on what it collected."""

import json
import os
import subprocess
import sys
import time

TERMINAL_SECONDS = 0.5
PLAIN_SECONDS = 5


def tell(out, prefix, integration, is_json=False):
    """The answer of `make findings`, as a table and, if asked for, parsed JSON; empty where its needs are not installed.

    The counts by severity are left beside the status, whose page shows them after the next run.
    """
    python = os.environ.get("FINDINGS_PYTHON")
    if not python:
        return "", []
    command = [python, "-B", "-m", "findings", "--dir", str(out), "--prefix", prefix, "--integration", integration]
    command += ["--counts", str(out / prefix / "status" / f"{integration}.findings.json")]
    command += ["--examples", "1", *(["--json", "--table"] if is_json else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        answer, complaint = watched(process)
    if process.returncode:
        return f"make findings: {complaint.strip()}\n", []
    return (complaint, json.loads(answer)) if is_json else (answer, [])


def watched(process):
    """A program's output and complaint; the time it takes is shown meanwhile."""
    terminal = sys.stdout.isatty()
    started = time.monotonic()
    while True:
        try:
            said = process.communicate(timeout=TERMINAL_SECONDS if terminal else PLAIN_SECONDS)
            print("\r\x1b[K" if terminal else "", end="", flush=True)
            return said
        except subprocess.TimeoutExpired:
            line = f"  {time.monotonic() - started:4.0f} s  asking what was collected for posture and attacks"
            print(f"\r{line}\x1b[K" if terminal else line, end="" if terminal else "\n", flush=True)
