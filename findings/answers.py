"""Runs the findings on the tables."""

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from queue import SimpleQueue
from typing import Any, NamedTuple

import duckdb

from findings import catalog, views, ways
from findings.catalog import Finding
from findings.columns import streams
from findings.database import beside, only_row
from findings.dialect import DuckDb

EXAMPLES = 5
ASKED_AT_ONCE = 2
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


def build_views(connection: duckdb.DuckDBPyConnection, values: dict[str, int]) -> None:
    """Makes the relations that findings build on, of what `Tables.show` shows."""
    build_ways(connection, values, "\n".join(finding.select for finding in catalog.findings()))


def build_ways(connection: duckdb.DuckDBPyConnection, values: dict[str, int], also: str) -> None:
    """Makes the ways to super admin, and the relations of `also`, the queries of whoever asks for them, with the columns that they name."""
    asked = "\n".join([ways.STEPS, ways.WAYS, also])
    built = views.selects(DuckDb, _words(asked))
    is_log_long = only_row(connection, "select count(*) from changes_activity")[0] > MOST_COPIED_EVENTS
    texts = [f"{DuckDb.create(name, is_log_long)}\n{built[name]};" for name in views.needed(asked, built)]
    connection.execute(MACROS + catalog.filled("\n".join(texts), values))
    ways.build(connection)


def _words(asked: str) -> frozenset[str]:
    """Every word of a query. Lists and the columns that name them are always there."""
    named = {items.name for stream in streams() for items in stream.lists} | {
        column.name for stream in streams() for column in stream.columns if column.kind == "id"
    }
    return views.words() | named | frozenset(re.findall(r"\w+", asked))


def answers(connection: duckdb.DuckDBPyConnection, values: dict[str, int]) -> list[Answer]:
    """An answer for every finding, those without a case too, in the catalogue's order. Raises RuntimeError as `answer` does."""
    found = []
    for answer in each(connection, catalog.findings(), values):
        if isinstance(answer, RuntimeError):
            raise answer
        found.append(answer)
    return found


def each(
    connection: duckdb.DuckDBPyConnection, asked: Iterable[Finding], values: dict[str, int]
) -> list[Answer | RuntimeError]:
    """The answer of each finding, or why it cannot be asked. Several are asked at a time: to plan most of them takes longer than to run them,
    and a query is planned by one thread."""
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        connections: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()
        for _ in range(ASKED_AT_ONCE):
            connections.put(beside(connection))

        def ask(finding: Finding) -> Answer | RuntimeError:
            own = connections.get()
            try:
                return answer(own, finding, values)
            except RuntimeError as error:
                return error
            finally:
                connections.put(own)

        return list(pool.map(ask, asked))


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
