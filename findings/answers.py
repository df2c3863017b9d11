"""Runs the findings on loaded lines."""

from datetime import datetime
from typing import NamedTuple

import duckdb

from findings import catalog, views
from findings.catalog import Finding
from findings.dialect import DuckDb

EXAMPLES = 5


class Case(NamedTuple):
    """One case of a finding: `at` is UTC without a zone, or None where the state does not tell."""

    id: str
    name: str
    detail: str
    at: datetime | None


class Answer(NamedTuple):
    finding: Finding
    cases: list[Case]
    """Newest first."""


def build_views(connection: duckdb.DuckDBPyConnection, values: dict[str, int]) -> None:
    """Creates every view; each table that only others are made from goes when it is not needed any more."""
    for statement in views.statements(DuckDb()).values():
        connection.execute(catalog.filled(statement, values))


def answers(connection: duckdb.DuckDBPyConnection, values: dict[str, int]) -> list[Answer]:
    """An answer for every finding, those without a case too, in the catalogue's order."""
    return [Answer(finding, _cases(connection, finding, values)) for finding in catalog.findings()]


def _cases(connection: duckdb.DuckDBPyConnection, finding: Finding, values: dict[str, int]) -> list[Case]:
    query = f"select id, name, detail, seen_at from (\n{catalog.filled(finding.select, values)}\n) found order by seen_at desc nulls last, id, detail"
    try:
        rows = connection.execute(query).fetchall()
    except duckdb.Error as error:
        raise RuntimeError(f"{finding.id}: {error}") from error
    return [Case(str(id), str(name or id), detail or "", at) for id, name, detail, at in rows]
