"""Announces what opened and closed: each case to an EventBridge bus, severe ones to an SNS topic, too.

An announcement stands in the ledger until it is sent. One wake-up at a time sends: it takes a lease, which ends by itself if
it is killed. A kill between sending and writing that down makes an announcement come again, with the same id.
"""

import json
import sys
import uuid

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple, Protocol

from findings.ocsf import of_case
from findings.store import Conflict
from watch import ledger
from watch.cases import is_at_least
from watch.wake import Place, Woken, Word

BUS, TOPIC = "bus", "topic"
SOURCE = "okta-authomize"
DETAIL_TYPES = {"opened": "Okta case opened", "closed": "Okta case closed", "digest": "Okta cases digest"}
MOST_ENTRIES = 10
"""Events that EventBridge takes at a time."""
LEASE = timedelta(minutes=15)
"""Longer than a wake-up lives."""
MOST_TRIES = 20
SUBJECT_CHARACTERS = 100
"""Of a subject of SNS: ASCII, on one line."""


class Target(Protocol):
    """A receiver of announcements."""

    def tell(self, words: list[Word]) -> list[str]:
        """Gives the ids of those that were taken."""


class Bus(NamedTuple):
    """An EventBridge bus."""

    client: Any
    name: str

    def tell(self, words: list[Word]) -> list[str]:
        entries = [{"Source": SOURCE, "DetailType": DETAIL_TYPES[word["change"]], "Detail": _detail(word), "EventBusName": self.name} for word in words]
        answer = self.client.put_events(Entries=entries)
        refused = [each for each in answer["Entries"] if each.get("ErrorCode")]
        for each in refused:
            print(f"watch: the bus {self.name} refuses an event: {each['ErrorCode']}", file=sys.stderr)
        return [word["id"] for word, each in zip(words, answer["Entries"]) if not each.get("ErrorCode")]


class Topic(NamedTuple):
    """An SNS topic, for people."""

    client: Any
    arn: str

    def tell(self, words: list[Word]) -> list[str]:
        for word in words:
            attributes = {"change": word["change"], "id": word["id"]}
            if case := word.get("case"):
                attributes |= {"severity": case["severity"], "finding": case["finding"], "case": case["id"]}
            given = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
            self.client.publish(TopicArn=self.arn, Subject=subject(word), Message=text(word), MessageAttributes=given)
        return [word["id"] for word in words]


class Rules(NamedTuple):
    """Which announcement goes to which receiver."""

    targets: dict[str, Target]
    least_severity: str

    def to(self, severity: str | None) -> list[str]:
        told = {BUS: True, TOPIC: severity is None or is_at_least(severity, self.least_severity)}
        return [name for name in self.targets if told[name]]


def deliver(place: Place, woken: Woken, rules: Rules, clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc)) -> int:
    """Sends what is due; gives how many announcements are left. A later wake-up sends what is refused now."""
    holder = uuid.uuid4().hex
    due = _take(place, woken, holder, clock)
    if due is None:
        return 0
    left = 0
    for name, target in rules.targets.items():
        words = [word for word in due if name in word["to"]]
        for first in range(0, len(words), MOST_ENTRIES):
            group = words[first : first + MOST_ENTRIES]
            told = _told(name, target, group)
            left += len(group) - len(told)
            _settle(place, holder, {(id, name) for id in told}, is_end=False)
            if not told:
                left += len(words) - first - len(group)
                break
    _settle(place, holder, set(), is_end=True)
    return left


def _told(name: str, target: Target, group: list[Word]) -> list[str]:
    """A target that is down costs no other one."""
    try:
        return target.tell(group)
    except Exception as error:
        print(f"watch: nothing can be told to the {name} now: {type(error).__name__}: {error}", file=sys.stderr)
        return []


def _take(place: Place, woken: Woken, holder: str, clock: Callable[[], datetime]) -> list[Word] | None:
    """What is due, if nobody else is sending it."""
    known, version = woken.ledger, woken.version
    for _ in range(MOST_TRIES):
        if not known.outbox or known.lease and datetime.fromisoformat(known.lease["until"]) > clock():
            return None
        lease = {"holder": holder, "until": (clock() + LEASE).isoformat()}
        try:
            ledger.write(*place, known._replace(lease=lease), version)
            return known.outbox
        except Conflict:
            known, version = ledger.read(*place)
    return None


def _settle(place: Place, holder: str, told: set[tuple[str, str]], is_end: bool) -> None:
    """Takes out what was sent. Another wake-up may have added something meanwhile."""
    if not told and not is_end:
        return
    for _ in range(MOST_TRIES):
        known, version = ledger.read(*place)
        left = [word | {"to": [name for name in word["to"] if (word["id"], name) not in told]} for word in known.outbox]
        is_ours = known.lease is not None and known.lease["holder"] == holder
        settled = known._replace(outbox=[word for word in left if word["to"]], lease=None if is_end and is_ours else known.lease)
        try:
            if settled != known:
                ledger.write(*place, settled, version)
            return
        except Conflict:
            continue
    raise Conflict(f"{place.store}: the cases of {place.integration} are written by too many at once")


def _detail(word: Word) -> str:
    if word["change"] == "digest":
        return json.dumps({name: word[name] for name in ("id", "digest", "sequence")})
    return json.dumps(word["case"] | {"ocsf": of_case(word["case"])}, ensure_ascii=False)


def subject(word: Word) -> str:
    """On one line, of ASCII."""
    case = word.get("case")
    words = f"{case['severity']}, {word['change']}: {case['title']}" if case else "Okta: what the first snapshot shows"
    return "".join(letter if " " <= letter <= "~" else "?" for letter in words)[:SUBJECT_CHARACTERS]


def text(word: Word) -> str:
    """For people."""
    case = word.get("case")
    if not case:
        counted = ", ".join(f"{count} {severity}" for severity, count in word["digest"].items()) or "nothing"
        return f"As of manifest {word['sequence']} the first snapshot shows: {counted}. Each case that is new from now on is told by itself."
    lines = [case["title"], f"{case['name']}: {case['detail']}", "", f"Severity: {case['severity']}", f"First seen: {case['first_seen']}"]
    lines += [f"Closed: {case['closed_because']}"] if word["change"] == "closed" else ["", f"What to do: {case['do']}"]
    if word["change"] == "opened":
        lines += [f"{number}. {step['step']}: {step['console']}" for number, step in enumerate(case.get("plan", [])[:5], start=1)]
    return "\n".join([*lines, "", f"Integration {case['integration']}, finding {case['finding']}, case {case['id']}"])

