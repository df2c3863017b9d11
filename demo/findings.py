"""The end of `make run`: tables and cases of what it collected, and the findings."""

import json
import os
import subprocess
import sys
import time
from typing import Any

TERMINAL_SECONDS = 0.5
PLAIN_SECONDS = 5


def tell(out, prefix, integration, is_json=False) -> tuple[str, list[Any]] | tuple[str, Any] | tuple[str, list[Any]]:
    """The answer of `make findings`, as a table and, if asked for, parsed JSON; empty where its needs are not installed.

    The watch leaves what it found beside the status, whose page shows it after the next run.
    """
    python = os.environ.get("FINDINGS_PYTHON")
    if not python:
        return "", []
    place = ["--dir", str(out), "--prefix", prefix, "--integration", integration]
    code, answer, complaint = ran([python, "-B", "-m", "watch", *place, "--json"])
    if code:
        return f"{complaint.strip()}\n", []
    news = cases(json.loads(answer))
    code, answer, complaint = ran(
        [python, "-B", "-m", "findings", *place, "--examples", "1", *(["--json", "--table"] if is_json else [])]
    )
    if code:
        return f"{complaint.strip()}\n", []
    return (f"{complaint}\n{news}", json.loads(answer)) if is_json else (f"{answer}\n{news}", [])


def cases(report) -> str:
    """What the watch has found, in a line."""
    told = f"{len(report['opened'])} cases opened and {len(report['closed'])} closed"
    if report["digest"] is not None:
        told = f"the first snapshot shows {sum(report['digest'].values())} cases of posture, and its log {len(report['opened'])} of attacks"
    return f"  {told}; {report['open']} are open: make cases lists them."


def ran(command) -> tuple[Any, Any, Any]:
    """(exit status, output, complaint) of a program."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        answer, complaint = watched(process)
    return process.returncode, answer, complaint


def watched(process) -> Any:
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
