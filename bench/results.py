"""The measurements in words: Markdown, for people and for bench/results.md."""

import datetime
import statistics
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from bench import machine

# Seconds of wall clock and of CPU that a run should stay below, by its name.
BARS = {
    "activity only, at 0 ms": (2.0, 1.7),
    "activity only, at 20 ms": (3.0, 1.7),
    "entities without factors, at 0 ms": (2.3, None),
    "entities without factors, at 20 ms": (4.5, None),
}
PEAK_MIB = 64
EXCESS_PERCENT = 2
COLD_START_MS, BINARY_MB, ZIPPED_MB = 20, 15, 7
OVER_SHARE = 1.2


def head() -> str:
    today = datetime.date.today().isoformat()
    return f"""# Results of `make bench`

Measured on {today}: {machine.described()}.
The release build of the function is invoked over Lambda's own protocol and reads a fake org, a program of its own on the
same machine over plain HTTP with gzip; S3 and Secrets Manager are a counting sink in the measuring program. CPU seconds
and peak memory are those of the function's process alone. Runs up to a few seconds are made three times: wall clock is
the median, CPU that of the run in the middle, memory the highest. `RATE_LIMIT_SHARE` is 100 where nothing else is said.
Each measurement stands beside its bar where it has one, and says whether it is met."""


def met(value, bar) -> str:
    """`met` or by how much not."""
    return "met" if value <= bar else f"**missed by {(value / bar - 1) * 100:.0f} %**"


def table(header, rows) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def program(file, starts) -> str:
    size = file.stat().st_size / 1e6
    with tempfile.TemporaryDirectory() as folder:
        zipped = Path(folder, "function.zip")
        with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            archive.write(file, "bootstrap")
        zipped_size = zipped.stat().st_size / 1e6
    middle, slowest = statistics.median(starts) * 1000, max(starts) * 1000
    rows = [
        ["cold start to first poll, median", f"{middle:.1f} ms", f"{COLD_START_MS} ms", met(middle, COLD_START_MS)],
        ["the slowest of them", f"{slowest:.1f} ms", "", ""],
        ["binary", f"{size:.1f} MB", f"{BINARY_MB} MB", met(size, BINARY_MB)],
        ["zipped", f"{zipped_size:.1f} MB", f"{ZIPPED_MB} MB", met(zipped_size, ZIPPED_MB)],
    ]
    return "## The program\n\n" + table(["what", "measured", "bar", ""], rows)


def runs(title, measured) -> str:
    rows = [run(row) for row in measured]
    header = [
        "run",
        "requests",
        "floor",
        "wall",
        "CPU",
        "CPU / 100,000 records",
        "peak memory",
        "records",
        "out",
        "bars",
    ]
    return "\n\n".join([f"## {title}", table(header, rows), paths(measured)])


def run(row) -> list[Any]:
    per_records = row["cpu_s"] / max(row["records"], 1) * 100_000
    return [
        row["name"] + ("" if row["outcome"] == "succeeded" else f" (**{row['outcome']}**)"),
        f"{row['requests']:,}",
        f"{row['floor']:,}",
        f"{row['wall_s']:.2f} s",
        f"{row['cpu_s']:.2f} s",
        f"{per_records:.2f} s",
        f"{row['peak_mib']:.0f} MiB",
        f"{row['records']:,}",
        f"{row['bytes_out'] / 1e6:.1f} MB",
        bars(row),
    ]


def bars(row) -> str:
    wall, cpu = BARS.get(row["name"], (None, None))
    told = []
    if wall:
        told.append(f"wall {wall} s {met(row['wall_s'], wall)}")
    if cpu:
        told.append(f"CPU {cpu} s {met(row['cpu_s'], cpu)}")
    told.append(f"memory {met(row['peak_mib'], PEAK_MIB)}")
    told.append(f"requests {met(row['requests'], row['floor'] * (1 + EXCESS_PERCENT / 100))}")
    return ", ".join(told)


def paths(measured) -> str:
    """Requests by path beside the floor, of the runs that are worth a look: those that differ from it."""
    told = []
    for row in measured:
        every = sorted(row["paths"].keys() | row["least"].keys())
        counted = [(path, row["paths"].get(path, 0), row["least"].get(path, 0)) for path in every]
        differing = [f"`{path}` {made:,} (floor {least:,})" for path, made, least in counted if made != least]
        told.append(f"- {row['name']}: {', '.join(differing) or 'every path at its floor'}")
    return "Requests by path that differ from the floor:\n\n" + "\n".join(told)


def changes(measured) -> str:
    rows = [
        [
            row["name"],
            f"{row['requests']:,}",
            f"{row['wall_s'] * 1000:.0f} ms",
            f"{row['cpu_s'] * 1000:.0f} ms",
            row["records"],
        ]
        for row in measured
    ]
    return "## Runs after a complete one, at 0 ms\n\n" + table(["run", "requests", "wall", "CPU", "records"], rows)


def costs(measured) -> str:
    counts = sorted({count for row in measured for count in row["requests"]})
    rows = [
        [
            f"{row['users']:,}",
            row["kind"],
            *(f"{row['requests'][count]:,}" if count in row["requests"] else "" for count in counts),
        ]
        for row in measured
    ]
    header = ["users", "changes of", *(f"{count:,}" for count in counts)]
    text = "Requests of the run that follows so many changes, each of another user. Assignments are those of one app."
    return f"## What changes cost\n\n{text}\n\n" + table(header, rows)


def troubled(measured) -> str:
    rows = [
        [
            row["name"],
            row["outcome"],
            f"{row['requests']:,}",
            f"{row['floor']:,}" if row["floor"] else "",
            f"{row['wall_s']:.1f} s",
            f"{row['cpu_s']:.2f} s",
            f"{row['peak_mib']:.0f} MiB",
            f"{row['records']:,}",
            f"memory {met(row['peak_mib'], PEAK_MIB)}",
        ]
        for row in measured
    ]
    text = "Factors are refused for every tenth user. The answer for the group that hangs does not come within an hour."
    header = ["run", "outcome", "requests", "floor where all answers", "wall", "CPU", "peak memory", "records", "bars"]
    return f"## Objects that do not answer\n\n{text}\n\n" + table(header, rows)


def backlog(measured) -> str:
    if not measured:
        return "## A large backlog\n\nNo entity was committed within 170 s."
    return (
        f"## A large backlog\n\nOf an org with {measured['events']:,} events to read, the first entities were committed "
        f"{measured['first_entity_s']:.1f} s after the run began."
    )


def limited(measured) -> str:
    rows = [
        [
            row["name"],
            f"{row['requests']:,}",
            row["refused"],
            f"{row['wall_s']:.0f} s",
            f"{row['allowed_s']:.0f} s",
            f"{row['allowed_s'] / row['wall_s'] * 100:.0f} %",
            met(row["wall_s"], row["allowed_s"] * OVER_SHARE),
        ]
        for row in measured
    ]
    header = [
        "run",
        "requests",
        "answers 429",
        "wall",
        "at the share's even pace",
        "share used",
        f"at most {OVER_SHARE} times",
    ]
    return "## 600 requests a minute for groups\n\n" + table(header, rows)


def watch(rows) -> str:
    text = "A wake-up is a process of its own, in which Python and DuckDB start, too. The bars are of the one that appends 500 events."
    header = ["events", "first wake-up", "500 events more", "its CPU", "its peak memory", "bar"]
    return "## The watch\n\n" + text + "\n\n" + table(header, [list(row) for row in rows])


def large(rows) -> str:
    text = "Of an org of 100,000 users with 10,000 groups, 1,000 apps, 1,000 admins and 200,000 events; each question is a process of its own."
    header = ["what", "wall", "CPU", "peak memory", "bar"]
    return "## Findings of a large org\n\n" + text + "\n\n" + table(header, rows)
