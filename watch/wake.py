"""One wake-up: the tables follow the log, the findings are asked, and what has opened or closed is written down to be announced.

Announcements are written with the cases, in one object and only if nobody else has written it meanwhile. So of two
wake-ups that race one has news, and the next one sends what a killed one did not.
"""

import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

import duckdb

from findings import answers, catalog, ways
from findings.answers import Answer
from findings.answers import Case as Row
from findings.bucket import Starts
from findings.catalog import Finding
from findings.database import only_row
from findings.store import Conflict, Store
from findings.tables import append
from watch import accepted, baseline, cases, history, ledger, plan
from watch.cases import ACCEPTED, OPEN, POSTURE, Case, Comparison
from watch.ledger import Ledger


class Place(NamedTuple):
    """One integration in a bucket."""

    store: Store
    prefix: str
    integration: str


Word = dict[str, Any]
"""An announcement: {"id", "change": "opened", "closed" or "digest", "case" or "digest", "to"}."""


class Woken(NamedTuple):
    """How things stand after a wake-up, with the version of the ledger."""

    ledger: Ledger
    version: str | None
    news: list[Word]
    """What this wake-up has found, and no other one."""


def wake(connection: duckdb.DuckDBPyConnection, place: Place, to: Callable[[str | None], list[str]]) -> Woken:
    """Brings tables and cases up to the newest manifest. `to` gives the receivers of a case of a severity, and (`None`) of the digest.

    Raises `Broken`, `Unreadable` and `Damaged`, in which case nothing was written."""
    known, version = ledger.read(*place)
    words: list[Word] = []
    tables, progress = append.bring_up_to_date(connection, *place)
    sequence = progress.place.sequence
    if known.sequence > sequence:
        raise ledger.Damaged(
            f"{place.store}: the cases are of manifest {known.sequence}, the newest is {sequence}: restore the history"
        )
    if known.sequence < sequence:
        tables.show(connection, sequence)
        values = catalog.parameters({})
        answers.build_views(connection, values)
        ways.write(connection, *place, sequence)
        news = _News(connection, place, known, progress.starts, progress.place.org or "", to)
        try:
            found, words = news.of(values, sequence)
            version = ledger.write(*place, found, version)
            known = found
        except Conflict:
            words = []
            # Another wake-up was faster, and has the news.
            known, version = ledger.read(*place)
    leave_for_readers(connection, place, known)
    return Woken(known, version, words)


def leave_for_readers(connection: duckdb.DuckDBPyConnection, place: Place, known: Ledger) -> None:
    """What follows from the ledger; where a wake-up was killed before, it is made good."""
    history.write(connection, *place, known)
    ledger.write_open(*place, known)
    history.write_status(*place, known)


class _News:
    """What a manifest has brought."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        place: Place,
        known: Ledger,
        starts: Starts,
        org: str,
        to: Callable[[str | None], list[str]],
    ) -> None:
        self._connection = connection
        self._place = place
        self._known = known
        self._starts = starts
        self._org = org
        self._to = to

    def of(self, values: dict[str, int], sequence: int) -> tuple[Ledger, list[Word]]:
        began, now = only_row(self._connection, "select min(committed_at), max(committed_at) from commits")
        missing = baseline.unread(*self._place, self._starts, now)
        has_digest = self._known.has_digest or baseline.is_first_snapshot_done(missing, began, now)
        compared = Comparison(self._place.integration, self._known.cases, now, sequence)
        judged = set(self._known.judged)
        asked = catalog.findings()
        can_judge = [
            finding
            for finding in asked
            if finding.kind != POSTURE or has_digest and self._can_judge(finding, missing, judged, began, now)
        ]
        shown = self._answers(can_judge, values)
        events = self._events_among(
            row.id for answer in shown if answer.finding.kind != POSTURE for row in answer.cases if not row.evidence
        )
        for answer in shown:
            compared.judge(answer.finding, cases.found(answer, lambda rows: self._events_of(rows, events)))
            if answer.finding.kind == POSTURE and not baseline.slow_ones_unread(answer.finding, self._starts):
                judged.add(answer.finding.id)
        compared.retire(finding.id for finding in asked)
        return self._ledger(compared, judged, has_digest, sequence, now)

    def _can_judge(
        self, finding: Finding, missing: frozenset[str], judged: set[str], began: datetime, now: datetime
    ) -> bool:
        """Once a finding was judged it stays so, whatever is read anew."""
        is_read = (
            not missing & baseline.streams_of(finding)
            or now - began > baseline.LONGEST_WAIT
            and not missing & baseline.SLOW_STREAMS
        )
        return finding.id in judged or is_read

    def _answers(self, asked: list[Finding], values: dict[str, int]) -> list[Answer]:
        """Those that cannot be asked are left out: then their cases stay as they are."""
        found = answers.each(self._connection, asked, values)
        for error in found:
            if isinstance(error, RuntimeError):
                print(f"watch: {error}", file=sys.stderr)
        return [answer for answer in found if isinstance(answer, Answer)]

    def _events_among(self, ids: Iterable[str]) -> set[str]:
        """Those that are ids of events, asked for all rows at once: each question reads a column of the whole log."""
        asked = sorted(set(ids))
        query = "select event_id from events where event_id in (select unnest($1))"
        return {id for (id,) in self._connection.execute(query, [asked]).fetchall()} if asked else set()

    def _events_of(self, rows: list[Row], events: set[str]) -> list[tuple[str, ...]]:
        """The events behind each row: those that it names, the one whose id it has, or those of its moment that name what it names."""
        named = {number: row.evidence or ((row.id,) if row.id in events else ()) for number, row in enumerate(rows)}
        at_its_moment = self._events_at({number: rows[number] for number, found in named.items() if not found})
        return [found or at_its_moment.get(number) or (rows[number].id,) for number, found in named.items()]

    def _events_at(self, rows: dict[int, Row]) -> dict[int, tuple[str, ...]]:
        """By number, where there are any: asked for all rows at once, for each question reads columns of the whole log."""
        asked = [(number, row.at, row.id) for number, row in rows.items() if row.at]
        query = """
            select asked.number, list_sort(list(distinct e.event_id))[:$most]
            from (select unnest($numbers::bigint[]) as number, unnest($moments::timestamp[]) as moment, unnest($ids::varchar[]) as id) asked
            join events e on e.published = asked.moment and (asked.id in (e.session_id, e.ip, e.actor_id, e.dt_hash)
              or list_contains(list_transform(e.event_targets, lambda target: target.target_id), asked.id))
            group by asked.number"""
        if not asked:
            return {}
        numbers, moments, ids = map(list, zip(*asked, strict=True))
        given = {"numbers": numbers, "moments": moments, "ids": ids, "most": cases.MOST_EVIDENCE}
        return {number: tuple(found) for number, found in self._connection.execute(query, given).fetchall()}

    def _ledger(
        self, compared: Comparison, judged: set[str], has_digest: bool, sequence: int, now: datetime
    ) -> tuple[Ledger, list[Word]]:
        acceptances, wrong = accepted.read(*self._place)
        for text in wrong:
            print(f"watch: {text}", file=sys.stderr)
        before = {case["id"]: case for case in self._known.cases}
        there = {id: accepted.applied(case, acceptances, now) for id, case in compared.cases.items()}
        # What a finding showed when it was judged first was so before anybody looked.
        looked_at = set(self._known.judged)
        silent = {
            case["id"] for case in compared.opened if case["kind"] == POSTURE and case["finding"] not in looked_at
        }
        released = [
            id for id, case in there.items() if case["state"] == OPEN and before.get(id, case)["state"] == ACCEPTED
        ]
        news = {case["id"] for case in compared.opened if case["id"] not in silent} | set(released)
        opened = cases.worst_first(case for id, case in there.items() if id in news and case["state"] == OPEN)
        closed = cases.worst_first(case for case in compared.closed if before[case["id"]]["state"] == OPEN)
        new = {id for id, case in there.items() if id not in before or _differs(before[id], case)}
        planned = plan.Planner(self._connection, self._org, [there[id] for id in new])
        there = {
            id: planned.with_plan(case) if id in new else case | {"plan": before[id].get("plan", [])}
            for id, case in there.items()
        }
        opened = [there[case["id"]] for case in opened]
        words = self._words(opened, closed, sequence)
        if has_digest and not self._known.has_digest:
            words.append(self._digest([there[id] for id in sorted(silent) if there[id]["state"] == OPEN], sequence))
        changed = [there[id] for id in sorted(new)]
        written = Ledger(
            sequence=sequence,
            committed_at=cases.stamp(now),
            cases=list(there.values()),
            judged=sorted(judged),
            has_digest=has_digest,
            changes=[*changed, *compared.closed],
            days=ledger.counted(self._known.days, f"{now:%Y-%m-%d}", len(opened) + len(silent), len(compared.closed)),
            outbox=[*self._known.outbox, *(word for word in words if word["to"])],
            lease=self._known.lease,
        )
        return written, words

    def _words(self, opened: list[Case], closed: list[Case], sequence: int) -> list[Word]:
        told = [("opened", case) for case in opened] + [("closed", case) for case in closed]
        return [
            {
                "id": f"{change}:{case['id']}:{sequence}",
                "change": change,
                "case": case,
                "to": self._to(case["severity"]),
            }
            for change, case in told
        ]

    def _digest(self, first: list[Case], sequence: int) -> Word:
        return {
            "id": f"digest:{sequence}",
            "change": "digest",
            "digest": cases.counts(first),
            "sequence": sequence,
            "to": self._to(None),
        }


def _differs(before: Case, after: Case) -> bool:
    """Whether more than the time is another one at which it was seen last."""
    for name in ("state", "detail", "severity", "title", "evidence", "reason", "name"):
        if before.get(name) != after.get(name):
            return True
    return False
