"""Cases: what is found, over time.

A case of posture is there while its row is. A case of an attack is a fact of its time: it stays until somebody accepts it.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from findings.answers import Answer
from findings.answers import Case as Row
from findings.catalog import SEVERITIES, Finding

OPEN, ACCEPTED, CLOSED = "open", "accepted", "closed"
POSTURE = "posture"
SAME_ATTACK = timedelta(days=1)
"""An attack that no single event names, such as a spray from an address, goes on while it pauses for less."""
MOST_EVIDENCE = 100

Case = dict[str, Any]
"""As the contract has it, with `name` (of the object) and `kind` (`posture` or `events`) beside it."""


class Found(NamedTuple):
    """A row of a finding, or several that name the same object."""

    key: str
    name: str
    detail: str
    evidence: tuple[str, ...]
    at: datetime | None
    is_one_event: bool


def case_id(integration: str, finding: str, key: str) -> str:
    return hashlib.sha256(f"{integration}\n{finding}\n{key}".encode()).hexdigest()[:32]


def stamp(moment: datetime) -> str:
    return f"{moment.isoformat(timespec='milliseconds')}Z"


def found(answer: Answer, events_of: Callable[[list[Row]], list[tuple[str, ...]]]) -> list[Found]:
    """What an answer shows, an object once. `events_of(rows)` gives for each row the events behind it."""
    is_attack = answer.finding.kind != POSTURE
    evidence = events_of(answer.cases) if is_attack else [case.evidence or (case.id,) for case in answer.cases]
    merged: dict[Any, Found] = {}
    for row, proof in zip(answer.cases, evidence, strict=True):
        is_one = is_attack and proof == (row.id,)
        # Two sprays of one address are two; two rows of posture about one object are one case.
        at = row.at if is_attack and not is_one else None
        same = merged.get((row.id, at))
        if same is None:
            merged[row.id, at] = Found(row.id, row.name, row.detail, tuple(proof), row.at, is_one)
        else:
            detail = same.detail if row.detail in same.detail.split("; ") else f"{same.detail}; {row.detail}"
            merged[row.id, at] = same._replace(
                detail=detail,
                evidence=tuple(dict.fromkeys([*same.evidence, *proof])),
                at=max(filter(None, (same.at, row.at)), default=None),
            )
    return list(merged.values())


class _Attacks:
    """The cases of a finding of attacks by what they are about: a finding may have tens of thousands."""

    def __init__(self, known: Iterable[Case]) -> None:
        self._known: dict[str, list[Case]] = defaultdict(list)
        for case in known:
            self._known[case["key"].rpartition("@")[0]].append(case)
        self._added: dict[str, dict[str, Case]] = defaultdict(dict)

    def add(self, case: Case) -> None:
        self._added[case["key"].rpartition("@")[0]][case["id"]] = case

    def key(self, row: Found, moment: datetime) -> str:
        """The key of an attack that no single event names: that of the case which it goes on with, or a new one of its day."""
        for case in [*self._known[row.key], *self._added[row.key].values()]:
            first, last = (datetime.fromisoformat(case[name].rstrip("Z")) for name in ("first_seen", "last_seen"))
            if first - SAME_ATTACK <= moment <= last + SAME_ATTACK:
                return case["key"]
        return f"{row.key}@{moment:%Y-%m-%dT%H:%M:%SZ}"


class Comparison:
    """What a manifest changed of an integration's cases."""

    def __init__(self, integration: str, known: Iterable[Case], now: datetime, sequence: int) -> None:
        self._integration = integration
        self._known = {case["id"]: case for case in known}
        self._of_finding: dict[str, list[Case]] = defaultdict(list)
        for case in self._known.values():
            self._of_finding[case["finding"]].append(case)
        self._now = now
        self._sequence = sequence
        self.cases: dict[str, Case] = dict(self._known)
        """Open and accepted ones, by id."""
        self.opened: list[Case] = []
        self.closed: list[Case] = []

    def judge(self, finding: Finding, rows: list[Found]) -> None:
        """Takes in all that a finding shows now."""
        there: dict[str, Case] = {}
        attacks = _Attacks(self._of_finding[finding.id]) if finding.kind != POSTURE else None
        for row in rows:
            key = row.key if attacks is None or row.is_one_event else attacks.key(row, row.at or self._now)
            case = self._case(finding, row, key)
            there[case["id"]] = case
            if attacks is not None:
                attacks.add(case)
        for id, case in there.items():
            if id not in self._known:
                self.opened.append(case)
            self.cases[id] = case
        if finding.kind == POSTURE:
            for case in self._of_finding[finding.id]:
                if case["id"] not in there:
                    self._close(case["id"], f"no longer found, as of manifest {self._sequence}")

    def retire(self, findings: Iterable[str]) -> None:
        """Closes what belongs to findings that there are no more."""
        kept = set(findings)
        for id, case in self._known.items():
            if case["finding"] not in kept:
                self._close(id, f"the finding {case['finding']} is not asked any more")

    def _close(self, id: str, why: str) -> None:
        self.closed.append(self.cases.pop(id) | {"state": CLOSED, "closed_at": stamp(self._now), "closed_because": why})

    def _case(self, finding: Finding, row: Found, key: str) -> Case:
        id = case_id(self._integration, finding.id, key)
        is_attack = finding.kind != POSTURE
        seen = stamp(row.at if is_attack and row.at else self._now)
        before = self._known.get(id, {})
        evidence = list(dict.fromkeys([*before.get("evidence", []), *row.evidence] if is_attack else row.evidence))
        return {
            "id": id,
            "integration": self._integration,
            "finding": finding.id,
            "kind": finding.kind,
            "severity": finding.severity,
            "title": finding.title,
            "key": key,
            "name": row.name,
            "detail": row.detail,
            "do": finding.remedy,
            "evidence": evidence[:MOST_EVIDENCE],
            "first_seen": min(before.get("first_seen", seen), seen),
            "last_seen": max(before.get("last_seen", seen), seen),
            "state": before.get("state", OPEN),
            "closed_at": None,
            "closed_because": None,
            **({"reason": before["reason"]} if "reason" in before else {}),
        }


def counts(cases: Iterable[Case]) -> dict[str, int]:
    """By severity, worst first, without those that have none."""
    all_of_them = [case["severity"] for case in cases]
    return {severity: all_of_them.count(severity) for severity in SEVERITIES if severity in all_of_them}


def worst_first(cases: Iterable[Case]) -> list[Case]:
    """Those of a severity newest first."""
    newest = sorted(cases, key=lambda case: (case["first_seen"], case["id"]), reverse=True)
    return sorted(newest, key=lambda case: SEVERITIES.index(case["severity"]))


def is_at_least(severity: str, least: str) -> bool:
    return SEVERITIES.index(severity) <= SEVERITIES.index(least)
