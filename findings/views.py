"""The views, from the committed lines to what an admin can do, as text in either dialect.

Below them lie, in DuckDB as tables that `load` fills, in Athena as views of `athena`:

    data_{stream}    id, op, observed_at, cause, bundle, source, ocsf; key of the batch; line, its order within the batch
    batches          sequence, ordinal, stream, key: the batches that manifests name
    snapshots        sequence, ordinal, stream, since_sequence, scope: the complete ones
    snapshot_spares  sequence, ordinal, spared: the ids in `except`
    commits          sequence, committed_at
"""

import re

from pathlib import Path

from findings.columns import Column, Items, Stream, streams

FOLDER = Path(__file__).parent / "views"
NUMBER = re.compile(r"^\d+_")

# What complete snapshots take away. Of those without exceptions only the newest of each scope counts.
FORGETS = """
select stream, scope, max(since_sequence) as since_sequence, null as sequence, null as ordinal
from snapshots s
where not exists (select 1 from snapshot_spares x where x.sequence = s.sequence and x.ordinal = s.ordinal)
group by stream, scope
union all
select stream, scope, since_sequence, sequence, ordinal
from snapshots s
where exists (select 1 from snapshot_spares x where x.sequence = s.sequence and x.ordinal = s.ordinal)
"""

# Rule 1: lines in the order of the batches, the last line of an id stands. Rule 2: what was last sent before a
# complete snapshot began is forgotten, unless the snapshot excepts it.
NEWEST = """
select * from (
  select d.*, b.sequence,
    row_number() over (partition by d.id order by b.sequence desc, b.ordinal desc, d.line desc) as newest
  from data_{stream} d join batches b on b.key = d.key and b.stream = '{stream}'
) lines where newest = 1 and op = 'upsert'
"""
KEPT = """
with parts as (
  select n.id, n.sequence, p.part from newest_{stream} n cross join unnest(split(n.id, ':')) as p (part)
),
due as (
  select n.id, f.sequence, f.ordinal from newest_{stream} n join forgets f
    on f.stream = '{stream}' and f.scope is null and f.since_sequence > n.sequence
  union all
  select p.id, f.sequence, f.ordinal from parts p join forgets f
    on f.stream = '{stream}' and f.scope = p.part and f.since_sequence > p.sequence
),
spared as (
  select distinct p.id, x.sequence, x.ordinal from parts p join snapshot_spares x on x.spared = p.part
),
gone as (
  select distinct d.id from due d left join spared s
    on s.id = d.id and s.sequence = d.sequence and s.ordinal = d.ordinal
  where s.id is null
)
select n.* from newest_{stream} n left join gone g on g.id = n.id where g.id is null
"""
GROWN = "select d.*, b.sequence from data_{stream} d join batches b on b.key = d.key and b.stream = '{stream}'"
GROWING = frozenset({"activity", "usage"})


def statements(dialect) -> dict[str, str]:
    """View name to the statement that makes it, in the order in which they build on each other."""
    return {name: f"{dialect.create(name)}\n{select}" for name, select in selects(dialect).items()}


def selects(dialect) -> dict[str, str]:
    """View name to its select, in the order in which they build on each other."""
    built = {"clock": "select max(committed_at) as now from commits", "forgets": FORGETS}
    for stream in streams():
        built |= _stream_views(dialect, stream)
    for file in sorted(FOLDER.glob("*.sql")):
        built[NUMBER.sub("", file.stem)] = file.read_text()
    return {name: select.strip() for name, select in built.items()}


def _stream_views(dialect, stream: Stream) -> dict[str, str]:
    if stream.name in GROWING:
        views = {f"kept_{stream.name}": GROWN.format(stream=stream.name)}
    else:
        views = {f"newest_{stream.name}": NEWEST.format(stream=stream.name), f"kept_{stream.name}": KEPT.format(stream=stream.name)}
    views[stream.view] = _typed(dialect, stream)
    return views | {items.name: _items(dialect, stream, items) for items in stream.lists}


def _typed(dialect, stream: Stream) -> str:
    base = [name for name in stream.base if name != "id"]
    columns = _selected(dialect, stream.columns)
    return (
        f"select {', '.join(['id', 'sequence', *base, *columns])}\n"
        f"from (select k.*, {dialect.picked('k.source', stream.columns)} as picked from kept_{stream.name} k) typed"
    )


def _items(dialect, stream: Stream, items: Items) -> str:
    named = [column for column in stream.columns if column.kind == "id"] or stream.columns[:1]
    if stream.name == "role_assignments":
        named = [column for column in stream.columns if column.name in ("principal_id", "assignment_id")]
    names = [column.name for column in named]
    columns = _selected(dialect, items.columns)
    return (
        f"select {', '.join([*names, 'position', *columns])}\n"
        f"from (select {', '.join(f'c.{name}' for name in names)}, u.position, {dialect.picked('u.item', items.columns)} as picked\n"
        f"  from {stream.view} c cross join {dialect.items('c.source', items)} as u (item, position)) listed"
    )


def _selected(dialect, columns: list[Column]) -> list[str]:
    picked = [column for column in columns if column.kind != "id"]
    return [
        f"{dialect.column(column, 'picked', picked.index(column) + 1 if column in picked else 0)} as {column.name}"
        for column in columns
    ]
