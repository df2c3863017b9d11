"""`cases/{integration}.accepted.json`: what somebody has accepted, with a reason and, if they like, an end."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from findings.asked import moment
from findings.store import Store
from watch.cases import ACCEPTED, OPEN, Case


class Acceptance(NamedTuple):
    """A finding as a whole, or one case of it by its key or id. Until its end; without one for ever."""

    finding: str
    key: str | None
    reason: str
    until: datetime | None

    def covers(self, case: Case, now: datetime) -> bool:
        is_meant = case["finding"] == self.finding and self.key in (None, case["key"], case["id"])
        return is_meant and (self.until is None or now <= self.until)


def object_key(prefix: str, integration: str) -> str:
    return f"{prefix}/cases/{integration}.accepted.json"


def read(store: Store, prefix: str, integration: str) -> tuple[list[Acceptance], list[str]]:
    """The acceptances, and what is wrong with those that are none: one of them costs no other."""
    key = object_key(prefix, integration)
    stored = store.read(key)
    if stored is None:
        return [], []
    try:
        told = json.loads(stored)
    except ValueError as error:
        return [], [f"{key}: is not JSON, and nothing is accepted: {error}"]
    if not isinstance(told, list):
        return [], [f"{key}: is not a list, and nothing is accepted"]
    accepted, wrong = [], []
    for number, entry in enumerate(told, start=1):
        try:
            accepted.append(_acceptance(entry))
        except ValueError as error:
            wrong.append(f"{key}, entry {number}: {error}; it accepts nothing")
    return accepted, wrong


def _acceptance(entry: Any) -> Acceptance:
    if not isinstance(entry, dict):
        raise ValueError("is no object")
    for name, is_needed in (("finding", True), ("key", False), ("reason", True), ("until", False)):
        value = entry.get(name)
        if not (isinstance(value, str) and value.strip()) and (is_needed or value is not None):
            raise ValueError(f"{name} is {value!r}")
    until = entry.get("until")
    return Acceptance(entry["finding"], entry.get("key"), entry["reason"], moment(until) if until else None)


def applied(case: Case, acceptances: list[Acceptance], now: datetime) -> Case:
    """The case with the state that acceptances give it."""
    reason = next((each.reason for each in acceptances if each.covers(case, now)), None)
    bare = {name: value for name, value in case.items() if name != "reason"}
    return bare | ({"state": OPEN} if reason is None else {"state": ACCEPTED, "reason": reason})


def add(store: Store, prefix: str, integration: str, acceptance: dict[str, str]) -> None:
    """Writes one more; the newest word on a finding and key stands. Raises `ValueError` where the file cannot be added to."""
    key = object_key(prefix, integration)
    stored, version = store.version(key)
    told = json.loads(stored) if stored else []
    if not isinstance(told, list):
        raise ValueError(f"{key}: is not a list")
    same = {name: acceptance.get(name) for name in ("finding", "key")}
    others = [each for each in told if not (isinstance(each, dict) and {name: each.get(name) for name in same} == same)]
    store.replace(key, f"{json.dumps([*others, acceptance], indent=1, ensure_ascii=False)}\n".encode(), version)


def remove(store: Store, prefix: str, integration: str, is_meant: Callable[[Any], bool]) -> None:
    """Takes out the entries that are meant. What is no list stays as it is."""
    key = object_key(prefix, integration)
    stored, version = store.version(key)
    told = json.loads(stored) if stored else []
    if isinstance(told, list) and any(map(is_meant, told)):
        left = [entry for entry in told if not is_meant(entry)]
        store.replace(key, f"{json.dumps(left, indent=1, ensure_ascii=False)}\n".encode(), version)
