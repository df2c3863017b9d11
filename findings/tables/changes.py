"""The reader's two rules, applied once: what each manifest changed.

1. The lines of a manifest are applied in the order of its `batches`: the last one of an id stands.
2. Then what its complete snapshots did not repeat is forgotten: a record that was last sent before `since_sequence`.

For many manifests at once. An *entry* is a record as it stands from one manifest until a later one sends it again: as it was
before all of them (its `sequence` is the manifest that sent it last, 0 where that was too long ago to matter), or as one of
them sent it. An entry ends early where a snapshot forgets it.
"""

import json
from typing import Any

import duckdb

from findings.bucket import Snapshot
from findings.database import only_row
from findings.tables.lines import insert

SENT = """
create or replace temp table sent as
select id, sequence, op, cause, observed_at, source from (
  select *, row_number() over (partition by id, sequence order by ordinal desc, line desc) as newest from lines
) numbered where newest = 1
"""
# The records that stand before the first of the manifests. What was neither sent nor may be forgotten is left out.
STANDING = """
create or replace temp table standing as
select s.id, max(r.sequence) as sent_in from (
  select id from {history} group by id having arg_max(op, sequence) = 'upsert'
) s left join sent r on r.id = s.id and r.sequence <= {known}
where {concerned}
group by s.id
"""
SENT_NOW = "exists (select 1 from sent n where n.id = s.id and n.sequence > {known})"
SCOPED = "exists (select 1 from unnest(split(s.id, ':')) as p (part) join forgets f on f.scope = p.part)"
SOURCES = """
create or replace temp table sources as
select h.id, arg_max(h.source, h.sequence) as source from {history} h
where h.op = 'upsert' and h.id in (select id from sent where sequence > {known}) group by h.id
"""
ENTRIES = """
create or replace temp table entries as
select *, lead(sequence) over (partition by id order by sequence) as ends from (
  select s.id, coalesce(s.sent_in, 0) as sequence, 'upsert' as op, null::varchar as cause, null::timestamp as observed_at, o.source, true as is_old
  from standing s left join sources o on o.id = s.id
  union all
  select id, sequence, op, cause, observed_at, source, false from sent where sequence > {known}
) both_kinds
"""
# Of the snapshots that may forget an entry the first one does. Those without exceptions are asked once for all entries that
# were sent in the same manifest.
GONE = """
create or replace temp table gone as
with living as (select id, sequence, ends from entries where op = 'upsert'),
parts as (
  select distinct l.id, l.sequence, p.part from living l cross join unnest(split(l.id, ':')) as p (part)
  where p.part in (select scope from forgets union all select spared from spares)
),
whole as (
  select m.sequence, min(f.sequence) as gone_in from (select distinct sequence from living) m
  join forgets f on f.scope is null and not f.is_sparing and f.since_sequence > m.sequence group by m.sequence
),
scoped as (
  select m.part, m.sequence, min(f.sequence) as gone_in from (select distinct part, sequence from parts) m
  join forgets f on f.scope = m.part and not f.is_sparing and f.since_sequence > m.sequence group by m.part, m.sequence
),
doubtful as (
  select l.id, l.sequence, f.number, f.sequence as gone_in from living l
  join forgets f on f.is_sparing and f.scope is null and f.since_sequence > l.sequence
  union all
  select p.id, p.sequence, f.number, f.sequence from parts p
  join forgets f on f.is_sparing and f.scope = p.part and f.since_sequence > p.sequence
),
spared as (
  select distinct p.id, p.sequence, x.number from parts p join spares x on x.spared = p.part
),
found as (
  select l.id, l.sequence, w.gone_in from living l join whole w on w.sequence = l.sequence
  union all
  select p.id, p.sequence, s.gone_in from parts p join scoped s on s.part = p.part and s.sequence = p.sequence
  union all
  select d.id, d.sequence, d.gone_in from doubtful d
  left join spared s on s.id = d.id and s.sequence = d.sequence and s.number = d.number where s.id is null
)
select l.id, min(f.gone_in) as sequence from found f
join living l on l.id = f.id and l.sequence = f.sequence
where l.ends is null or f.gone_in < l.ends
group by l.id, l.sequence
"""
ROWS = """
create or replace temp table compared as
select *, lag(op) over (partition by id order by sequence) as op_before, lag(source) over (partition by id order by sequence) as source_before
from (
  select id, sequence, op, cause, observed_at, source, is_old from entries
  union all
  select id, sequence, 'delete', null, null, null, false from gone
) both_kinds
"""
CHANGED = """
not is_old and (op = 'upsert' and (op_before is distinct from 'upsert' or source is distinct from source_before)
  or op = 'delete' and op_before = 'upsert')
"""
ALIKE = """
select id, sequence, source, source_before from compared
where not is_old and op = 'upsert' and op_before = 'upsert' and source <> source_before and length(source) = length(source_before)
"""
EMPTY = "create or replace temp table gone (id varchar, sequence bigint)"


def of_records(connection: duckdb.DuckDBPyConnection, history: str, known: int, snapshots: list[Snapshot]) -> None:
    """Makes `changed` (id, op, sequence, cause, observed_at, source) of `lines`, which hold the manifests after `known` and those
    before it since the oldest snapshot of `snapshots` began. `history` is the stream's table up to `known`."""
    _forgets(connection, snapshots)
    connection.execute(SENT)
    everything = any(snapshot.scope is None for snapshot in snapshots)
    now = SENT_NOW.format(known=known)
    concerned = "true" if everything else f"({now} or {SCOPED})" if snapshots else now
    connection.execute(STANDING.format(history=history, known=known, concerned=concerned))
    connection.execute(SOURCES.format(history=history, known=known))
    connection.execute(ENTRIES.format(known=known))
    connection.execute(GONE if snapshots else EMPTY)
    connection.execute(ROWS)
    connection.execute("create or replace temp table same (id varchar, sequence bigint)")
    insert(connection, "same", _same(connection))
    connection.execute(f"""
        create or replace temp table changed as
        select c.id, c.op, c.sequence, c.cause, c.observed_at, c.source from compared c
        where {CHANGED} and not exists (select 1 from same s where s.id = c.id and s.sequence = c.sequence)""")


def _forgets(connection: duckdb.DuckDBPyConnection, snapshots: list[Snapshot]) -> None:
    connection.execute("""
        create or replace temp table forgets (number bigint, sequence bigint, since_sequence bigint, scope varchar, is_sparing boolean);
        create or replace temp table spares (number bigint, spared varchar)""")
    numbered = list(enumerate(snapshots))
    insert(
        connection,
        "forgets",
        [(number, each.sequence, each.since_sequence, each.scope, bool(each.spared)) for number, each in numbered],
    )
    insert(connection, "spares", [(number, spared) for number, each in numbered for spared in each.spared])


def _same(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """Records that were sent again as they were, with their members in another order."""
    asked = connection.execute(ALIKE)
    same: list[tuple[Any, ...]] = []
    while rows := asked.fetchmany(10_000):
        same += [(id, sequence) for id, sequence, source, before in rows if _sorted(source) == _sorted(before)]
    return same


def _sorted(text: str) -> str:
    """JSON with its members in order; 1, 1.0 and true stay three things."""
    return json.dumps(json.loads(text), sort_keys=True)


def of_events(connection: duckdb.DuckDBPyConnection, history: str) -> int:
    """Makes `changed` of `lines`, a row an event; gives how many lines were left out, because their event has a row already."""
    connection.execute(f"""
        create or replace temp table changed as
        select id, op, sequence, cause, observed_at, source from (
          select *, row_number() over (partition by id order by sequence, ordinal, line) as time from lines
        ) numbered
        where time = 1 and id not in (select id from {history})""")
    lines, rows = only_row(connection, "select (select count(*) from lines), (select count(*) from changed)")
    return lines - rows


def of_usage(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes `changed` of `lines`, a row a line: they add up."""
    connection.execute(
        "create or replace temp table changed as select id, op, sequence, cause, observed_at, source from lines"
    )
