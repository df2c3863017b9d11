"""Cases as a table, `tables/cases/`, and what the status page shows of them."""

import json
from datetime import datetime, timezone
from typing import Any

import duckdb

from findings.catalog import SEVERITIES
from findings.store import Store
from findings.tables import parts
from findings.tables.lines import insert
from findings.tables.merge import copy
from findings.tables.parts import Part
from watch.cases import ACCEPTED, Case, counts, worst_first
from watch.ledger import Ledger

TABLE = "cases"
TIMES = ("first_seen", "last_seen", "closed_at")
COLUMNS = {
    "id": "varchar",
    "state": "varchar",
    "sequence": "bigint",
    "changed_at": "timestamp",
    "finding": "varchar",
    "kind": "varchar",
    "severity": "varchar",
    "title": "varchar",
    "key": "varchar",
    "name": "varchar",
    "detail": "varchar",
    "first_seen": "timestamp",
    "last_seen": "timestamp",
    "closed_at": "timestamp",
    "closed_because": "varchar",
    "reason": "varchar",
    "evidence": "varchar",
    "do": "varchar",
}
"""One row a change of a case; `evidence` is a list as JSON."""
MOST_FILES = 30
NEWEST = 10


def write(connection: duckdb.DuckDBPyConnection, store: Store, prefix: str, integration: str, ledger: Ledger) -> None:
    """The rows of the ledger's newest manifest, where they are not there yet; many files become one."""
    if not ledger.changes:
        return
    standing, needless = parts.standing(parts.listed(store, prefix, TABLE, integration))
    own = Part(TABLE, integration, None, ledger.sequence, ledger.sequence)
    with store.workplace() as workplace:
        if not any(part.covers(own) for part in standing):
            names = ", ".join(f'"{name}" {type}' for name, type in COLUMNS.items())
            connection.execute(f"create or replace temp table case_rows ({names})")
            insert(connection, "case_rows", [_row(case, ledger) for case in ledger.changes])
            file = workplace / "cases.parquet"
            copy(connection, "select * from case_rows order by id", str(file))
            store.publish(file, own.key(prefix))
            standing.append(own)
        if len(standing) > MOST_FILES:
            merged = own._replace(first=standing[0].first)
            files = [str(file) for file in store.files([part.key(prefix) for part in standing]).values()]
            listed = ", ".join(f"'{file}'" for file in files)
            file = workplace / "merged.parquet"
            rows = f"select distinct on (id, sequence) * from read_parquet([{listed}], hive_partitioning = false) order by id, sequence"
            copy(connection, rows, str(file))
            store.publish(file, merged.key(prefix))
            needless += standing
    store.delete(part.key(prefix) for part in needless)


def _row(case: Case, ledger: Ledger) -> tuple[Any, ...]:
    given = case | {
        "sequence": ledger.sequence,
        "changed_at": ledger.committed_at,
        "evidence": json.dumps(case["evidence"]),
    }
    return tuple(_moment(given.get(name)) if COLUMNS[name] == "timestamp" else given.get(name) for name in COLUMNS)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text.rstrip("Z")) if text else None


def write_status(store: Store, prefix: str, integration: str, ledger: Ledger) -> None:
    """`status/{integration}.findings.json`: what the status page shows. It is written where it does not say so yet."""
    key = f"{prefix}/status/{integration}.findings.json"
    there = ledger.cases_open()
    told = {
        "schema": 1,
        "sequence": ledger.sequence,
        "severities": {severity: counts(there).get(severity, 0) for severity in SEVERITIES},
        "accepted": sum(case["state"] == ACCEPTED for case in ledger.cases),
        "newest": [
            {name: case[name] for name in ("id", "finding", "severity", "title", "name", "first_seen")}
            for case in _newest(there)
        ],
        "days": [
            {"day": day, "opened": opened, "closed": closed} for day, (opened, closed) in sorted(ledger.days.items())
        ],
    }
    try:
        before = json.loads(store.read(key) or b"{}")
    except ValueError:
        before = {}
    if not isinstance(before, dict) or {name: value for name, value in before.items() if name != "made_at"} != told:
        made_at = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        store.write(key, f"{json.dumps(told | {'made_at': made_at}, indent=1, ensure_ascii=False)}\n".encode())


def _newest(cases: list[Case]) -> list[Case]:
    """The newest ones; of those of one moment the worst."""
    return sorted(worst_first(cases), key=lambda case: case["first_seen"], reverse=True)[:NEWEST]
