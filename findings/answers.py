"""Runs the findings on the tables."""

import re
from datetime import datetime
from typing import Any, NamedTuple

import duckdb

from findings import catalog, views, ways, who
from findings.catalog import Finding
from findings.columns import streams
from findings.database import only_row
from findings.dialect import DuckDb

EXAMPLES = 5
MOST_COPIED_EVENTS = 300_000
"""Of a longer log the events stay in their files; docs/watch.md has what that takes."""
# The functions of Athena that DuckDB has by another name.
MACROS = """
create or replace macro array_join(list, separator) as array_to_string(list, separator);
create or replace macro regexp_like(text, pattern) as regexp_matches(text, pattern);
create or replace macro to_unixtime(moment) as epoch(moment);
create or replace macro slice(list, first, most) as list_slice(list, first, first + most - 1);
create or replace macro array_sort(list) as list_sort(list);
"""


class Case(NamedTuple):
    """One case of a finding: `at` is UTC without a zone, or None where the state does not tell."""

    id: str
    name: str
    detail: str
    at: datetime | None
    evidence: tuple[str, ...] = ()
    """Ids of events or records, where the finding names them."""


class Answer(NamedTuple):
    finding: Finding
    cases: list[Case]
    """Newest first."""


def build_views(connection: duckdb.DuckDBPyConnection, values: dict[str, int], also: str = "") -> None:
    """Makes every relation of what `Tables.show` shows, with the columns that findings name, or `also`, a query of another program."""
    connection.execute(MACROS)
    is_log_long = only_row(connection, "select count(*) from changes_activity")[0] > MOST_COPIED_EVENTS
    for name, select in views.selects(DuckDb, _words() | frozenset(re.findall(r"\w+", also))).items():
        connection.execute(catalog.filled(f"{DuckDb.create(name, is_log_long)}\n{select}", values))
    ways.build(connection)


def _words() -> frozenset[str]:
    """Every word of a query. Lists and the columns that name them are always there."""
    named = {items.name for stream in streams() for items in stream.lists} | {
        column.name for stream in streams() for column in stream.columns if column.kind == "id"
    }
    asked = [finding.select for finding in catalog.findings()] + [who.REACH]
    return views.words() | named | {word for select in asked for word in re.findall(r"\w+", select)}


def answers(connection: duckdb.DuckDBPyConnection, values: dict[str, int]) -> list[Answer]:
    """An answer for every finding, those without a case too, in the catalogue's order."""
    return [answer(connection, finding, values) for finding in catalog.findings()]


def answer(connection: duckdb.DuckDBPyConnection, finding: Finding, values: dict[str, int]) -> Answer:
    """Raises RuntimeError where the query cannot be run."""
    return Answer(finding, _cases(connection, finding, values))


def _cases(connection: duckdb.DuckDBPyConnection, finding: Finding, values: dict[str, int]) -> list[Case]:
    query = f"select * from (\n{catalog.filled(finding.select, values)}\n) found order by seen_at desc nulls last, id, detail"
    try:
        asked = connection.execute(query)
        names = [name for name, *_ in asked.description]
        rows = [dict(zip(names, row, strict=True)) for row in asked.fetchall()]
    except duckdb.Error as error:
        raise RuntimeError(f"{finding.id}: {error}") from error
    return [_case(row) for row in rows]


def _case(row: dict[str, Any]) -> Case:
    id = str(row["id"])
    return Case(id, str(row["name"] or id), row["detail"] or "", row["seen_at"], tuple(row.get("evidence") or ()))
