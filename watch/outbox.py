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
MOST_ENTRIES, MOST_BYTES = 10, 200_000
"""Events that EventBridge takes at a time, and less than the bytes that it takes of them (256 KB)."""
LEAST_EVIDENCE, MOST_CHARACTERS = 10, 4_000
"""Of a case that is too large for a message; the whole is in `cases/`."""
LEASE = timedelta(minutes=15)
"""Longer than a wake-up lives."""
MOST_TRIES = 20
MOST_FAILURES = 2
"""Of one group, after which a topic is left alone until the next wake-up."""
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
        told: list[str] = []
        for group in _groups([(word["id"], self._entry(word)) for word in words]):
            try:
                answer = self.client.put_events(Entries=[entry for _, entry in group])
            except Exception as error:
                # What went out before it must not go out again.
                _say(f"the bus {self.name} takes nothing now: {type(error).__name__}: {error}")
                break
            for (id, _), each in zip(group, answer["Entries"], strict=False):
                if code := each.get("ErrorCode"):
                    _say(f"the bus {self.name} refuses {id}: {code}")
                else:
                    told.append(id)
        return told

    def _entry(self, word: Word) -> dict[str, str]:
        return {
            "Source": SOURCE,
            "DetailType": DETAIL_TYPES[word["change"]],
            "Detail": _detail(word),
            "EventBusName": self.name,
        }


def _groups(entries: list[tuple[str, dict[str, str]]]) -> list[list[tuple[str, dict[str, str]]]]:
    """As many at a time as EventBridge takes by their bytes."""
    groups: list[list[tuple[str, dict[str, str]]]] = []
    room = 0
    for id, entry in entries:
        size = sum(len(value.encode()) for value in entry.values())
        if not groups or size > room:
            groups.append([])
            room = MOST_BYTES
        groups[-1].append((id, entry))
        room -= size
    return groups


class Topic(NamedTuple):
    """An SNS topic, for people."""

    client: Any
    arn: str

    def tell(self, words: list[Word]) -> list[str]:
        told: list[str] = []
        failures = 0
        for word in words:
            try:
                self._publish(word)
                told.append(word["id"])
            except Exception as error:
                _say(f"the topic does not take {word['id']} now: {type(error).__name__}: {error}")
                # One that is refused must not hold up the others; where several are, the topic is down.
                failures += 1
                if failures == MOST_FAILURES:
                    break
        return told

    def _publish(self, word: Word) -> None:
        attributes = {"change": word["change"], "id": word["id"]}
        if case := word.get("case"):
            attributes |= {
                "severity": case["severity"],
                "finding": case["finding"],
                "case": case["id"],
                "integration": case["integration"],
            }
        given = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
        message = text(word).encode()[:MOST_BYTES].decode(errors="ignore")
        self.client.publish(TopicArn=self.arn, Subject=subject(word), Message=message, MessageAttributes=given)


class Rules(NamedTuple):
    """Which announcement goes to which receiver."""

    targets: dict[str, Target]
    least_severity: str

    def to(self, severity: str | None) -> list[str]:
        told = {BUS: True, TOPIC: severity is None or is_at_least(severity, self.least_severity)}
        return [name for name in self.targets if told[name]]


def deliver(
    place: Place, woken: Woken, rules: Rules, clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc)
) -> int:
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
    # A receiver that the settings no longer name is never told.
    nobody = {(word["id"], name) for word in due for name in word["to"] if name not in rules.targets}
    _settle(place, holder, nobody, is_end=True)
    return left


def _told(name: str, target: Target, group: list[Word]) -> list[str]:
    """A target that is down costs no other one."""
    try:
        return target.tell(group)
    except Exception as error:
        _say(f"nothing can be told to the {name} now: {type(error).__name__}: {error}")
        return []


def _say(words: str) -> None:
    print(f"watch: {words}", file=sys.stderr)


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
        settled = known._replace(
            outbox=[word for word in left if word["to"]], lease=None if is_end and is_ours else known.lease
        )
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
    case = word["case"]
    detail = json.dumps(case | {"ocsf": of_case(case)}, ensure_ascii=False)
    if len(detail.encode()) > MOST_BYTES // 2:
        less = case | {
            "evidence": case["evidence"][:LEAST_EVIDENCE],
            "plan": [],
            "detail": case["detail"][:MOST_CHARACTERS],
            "name": case["name"][:MOST_CHARACTERS],
        }
        detail = json.dumps(less | {"ocsf": of_case(less)}, ensure_ascii=False)
    return detail


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
    lines = [
        case["title"],
        f"{case['name']}: {case['detail']}",
        "",
        f"Severity: {case['severity']}",
        f"First seen: {case['first_seen']}",
    ]
    lines += [f"Closed: {case['closed_because']}"] if word["change"] == "closed" else ["", f"What to do: {case['do']}"]
    if word["change"] == "opened":
        lines += [
            f"{number}. {step['step']}: {step['console']}"
            for number, step in enumerate(case.get("plan", [])[:5], start=1)
        ]
    return "\n".join([*lines, "", f"Integration {case['integration']}, finding {case['finding']}, case {case['id']}"])
