"""The cost of a running program so far, as Linux counts it."""

import time
from pathlib import Path
from typing import Any

# Of a clock id that belongs to another process (see clock_getcpuclockid in glibc).
SCHEDULED = 2


def cpu_seconds(pid) -> Any:
    return time.clock_gettime((~pid << 3) | SCHEDULED)


def peak_mib(pid) -> float:
    """The most memory that was resident at once."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
