"""A history without a bucket: lines in the shape of the tables, of which findings are asked."""

import functools
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import duckdb

from findings import answers, catalog, views, ways
from findings.answers import Case
from findings.columns import streams
from findings.dialect import PASSING_ON, DuckDb
from findings.tables import shape

NOW = datetime(2026, 11, 23, 18)
"""When the newest manifest of a stage was committed, unless it says otherwise."""
ROW = {**shape.BASE, **shape.SOURCE}
COMMITS = {"sequence": "bigint", "committed_at": "timestamp"}
MANY, FEW = 300, 10
"""From so many events or findings on, relations are tables."""


class Stage:
    """What a reader of a bucket knows: records at their manifests, and the events of the log."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now
        self._rows: dict[str, list[tuple]] = {stream.name: [] for stream in streams()}
        self._commits: dict[int, datetime] = {}
        self._numbers = 0

    def record(
        self, stream: str, id: str, source: dict[str, Any], at: datetime | None = None, cause: str | None = None
    ) -> None:
        """A record that a manifest of that time brought; without a time it was there long before the log begins."""
        self._row(stream, id, "upsert", at, cause, json.dumps(source))

    def gone(self, stream: str, id: str, at: datetime, cause: str | None = None) -> None:
        self._row(stream, id, "delete", at, cause, None)

    def events(self, sources: Iterable[dict[str, Any]]) -> None:
        for source in sources:
            self._numbers += 1
            source = {"uuid": f"e{self._numbers:05}"} | source
            self._rows["activity"].append((source["uuid"], "upsert", 1, self.now, None, self.now, json.dumps(source)))

    def logged(self) -> list[dict[str, Any]]:
        """The events so far."""
        return [json.loads(row[-1]) for row in self._rows["activity"]]

    def _row(self, stream: str, id: str, op: str, at: datetime | None, cause: str | None, source: str | None) -> None:
        moment = at or self.now - timedelta(days=200)
        sequence = int(moment.timestamp())
        self._commits[sequence] = moment
        self._rows[stream].append((id, op, sequence, moment, cause, moment, source))

    def ask(self, ids: Iterable[str] | None = None, values: dict[str, int] | None = None) -> dict[str, list[Case]]:
        """By finding its cases; findings without any are left out."""
        wanted = set(ids) if ids is not None else None
        asked = [finding for finding in catalog.findings() if wanted is None or finding.id in wanted]
        if wanted is not None and len(asked) != len(wanted):
            raise ValueError(f"no finding {sorted(wanted - {finding.id for finding in asked})}")
        numbers = catalog.parameters(values or {})
        connection = self._filled()
        _show(connection, numbers, len(self._rows["activity"]) > MANY or len(asked) > FEW)
        if any("ways" in finding.select for finding in asked):
            ways.build(connection)
        found = [answers.answer(connection, finding, numbers) for finding in asked]
        return {answer.finding.id: answer.cases for answer in found if answer.cases}

    def with_ways(self, also: str = "") -> duckdb.DuckDBPyConnection:
        """A connection with the relations that lead to super admin, and those that `also` names; good until another stage is asked."""
        numbers = catalog.parameters({})
        connection = self._filled()
        _show(
            connection,
            numbers,
            True,
            set(views.needed(f"path_edges births events console_use idp_use {also}", views.selects(DuckDb))),
        )
        ways.build(connection)
        return connection

    def _filled(self) -> duckdb.DuckDBPyConnection:
        connection = _connection()
        _fill(connection, "commits", COMMITS, [*self._commits.items(), (10**10, self.now)])
        for stream, rows in self._rows.items():
            _fill(connection, f"lines_{stream}", ROW, rows)
        return connection


@functools.cache
def _connection() -> duckdb.DuckDBPyConnection:
    """One for all stages: to plan every relation takes longer than to fill a few lines."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("set timezone = 'UTC'")
    connection.execute(answers.MACROS)
    tables = {"commits": COMMITS} | {f"lines_{stream.name}": ROW for stream in streams()}
    for table, columns in tables.items():
        connection.execute(f"create table {table} ({', '.join(f'{name} {type}' for name, type in columns.items())})")
    return connection


def _fill(connection: duckdb.DuckDBPyConnection, table: str, columns: dict[str, str], rows: list[tuple]) -> None:
    connection.execute(f"delete from {table}")
    if rows:
        connection.execute(
            f"insert into {table} select {', '.join(f'unnest(?::{type}[])' for type in columns.values())}",
            [list(column) for column in zip(*rows, strict=True)],
        )


_shown: list[dict[str, int]] = []


def _show(
    connection: duckdb.DuckDBPyConnection, numbers: dict[str, int], are_many: bool, wanted: set[str] | None = None
) -> None:
    """Relations as views, made once; of many lines as tables, each computed once, or `wanted` ones alone."""
    if not are_many and _shown == [numbers]:
        return
    kind = "table" if are_many else "view"
    for name, type in connection.execute(
        "select table_name, table_type from information_schema.tables where not starts_with(table_name, 'lines_') and table_name not in ('commits', 'path_steps', 'shortest', 'opened', 'ways')"
    ).fetchall():
        connection.execute(f"drop {'view' if type == 'VIEW' else 'table'} {name} cascade")
    for stream in streams():
        connection.execute(
            f"create {kind} changes_{stream.name} as {shape.typed(stream, f'select * from lines_{stream.name}')}"
        )
    for name, select in views.selects(DuckDb).items():
        if wanted is not None and name not in wanted:
            continue
        own = "view" if name in PASSING_ON else kind
        connection.execute(f"create {own} {name} as {catalog.filled(select, numbers)}")
    _shown[:] = [] if are_many else [numbers]
