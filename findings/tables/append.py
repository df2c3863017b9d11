"""Brings the tables up to the newest manifest.

What was read is verified first, and all files are made before the first one is put in its place: a broken chain or batch
leaves the tables as they were. Then the files are put in their places, then the progress says so. Who is killed in between
leaves rows of manifests that the progress does not name yet; the next one makes the same rows again.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import duckdb

from findings.bucket import GROWING_STREAMS, Batch, Log, Place, Snapshot
from findings.columns import Stream, streams
from findings.store import Store
from findings.tables import changes, lines, merge, shape
from findings.tables.history import NOTHING, Progress, Tables
from findings.tables.parts import Part

MOST_RECORDS = 100_000
"""Lines that are worked on at a time, or those of one manifest."""


MOST_MANIFESTS = 500
"""Of a bucket, so many are followed before the progress is written: a long history is not begun again and again."""


class Broken(Exception):
    """The data breaks the contract; the tables are as they were."""

    def __init__(self, violations: list[str]) -> None:
        super().__init__("\n".join(violations))
        self.violations = violations


class Stretch(NamedTuple):
    """Manifests that are worked on together."""

    first: int
    last: int


def bring_up_to_date(
    connection: duckdb.DuckDBPyConnection, store: Store, prefix: str, integration: str
) -> tuple[Tables, Progress]:
    """Raises `Broken`, and `Unreadable` where there is no history. Without news it only looks."""
    tables = Tables(store, prefix, integration)
    with store.alone(f"{integration}.tables"), store.workplace() as workplace:
        progress, version = tables.progress()
        if not tables.are_there(progress):
            progress = NOTHING
        before = None
        while progress != before:
            before = progress
            progress, version = _step(connection, tables, progress, version, workplace)
            if store.is_copy:
                break
        merge.tidy(connection, tables, workplace)
    return tables, progress


def _step(
    connection: duckdb.DuckDBPyConnection, tables: Tables, progress: Progress, version: str | None, workplace: Path
) -> tuple[Progress, str | None]:
    """Appends what is new, or as much of it as a wake-up is sure to have time for."""
    log = _read(tables, progress)
    if log.violations:
        raise Broken(log.violations)
    if log.place.sequence > progress.place.sequence:
        return _Append(connection, tables, log, workplace).run(progress, version)
    if progress.shape != shape.digest():
        progress = progress._replace(shape=merge.reshape(connection, tables, workplace))
        version = tables.write_progress(progress, version)
    return progress, version


def _read(tables: Tables, progress: Progress) -> Log:
    """Of a copy all of it is looked at: it may have been damaged since."""
    place = (tables.store, tables.prefix, tables.integration)
    if not tables.store.is_copy:
        return Log.read(*place, progress.place, progress.starts, MOST_MANIFESTS)
    log = Log.read(*place)
    log.follows(progress.place)
    return log


class _Append:
    """One appending."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, tables: Tables, log: Log, workplace: Path) -> None:
        self._connection = connection
        self._tables = tables
        self._log = log
        self._workplace = workplace
        self._number = 0

    def run(self, progress: Progress, version: str | None) -> tuple[Progress, str | None]:
        known = progress.place
        if progress.shape not in (None, shape.digest()):
            merge.reshape(self._connection, self._tables, self._workplace)
        earlier = self._earlier(known)
        for stretch in _stretches(self._log, known.sequence):
            violations = self._stretch(stretch, earlier)
            if violations:
                raise Broken(violations)
        self._tables.publish()
        committed_at = f"{self._log.commits[-1][1].isoformat(timespec='milliseconds')}Z"
        progress = Progress(self._log.place, committed_at, self._log.starts, shape.digest())
        return progress, self._tables.write_progress(progress, version)

    def _earlier(self, known: Place) -> list[Batch]:
        """Batches that were read before, of streams of which a snapshot that began before is complete now: who was sent in them stays."""
        begun = [
            each.since_sequence
            for each in self._log.snapshots
            if each.sequence > known.sequence and each.since_sequence <= known.sequence
        ]
        if not begun:
            return []
        if self._tables.store.is_copy:
            return [batch for batch in self._log.batches if min(begun) <= batch.sequence <= known.sequence]
        return self._log.batches_before(known, max(min(begun), 1))

    def _stretch(self, stretch: Stretch, earlier: list[Batch]) -> list[str]:
        self._commits(stretch)
        violations: list[str] = []
        known = {stream.name: stream for stream in streams()}
        named = {batch.stream for batch in self._log.batches if stretch.first <= batch.sequence <= stretch.last}
        ended = {each.stream for each in self._log.snapshots if stretch.first <= each.sequence <= stretch.last}
        for name in sorted(named | ended):
            snapshots = self._snapshots(name, stretch)
            least = min([stretch.first, *(each.since_sequence for each in snapshots)])
            batches = [
                batch
                for batch in [*earlier, *self._log.batches]
                if batch.stream == name and least <= batch.sequence <= stretch.last
            ]
            batches = list(dict.fromkeys(batches))
            violations += lines.read(self._connection, self._tables.store, name, batches)
            if not violations and name in known:
                self._append(known[name], stretch, snapshots)
        return violations

    def _snapshots(self, stream: str, stretch: Stretch) -> list[Snapshot]:
        """The complete ones. Where batches that one would have to repeat have expired, it is not known what it forgot: a newer one is."""
        lost = [batch.sequence for batch in self._log.expired if batch.stream == stream]
        ended = [
            each
            for each in self._log.snapshots
            if each.stream == stream and stretch.first <= each.sequence <= stretch.last
        ]
        return [
            each for each in ended if not any(each.since_sequence <= sequence <= each.sequence for sequence in lost)
        ]

    def _commits(self, stretch: Stretch) -> None:
        self._connection.execute("create or replace temp table committed (sequence bigint, changed_at timestamp)")
        commits = [commit for commit in self._log.commits if stretch.first <= commit[0] <= stretch.last]
        lines.insert(self._connection, "committed", commits)
        rows = "select lpad(sequence::varchar, 12, '0') as id, 'upsert' as op, sequence, changed_at from committed order by sequence"
        self._write(rows, Part(shape.COMMITS, self._tables.integration, None, *stretch))

    def _append(self, stream: Stream, stretch: Stretch, snapshots: list[Snapshot]) -> None:
        history_columns = {
            name: "varchar" if name != "sequence" else "bigint" for name in ("id", "op", "sequence", "source")
        }
        if stream.name in shape.DAYS:
            days = self._days()
            repeated = changes.of_events(
                self._connection, self._tables.relation(stream.name, history_columns, stretch.first - 1, days)
            )
            if repeated:
                print(f"{stream.name}: {repeated} events were committed before; each has one row", file=sys.stderr)
        elif stream.name in GROWING_STREAMS:
            changes.of_usage(self._connection)
        else:
            history = self._tables.relation(stream.name, history_columns, stretch.first - 1)
            changes.of_records(self._connection, history, stretch.first - 1, snapshots)
        rows = "select c.*, t.changed_at from changed c join committed t on t.sequence = c.sequence"
        self._connection.execute(f"create or replace temp table rows as {shape.typed(stream, rows)}")
        self._stage(stream, stretch)

    def _days(self) -> set[str]:
        """The days of the lines, of which alone an event may have a row already."""
        rows = self._connection.execute(
            f"select distinct {merge.DAY.format(published=_PUBLISHED)} from lines l join committed c using (sequence)"
        )
        return {day for (day,) in rows.fetchall()}

    def _stage(self, stream: Stream, stretch: Stretch) -> None:
        integration = self._tables.integration
        if stream.name not in shape.DAYS:
            self._write(
                f"select * from rows order by {merge.order(stream.name)}",
                Part(stream.name, integration, None, *stretch),
            )
            return
        day = merge.DAY.format(published="published")
        self._connection.execute(f"create or replace temp table dated as select {day} as day, * from rows order by day")
        for (each,) in self._connection.execute("select distinct day from dated order by day").fetchall():
            one = f"select * exclude day from dated where day = '{each}' order by {merge.order(stream.name)}"
            self._write(one, Part(stream.name, integration, each, *stretch))

    def _write(self, rows: str, part: Part) -> None:
        """A file of rows; none where there is no row."""
        self._number += 1
        file = str(self._workplace / f"{self._number}.parquet")
        if merge.copy(self._connection, rows, file, part.table):
            self._tables.stage(part, file)


_PUBLISHED = "try_cast(json_extract_string(source, '$.\"published\"') as timestamp)"


def _stretches(log: Log, known: int) -> Iterator[Stretch]:
    """The new manifests, as many at a time as fit."""
    records: dict[int, int] = {}
    for batch in log.batches:
        records[batch.sequence] = records.get(batch.sequence, 0) + batch.records
    first, total = known + 1, 0
    for sequence in range(known + 1, log.place.sequence + 1):
        if total and total + records.get(sequence, 0) > MOST_RECORDS:
            yield Stretch(first, sequence - 1)
            first, total = sequence, 0
        total += records.get(sequence, 0)
    yield Stretch(first, log.place.sequence)
