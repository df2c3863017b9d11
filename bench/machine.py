"""The machine, for whoever reads the results elsewhere."""

import os
import platform
import subprocess
from pathlib import Path
from typing import Any


def described() -> str:
    cpu = next((line for line in lines("/proc/cpuinfo") if line.startswith("model name")), ": unknown processor")
    memory_kib = next(
        (line for line in lines("/proc/meminfo") if line.startswith("MemTotal")), "MemTotal: 0 kB"
    ).split()[1]
    rust = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return (
        f"{cpu.partition(':')[2].strip()}, {os.cpu_count()} cores, {int(memory_kib) / 1024**2:.0f} GiB, "
        f"{platform.system()} {platform.release()} {platform.machine()}, {rust}"
    )


def lines(path) -> Any:
    file = Path(path)
    return file.read_text().splitlines() if file.exists() else []
