"""The cost of a program, as Linux counts it."""

import os
import subprocess
import time
from pathlib import Path
from typing import Any

# Of a clock id that belongs to another process (see clock_getcpuclockid in glibc).
SCHEDULED = 2
PYTHON = os.environ.get("FINDINGS_PYTHON", ".venv/bin/python3")


def measured(words) -> tuple[Any, Any, Any]:
    """(seconds, CPU seconds, MiB) of a module of Python from start to end; what it prints is left out."""
    began = time.monotonic()
    process = subprocess.Popen([PYTHON, "-B", "-m", *words], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{words[0]} failed: see above")
    return time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def cpu_seconds(pid) -> Any:
    return time.clock_gettime((~pid << 3) | SCHEDULED)


def peak_mib(pid) -> float:
    """The most memory that was resident at once."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
