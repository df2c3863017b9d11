"""The files of a table. Their names say which manifests they cover, and nothing else is kept about them.

    tables/{table}/integration={integration}/{first}-{last}.parquet
    tables/activity/integration={integration}/date={day}/{first}-{last}.parquet

A file holds every row of its folder that manifests `first` to `last` brought. So one whose manifests another one covers
too says nothing more: it was merged into that one, or is what a killed writer left.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from findings.store import Entry, Store

DIGITS = 12
KEY = re.compile(
    rf"tables/(?P<table>[a-z0-9_]+)/integration=(?P<integration>[^/]+)/(?:date=(?P<day>[^/]+)/)?"
    rf"(?P<first>\d{{{DIGITS}}})-(?P<last>\d{{{DIGITS}}})\.parquet",
    re.ASCII,
)


class Part(NamedTuple):
    """A file: `day` where the table is divided by days."""

    table: str
    integration: str
    day: str | None
    first: int
    last: int
    size: int = 0

    def covers(self, other: "Part") -> bool:
        return self.day == other.day and self.first <= other.first and other.last <= self.last

    def key(self, prefix: str) -> str:
        day = f"date={self.day}/" if self.day else ""
        name = f"{self.first:0{DIGITS}}-{self.last:0{DIGITS}}.parquet"
        return f"{folder(prefix, self.table, self.integration)}{day}{name}"


def folder(prefix: str, table: str, integration: str) -> str:
    return f"{prefix}/tables/{table}/integration={integration}/"


def parse(prefix: str, entry: Entry) -> Part | None:
    """The file that a key names; `None` where it is none of a table."""
    match = KEY.fullmatch(entry.key.removeprefix(f"{prefix}/"))
    if not match:
        return None
    return Part(match["table"], match["integration"], match["day"], int(match["first"]), int(match["last"]), entry.size)


def listed(store: Store, prefix: str, table: str, integration: str) -> list[Part]:
    """Every file of a table, the needless ones too."""
    found = (parse(prefix, entry) for entry in store.entries(folder(prefix, table, integration)))
    return sorted(part for part in found if part)


def standing(parts: Iterable[Part]) -> tuple[list[Part], list[Part]]:
    """Those that say all, by day and manifest, and those that others cover."""
    by_day: dict[str | None, list[Part]] = defaultdict(list)
    for part in parts:
        by_day[part.day].append(part)
    kept: list[Part] = []
    needless: list[Part] = []
    for day in sorted(by_day, key=lambda day: day or ""):
        reach = -1
        # The widest of those that begin together comes first.
        for part in sorted(by_day[day], key=lambda part: (part.first, -part.last)):
            (needless if part.last <= reach else kept).append(part)
            reach = max(reach, part.last)
    return kept, needless
