"""Duration against memory: the function with the part of a processor that Lambda gives with each size.

Usage: python3 -B -m bench.memory [PROGRAM ORG_PROGRAM]   (without programs the release build is made and taken)

Lambda gives one whole processor at 1,769 MB, and a proportional part below. The part is simulated with a duty cycle: the
function's process is stopped (SIGSTOP) for the rest of each period of 20 ms in which it has had its share of CPU time.
<https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>
"""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from bench import process
from bench.results import table
from bench.scenarios import Bench
from demo.failure import Failure

SIZES_MB = (128, 256, 512, 1024, 1769)
WHOLE_PROCESSOR_MB = 1769
PERIOD_S = 0.020
LATENCY_MS = 20
PER_GB_SECOND = 0.0000133334


@contextlib.contextmanager
def share_of_a_processor(pid, share) -> Iterator[None]:
    """Lets a process have so much of each period's CPU time; 1 is one processor."""
    ended = threading.Event()

    def keep() -> None:
        spent = process.cpu_seconds(pid)
        while not ended.is_set():
            spent += share * PERIOD_S
            time.sleep(PERIOD_S)
            while process.cpu_seconds(pid) > spent and not ended.is_set():
                os.kill(pid, signal.SIGSTOP)
                time.sleep(PERIOD_S)
                spent += share * PERIOD_S
            os.kill(pid, signal.SIGCONT)
            # Time that was not used in its period is gone.
            spent = max(spent, process.cpu_seconds(pid) - share * PERIOD_S)

    keeper = threading.Thread(target=keep, daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def measure(bench) -> Iterator[list[Any]]:
    """A row a size: an idle run's and a first run's duration, and what the first one costs."""
    with bench.org("--latency-ms", LATENCY_MS) as served:
        for size in SIZES_MB:
            with bench.function(served) as (running, _sink):
                with share_of_a_processor(running.pid, min(size / WHOLE_PROCESSOR_MB, 1)):
                    first = running.invoke()
                    idle = running.invoke()
            cost = first.wall_s * size / 1024 * PER_GB_SECOND
            fits = "fits" if first.peak_mib < size else "does not fit"
            yield [
                f"{size:,} MB",
                f"{first.wall_s:.1f} s",
                f"{idle.wall_s * 1000:.0f} ms",
                f"{first.peak_mib:.0f} MiB, {fits}",
                f"{cost * 1e6:,.0f}",
            ]


def main(programs) -> int:
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    try:
        if not programs:
            from bench.__main__ import build

            programs = [build("okta-authomize", "okta-authomize"), build("fake-org", "bench-org")]
        program, org_program = programs
        rows = list(measure(Bench(program, org_program, 1)))
    except Failure as failure:
        print(f"\nbench.memory: {failure}", file=sys.stderr)
        return 1
    header = [
        "memory",
        f"first run, everything, at {LATENCY_MS} ms",
        "idle run",
        "peak",
        "millionths of a dollar for the first run",
    ]
    print(table(header, rows))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
