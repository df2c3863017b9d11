"""The ways to super admin: who can become what, by which steps, and since when.

The steps are the relation `path_edges`; what follows from them is asked of DuckDB, whose recursion keeps one row a node.

    ways        `COLUMNS` but the sequence, and steps (numbers in path_steps)
    path_steps  number, and the columns of path_edges

Athena has no such recursion: the watch leaves the ways of the newest manifest as a table.
"""

import duckdb

from findings.store import Store
from findings.tables import parts
from findings.tables.merge import copy
from findings.tables.parts import Part

TABLE = "ways"
COLUMNS = {
    "id": "varchar",
    "sequence": "bigint",
    "principal_id": "varchar",
    "principal_type": "varchar",
    "name": "varchar",
    "goal": "varchar",
    "length": "bigint",
    "kinds": "varchar",
    "way": "varchar",
    "opened_at": "timestamp",
    "opened_by": "varchar",
    "opened_record": "varchar",
    "opened_kind": "varchar",
}
"""`id` is the principal's with the goal, `opened_by` the event that made the first way there is, `opened_record` the record that it changed."""

GOALS = ("SUPER_ADMIN", "ORG_ADMIN")
"""Who reaches the first one may grant the second; such ways are not told."""
STEPS = """
create or replace table path_steps as
select row_number() over (order by kind, source_id, target_id, record) as number, *
from (
  select distinct on (e.kind, e.source_id, e.target_id) e.*, b.born_at, b.born_by from path_edges e left join births b on b.id = e.record
  order by e.kind, e.source_id, e.target_id, coalesce(b.born_at, e.changed_at), e.record
) oldest
"""
# The shortest way of each node: a node is reached once, by the step of the lowest number among those that are as short.
REACHED = """
with recursive reached(goal, node, length, steps) using key (goal, node) as (
  select goal, goal, 0, cast([] as bigint[]) from (select unnest($goals) as goal)
  union
  (select r.goal, s.source_id, min(r.length) + 1, list_prepend(min(s.number), arg_min(r.steps, s.number))
  from reached r
  join path_steps s on s.target_id = r.node
  left join recurring.reached k on k.goal = r.goal and k.node = s.source_id
  where k.node is null{unless}
  group by r.goal, s.source_id)
)
select * from reached where length > 0
"""
SHORTEST = f"create or replace table shortest as {REACHED.format(unless='')}"
# Since when there has been a way at all: of each way its youngest step, and of all ways the oldest of these.
OPENED = """
create or replace table opened as
with recursive reached(goal, node, since, step) using key (goal, node) as (
  select goal, goal, timestamp '1970-01-01', cast(null as bigint) from (select unnest($goals) as goal)
  union
  (select found.goal, found.node, min(found.since), arg_min(found.step, found.since) from (
    select r.goal, s.source_id as node, greatest(r.since, coalesce(s.born_at, s.changed_at)) as since, case when coalesce(s.born_at, s.changed_at) >= r.since then s.number else r.step end as step
    from reached r join path_steps s on s.target_id = r.node) found
  left join recurring.reached k on k.goal = found.goal and k.node = found.node
  where k.since is null or found.since < k.since
  group by found.goal, found.node)
)
select * from reached where step is not null
"""
WAYS = """
create or replace table ways as
select w.node || ':' || w.goal as id, w.node as principal_id, s.source_type as principal_type, s.source_name as name, w.goal, w.length, w.steps,
  (select string_agg(p.kind, ', ' order by position) from (select unnest(w.steps) as number, generate_subscripts(w.steps, 1) as position) n join path_steps p using (number)) as kinds,
  (select string_agg(p.source_name || ' - ' || p.kind, ' - ' order by position) from (select unnest(w.steps) as number, generate_subscripts(w.steps, 1) as position) n join path_steps p using (number))
    || ' - ' || w.goal as way,
  case when e.published is not null then e.published else o.since end as opened_at, case when e.event_id is not null then b.born_by end as opened_by, b.record as opened_record, b.kind as opened_kind
from shortest w
join path_steps s on s.number = w.steps[1]
left join opened o on o.goal = w.goal and o.node = w.node
left join path_steps b on b.number = o.step
left join events e on e.event_id = b.born_by
"""


def build(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes `path_steps` and `ways` from `path_edges` and `births`."""
    connection.execute(STEPS)
    for text in (SHORTEST, OPENED):
        connection.execute(text, {"goals": list(GOALS)})
    connection.execute(WAYS)


def write(connection: duckdb.DuckDBPyConnection, store: Store, prefix: str, integration: str, sequence: int) -> None:
    """Leaves the ways as of a manifest as `tables/ways/`, in place of those before."""
    own = Part(TABLE, integration, None, sequence, sequence)
    there = parts.listed(store, prefix, TABLE, integration)
    if any(part.last > sequence for part in there):
        return
    with store.workplace() as workplace:
        file = workplace / "ways.parquet"
        names = ", ".join(name for name in COLUMNS if name not in ("id", "sequence"))
        if copy(connection, f"select id, {sequence}::bigint as sequence, {names} from ways order by id", str(file)):
            store.publish(file, own.key(prefix))
    store.delete(part.key(prefix) for part in there if part.last < sequence)
