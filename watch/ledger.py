"""What is known of an integration's cases: `cases/{integration}.state.json`, written as a whole or not at all.

Of two wake-ups that race one writes it; announcements stand in it until they are sent. `cases/{integration}.json`,
the list of open cases for readers, follows from it.
"""

import json
from typing import Any, NamedTuple

from findings.store import Store
from watch.cases import OPEN, Case, worst_first

SCHEMA = 1
MOST_DAYS = 60
"""Days of which it is counted what opened and closed."""


class Ledger(NamedTuple):
    """Cases as of manifest `sequence`."""

    sequence: int
    committed_at: str
    cases: list[Case]
    """Open and accepted ones."""
    judged: list[str]
    """Findings of posture whose first rows are known: later ones are news."""
    has_digest: bool
    """Whether what the first snapshot showed was summed up."""
    changes: list[Case]
    """What changed with `sequence`, for the table of cases."""
    days: dict[str, list[int]]
    """By UTC day: cases opened, cases closed."""
    outbox: list[dict[str, Any]]
    """Announcements that are due: {"id", "change": "opened" or "closed", "case", "to": [places that lack it]}, or a digest."""
    lease: dict[str, str] | None
    """Who sends them now, and until when others leave it to them."""

    def cases_open(self) -> list[Case]:
        return [case for case in self.cases if case["state"] == OPEN]


NOTHING = Ledger(0, "", [], [], False, [], {}, [], None)


def state_key(prefix: str, integration: str) -> str:
    return f"{prefix}/cases/{integration}.state.json"


def open_key(prefix: str, integration: str) -> str:
    return f"{prefix}/cases/{integration}.json"


class Damaged(Exception):
    """The state of the cases cannot be read; the message says what to do."""


def read(store: Store, prefix: str, integration: str) -> tuple[Ledger, str | None]:
    """The ledger and its version. Raises `Damaged`."""
    key = state_key(prefix, integration)
    stored, version = store.version(key)
    if stored is None:
        return NOTHING, None
    try:
        told = json.loads(stored)
        if told["schema"] != SCHEMA:
            raise ValueError(f"schema is {told['schema']}, not {SCHEMA}")
        return Ledger(*(told[name] for name in Ledger._fields)), version
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(
            f"{store}: {key} is damaged ({error}): restore an older version of it, or remove it: then all is summed up anew"
        ) from None


def write(store: Store, prefix: str, integration: str, ledger: Ledger, version: str | None) -> str:
    """Raises `Conflict` where somebody else has written it meanwhile."""
    told = {"schema": SCHEMA, "integration": integration} | ledger._asdict()
    return store.replace(state_key(prefix, integration), json.dumps(told, ensure_ascii=False).encode(), version)


def write_open(store: Store, prefix: str, integration: str, ledger: Ledger) -> None:
    """The list for readers, where it is not that already."""
    content = json.dumps(worst_first(ledger.cases_open()), ensure_ascii=False).encode()
    key = open_key(prefix, integration)
    if store.read(key) != content:
        store.write(key, content)


def counted(days: dict[str, list[int]], day: str, opened: int, closed: int) -> dict[str, list[int]]:
    """With the cases of a day more; the oldest days go."""
    before = days.get(day, [0, 0])
    known = days | {day: [before[0] + opened, before[1] + closed]}
    return {each: known[each] for each in sorted(known)[-MOST_DAYS:]}
