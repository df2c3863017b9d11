"""What the watch costs, by the size of the log: `python3 -m bench.watch`. And what Athena reads of its tables in a year.

A wake-up is a process of its own: it reads the commit, appends it to the tables, asks every finding and writes the cases.
"""

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import watch_bucket
from bench.process import PYTHON, measured

BARS = {10_000: 1, 100_000: 3, 1_000_000: 10}
"""Seconds of a wake-up that appends 500 events, by the number of those that are there."""
YEAR_DAYS = 365
EVENTS_A_USER_AND_DAY = 20
DOLLARS_A_TB = 5
DOLLARS_A_THOUSAND_GETS = 0.0004
RECENT_DAYS = 120
LEAST_BYTES = 10_000_000
"""A query is charged for no less."""
REQUEST_BYTES = 1_000_000
"""About what is read with one request, of one row group."""


def rows(sizes=tuple(BARS)) -> Iterator[tuple[str, str, str, str, str, Any]]:
    """(events, first wake-up, wake-up with 500 events more, its CPU seconds, peak memory, bar) of each size."""
    for events in sizes:
        with tempfile.TemporaryDirectory() as folder:
            more = watch_bucket.write(Path(folder), events)
            first, _, _ = woken(folder)
            more()
            seconds, cpu, memory = woken(folder)
            bar = BARS.get(events)
            verdict = "" if bar is None else f"{bar} s {'met' if seconds <= bar else 'missed'}"
            yield f"{events:,}", f"{first:.1f} s", f"{seconds:.2f} s", f"{cpu:.2f} s", f"{memory:.0f} MiB", verdict


def woken(folder) -> tuple[Any, Any, Any]:
    """(seconds, CPU seconds, MiB) of a wake-up."""
    return measured(["watch", "--dir", folder, "--json"])


def year() -> list[Any]:
    """(finding, bytes, US dollars) of what queries read a year after the first run of an org of this size, the dearest first. One day of
    its log is measured: a year has 365 of them, of which queries of recent events read 120."""
    with tempfile.TemporaryDirectory() as folder:
        watch_bucket.write_day(Path(folder), watch_bucket.USERS * EVENTS_A_USER_AND_DAY)
        woken(folder)
        command = [PYTHON, "-B", "-m", "findings.scanned", folder]
        scanned = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    found = []
    for finding, scans in scanned.items():
        days = [
            ((RECENT_DAYS if is_recent else YEAR_DAYS) if table in ("activity", "usage") else 1, size, row_groups)
            for table, is_recent, size, row_groups in scans
        ]
        size = max(LEAST_BYTES, sum(times * size for times, size, _ in days))
        requests = sum(times * max(row_groups, size / REQUEST_BYTES) for times, size, row_groups in days)
        found.append((finding, size, size / 1e12 * DOLLARS_A_TB + requests / 1000 * DOLLARS_A_THOUSAND_GETS))
    return sorted(found, key=lambda row: -row[1])


def main() -> None:
    print(table(("events", "first wake-up", "500 events more", "CPU", "peak memory", "bar"), rows()))
    found = year()
    whole = ("all findings, one by one", sum(size for _, size, _ in found), sum(dollars for *_, dollars in found))
    print(
        table(
            ("what Athena reads in a year", "bytes", "US dollars"),
            [(name, f"{size:,.0f}", f"{dollars:.4f}") for name, size, dollars in [*found[:5], whole]],
        )
    )


def table(head, lines) -> str:
    return "\n" + "\n".join(
        f"| {' | '.join(str(cell) for cell in line)} |" for line in [head, tuple("---" for _ in head), *lines]
    )


if __name__ == "__main__":
    main()
