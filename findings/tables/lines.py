"""The lines of the committed batches in DuckDB, verified as crates/reader verifies them."""

from typing import Any

import duckdb

from findings.bucket import GROWING_STREAMS, Batch
from findings.store import Store

MOST_SHOWN = 20
LARGEST_LINE_BYTES = 64 << 20
"""Longer than any object that Okta answers with."""

# A line's fault, or null. What the reader tolerates is tolerated: unknown members, a line without observed_at.
FAULT = """
case
  when schema is distinct from '1' then 'schema is ' || coalesce(schema, 'null') || ', not 1'
  when json_type(stream) is distinct from 'VARCHAR' or json_type(op) is distinct from 'VARCHAR' or json_type(id) is distinct from 'VARCHAR'
    then 'is not a record: stream, op and id are not texts'
  when stream ->> '$' <> '{stream}' then 'is of stream ' || (stream ->> '$') || ', not {stream}'
  when op ->> '$' not in ('upsert', 'delete') then 'is not a record: op is ' || (op ->> '$')
  when coalesce(json_type(observed_at), 'NULL') <> 'NULL'
    and (json_type(observed_at) <> 'VARCHAR' or try_cast(observed_at ->> '$' as timestamp) is null)
    then 'is not a record: observed_at is not a time'
  when bundle is null or bundle = '{{}}' then case when op ->> '$' = 'delete' and {grows} then {shrinks} end
  when json_type(bundle) <> 'OBJECT' or not coalesce(list_bool_and(list_transform(json_keys(bundle),
      lambda key: json_type(bundle, '$."' || key || '"') = 'ARRAY')), true)
    then 'is not a record: bundle is not an object of lists'
  when not coalesce(list_bool_and(list_transform(json_keys(bundle),
      lambda key: starts_with(key, 'new_') or starts_with(key, 'update_'))), true)
    then 'bundle has a key that is neither new_* nor update_*'
  when op ->> '$' = 'delete' and {grows} then {shrinks}
end
"""
LINES = """
create or replace temp table lines as
select b.sequence, b.ordinal, b.key, line, id ->> '$' as id, op ->> '$' as op, try_cast(observed_at ->> '$' as timestamp) as observed_at,
  case when json_type(cause) = 'VARCHAR' then cause ->> '$' end as cause, source::varchar as source, {fault} as fault
from (
  select *, row_number() over () as line from read_json(?, columns = {{schema: 'json', stream: 'json', op: 'json', id: 'json',
      observed_at: 'json', cause: 'json', bundle: 'json', source: 'json'}},
    format = 'newline_delimited', compression = 'gzip', filename = true, hive_partitioning = false, maximum_object_size = {largest})
) read join batches b on b.file = read.filename
"""

NO_LINES = """
create or replace temp table lines (sequence bigint, ordinal bigint, key varchar, line bigint, id varchar, op varchar,
  observed_at timestamp, cause varchar, source varchar, fault varchar)
"""


def read(connection: duckdb.DuckDBPyConnection, store: Store, stream: str, batches: list[Batch]) -> list[str]:
    """Fills `batches` and `lines` (sequence, ordinal, line, id, op, observed_at, cause, source) with what these batches of one stream
    hold; gives what breaks the contract."""
    try:
        files = store.files([batch.key for batch in batches])
    except FileNotFoundError as error:
        return [f"{stream}: a batch is gone: {error}"]
    connection.execute(
        "create or replace temp table batches (sequence bigint, ordinal bigint, key varchar, file varchar, records bigint)"
    )
    insert(
        connection,
        "batches",
        [(each.sequence, each.ordinal, each.key, str(files[each.key]), each.records) for each in batches],
    )
    if not batches:
        connection.execute(NO_LINES)
        return []
    grows = "true" if stream in GROWING_STREAMS else "false"
    fault = FAULT.format(stream=stream, grows=grows, shrinks=f"'takes records away from {stream}, which only grows'")
    try:
        connection.execute(
            LINES.format(fault=fault, largest=LARGEST_LINE_BYTES), [[str(file) for file in files.values()]]
        )
    except duckdb.Error as error:
        return [f"{stream}: a batch cannot be read: {str(error).splitlines()[0][:300]}"]
    return [*_faults(connection), *_miscounted(connection)]


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[tuple[Any, ...]]) -> None:
    """Many rows at once, a list a column."""
    if rows:
        names = [name for name, *_ in connection.execute(f"describe {table}").fetchall()]
        lists = ", ".join(f"unnest(${number}) as {name}" for number, name in enumerate(names, start=1))
        connection.execute(f"insert into {table} select {lists}", [list(column) for column in zip(*rows, strict=True)])


def _faults(connection: duckdb.DuckDBPyConnection) -> list[str]:
    query = f"""
        select key, line - first + 1, fault from (select key, line, fault, min(line) over (partition by key) as first from lines) numbered
        where fault is not null order by key, line limit {MOST_SHOWN}"""
    return [f"{key}, line {line}: {fault}" for key, line, fault in connection.execute(query).fetchall()]


def _miscounted(connection: duckdb.DuckDBPyConnection) -> list[str]:
    query = """
        select b.sequence, b.key, count(l.key), b.records from batches b left join lines l on l.key = b.key
        group by b.sequence, b.key, b.records having count(l.key) <> b.records order by 1, 2"""
    rows = connection.execute(query).fetchall()
    return [f"manifest {sequence}: {key}: has {found} lines, not {expected}" for sequence, key, found, expected in rows]
