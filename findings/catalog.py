"""The findings: one file each under posture/ and events/, a head of comments and one select.

The select gives `id`, `name`, `detail` and `seen_at`, one row a case, from the views. `{name}` in it is a parameter.
"""

import functools
import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent
SEVERITIES = ("critical", "high", "medium", "low", "info")
HEAD = re.compile(r"-- (id|title|severity|why|do|false positives|reference|parameter): (.+)")
PARAMETER = re.compile(r"\{(\w+)\}")
SHARED_PARAMETERS = {"event_days": 90, "schedule_minutes": 5}
"""Those of the views: how far back events count; how often the collector runs."""


class Finding(NamedTuple):
    id: str
    kind: str
    """`posture`, from the newest state, or `events`."""
    title: str
    severity: str
    why: str
    remedy: str
    false_positives: str
    references: tuple[str, ...]
    parameters: dict[str, int]
    select: str


class UnknownParameter(Exception):
    """The message names it, and those there are."""


@functools.cache
def findings() -> tuple[Finding, ...]:
    """Worst first, then by kind and id."""
    read = [_finding(file, kind) for kind in ("posture", "events") for file in (ROOT / kind).glob("*.sql")]
    return tuple(sorted(read, key=lambda finding: (SEVERITIES.index(finding.severity), finding.kind, finding.id)))


def _finding(file: Path, kind: str) -> Finding:
    head: dict[str, list[str]] = {}
    lines = file.read_text().splitlines()
    body = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    for line in lines[:body]:
        match = HEAD.fullmatch(line)
        if not match:
            raise ValueError(f"{file.name}: {line!r} is not a line of a finding's head")
        head.setdefault(match[1], []).append(match[2])
    once = {key: values[0] for key, values in head.items() if key not in ("reference", "parameter")}
    if once["id"] != file.stem or once["severity"] not in SEVERITIES:
        raise ValueError(f"{file.name}: id or severity is wrong")
    parameters = dict(line.split(" = ") for line in head.get("parameter", []))
    return Finding(
        id=once["id"],
        kind=kind,
        title=once["title"],
        severity=once["severity"],
        why=once["why"],
        remedy=once["do"],
        false_positives=once["false positives"],
        references=tuple(head["reference"]),
        parameters={name: int(value) for name, value in parameters.items()},
        select="\n".join(lines[body:]),
    )


def parameters(given: dict[str, int]) -> dict[str, int]:
    """Defaults with what was given in their place. A name that several findings share is one parameter."""
    known = dict(SHARED_PARAMETERS)
    for finding in findings():
        known |= finding.parameters
    if unknown := sorted(given.keys() - known.keys()):
        raise UnknownParameter(
            f"no finding has a parameter {', '.join(unknown)}; there are: {', '.join(sorted(known))}"
        )
    return known | given


def filled(sql: str, values: dict[str, int]) -> str:
    """The text with numbers in place of parameters."""
    return PARAMETER.sub(lambda match: str(values[match[1]]), sql)
