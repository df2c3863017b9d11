"""Rows expire as what they came from does: what was replaced or deleted so long ago, and use of so long ago.

The newest row of whatever is there stays, however old it is. So the state as of any manifest since the limit is right; of an earlier one
nothing is known any more, and `Tables.whole_since` says so. Files of activity expire by themselves: each has one day.
"""

import contextlib
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb

from findings.bucket import GROWING_STREAMS
from findings.columns import streams
from findings.store import Conflict
from findings.tables import merge, shape
from findings.tables.history import Tables

EVERY = timedelta(days=7)
"""Old files are written anew, which is dear: rows stay up to a week longer."""
OLD = """
create or replace temp table old as
select id, sequence from (
  select id, sequence, op, changed_at, lead(changed_at) over (partition by id order by sequence) as replaced_at
  from (select distinct on (id, sequence) id, sequence, op, changed_at from changes_{stream})
) rows where {condition}
"""
# A deletion of before the limit is needless once what it deleted is gone.
REPLACED = "replaced_at < $limit or op = 'delete' and changed_at < $limit"
USED = "changed_at < $limit"


class Days(NamedTuple):
    """How long entities and events are kept; 0 is for ever."""

    data: int
    events: int


def expire(connection: duckdb.DuckDBPyConnection, tables: Tables, days: Days) -> int:
    """Removes what is older, once a week of the log's own time; gives how many rows."""
    if not any(days):
        return 0
    progress, _ = tables.progress()
    if not progress.committed_at:
        return 0
    now = datetime.fromisoformat(progress.committed_at.rstrip("Z"))
    stored, version = tables.store.version(tables.expiry_key)
    if stored and now - _moment(stored) < EVERY:
        return 0
    tables.show(connection, progress.place.sequence)
    removed = 0
    for stream in streams():
        kept_days = days.events if stream.name in GROWING_STREAMS else days.data
        if kept_days and stream.name not in shape.DAYS:
            removed += _of_stream(
                connection, tables, stream.name, shape.columns(stream), now - timedelta(days=kept_days)
            )
    since = tables.sequence_at(connection, now - timedelta(days=days.data)) if days.data else 0
    told = {"at": progress.committed_at, "whole_since": max(since, tables.whole_since())}
    # In a conflict somebody else does the same.
    with contextlib.suppress(Conflict):
        tables.store.replace(tables.expiry_key, json.dumps(told).encode(), version)
    return removed


def _of_stream(
    connection: duckdb.DuckDBPyConnection, tables: Tables, stream: str, columns: dict[str, str], limit: datetime
) -> int:
    condition = USED if stream in GROWING_STREAMS else REPLACED
    connection.execute(OLD.format(stream=stream, condition=condition), {"limit": limit})
    removed = 0
    for part in tables.parts(stream)[0]:
        with tables.store.workplace() as workplace:
            removed += merge.without(
                connection,
                tables,
                part,
                columns,
                "(id, sequence) in (select (id, sequence) from old)",
                {},
                Path(workplace, "kept.parquet"),
            )
    return removed


def _moment(stored: bytes) -> datetime:
    """When it was done last; what cannot be read was never done."""
    try:
        return datetime.fromisoformat(json.loads(stored)["at"].rstrip("Z"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return datetime.min
