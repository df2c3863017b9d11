"""The lines of the committed batches in DuckDB, verified as crates/reader verifies them."""

import contextlib
import tempfile

from collections.abc import Iterator
from pathlib import Path

import duckdb

from findings.bucket import GROWING_STREAMS, Log
from findings.columns import streams

MOST_SHOWN = 20
LARGEST_LINE_BYTES = 64 << 20
"""Longer than any object that Okta answers with."""

# The functions of Athena that DuckDB has by another name.
MACROS = """
create or replace macro array_join(list, separator) as array_to_string(list, separator);
create or replace macro regexp_like(text, pattern) as regexp_matches(text, pattern);
create or replace macro to_unixtime(moment) as epoch(moment);
create or replace macro array_sort(list) as list_sort(list);
"""
TABLES = """
create table commits (sequence bigint, committed_at timestamp);
create table batches (sequence bigint, ordinal bigint, stream varchar, key varchar, records bigint);
create table snapshots (sequence bigint, ordinal bigint, stream varchar, since_sequence bigint, scope varchar);
create table snapshot_spares (sequence bigint, ordinal bigint, spared varchar);
"""
# A line's fault, or null. What the reader tolerates is tolerated: unknown members, a line without observed_at.
FAULT = """
case
  when json_type(json) is distinct from 'OBJECT' then 'is not a record: not an object'
  when kinds[1] is null or kinds[1] not in ('UBIGINT', 'BIGINT') or texts[1] <> '1' then 'schema is ' || coalesce(texts[1], 'null') || ', not 1'
  when kinds[2] is distinct from 'VARCHAR' or kinds[3] is distinct from 'VARCHAR' or kinds[4] is distinct from 'VARCHAR'
    then 'is not a record: stream, op and id are not texts'
  when texts[2] <> '{stream}' then 'is of stream ' || texts[2] || ', not {stream}'
  when texts[3] not in ('upsert', 'delete') then 'is not a record: op is ' || texts[3]
  when kinds[5] is not null and kinds[5] <> 'NULL' and (kinds[5] <> 'VARCHAR' or try_cast(texts[5] as timestamp) is null)
    then 'is not a record: observed_at is not a time'
  when kinds[6] is not null and (kinds[6] <> 'OBJECT'
    or not coalesce(list_bool_and(list_transform(json_keys(json, '$.bundle'),
      lambda key: json_type(json, '$.bundle."' || key || '"') = 'ARRAY')), true))
    then 'is not a record: bundle is not an object of lists'
  when kinds[6] is not null and not coalesce(list_bool_and(list_transform(json_keys(json, '$.bundle'),
      lambda key: starts_with(key, 'new_') or starts_with(key, 'update_'))), true)
    then 'bundle has a key that is neither new_* nor update_*'
  when texts[3] = 'delete' and {grows} then 'takes records away from {stream}, which only grows'
end
"""
LINES = """
create table data_{stream} as
select key, rowid_of_batch as line, texts[4] as id, texts[3] as op, try_cast(texts[5] as timestamp) as observed_at,
  texts[7] as cause, parts[1] as bundle, parts[2] as source, parts[3] as ocsf, {fault} as fault
from (
  select json, substr(filename, {skip}) as key, row_number() over () as rowid_of_batch,
    json_extract_string(json, ['$.schema', '$.stream', '$.op', '$.id', '$.observed_at', '$.bundle', '$.cause']) as texts,
    json_type(json, ['$.schema', '$.stream', '$.op', '$.id', '$.observed_at', '$.bundle', '$.cause']) as kinds,
    json_extract(json, ['$.bundle', '$.source', '$.ocsf']) as parts
  from read_json_objects(?, format = 'newline_delimited', compression = 'gzip', filename = true,
    maximum_object_size = {largest})
) lines
"""
EMPTY = """
create table data_{stream} (key varchar, line bigint, id varchar, op varchar, observed_at timestamp, cause varchar,
  bundle json, source json, ocsf json)
"""


@contextlib.contextmanager
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in a temporary file, so that a large org does not have to fit into memory."""
    with tempfile.TemporaryDirectory(prefix="findings-") as folder:
        connection = duckdb.connect(str(Path(folder, "state.duckdb")), config={"temp_directory": folder})
        try:
            yield connection
        finally:
            connection.close()


def empty(connection: duckdb.DuckDBPyConnection) -> None:
    """The tables without any line, which is enough to know the views' columns."""
    connection.execute(MACROS + TABLES)
    for stream in streams():
        connection.execute(EMPTY.format(stream=stream.name))


def load(connection: duckdb.DuckDBPyConnection, log: Log) -> list[str]:
    """Fills data_*, batches, snapshots and commits; gives what breaks the contract."""
    connection.execute(MACROS + TABLES)
    _insert(connection, "commits", log.commits)
    _insert(connection, "batches", log.batches)
    snapshots = [(each.sequence, number, each.stream, each.since_sequence, each.scope) for number, each in enumerate(log.snapshots)]
    _insert(connection, "snapshots", snapshots)
    spares = [(each.sequence, number, spared) for number, each in enumerate(log.snapshots) for spared in each.spared]
    _insert(connection, "snapshot_spares", spares)
    violations = list(log.violations)
    known = [stream.name for stream in streams()]
    for stream in [*known, *sorted({batch.stream for batch in log.batches} - set(known))]:
        violations += _lines(connection, log, stream)
    return violations + _repeated_events(connection)


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[tuple]) -> None:
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        connection.begin()
        connection.executemany(f"insert into {table} values ({marks})", [list(row) for row in rows])
        connection.commit()


def _lines(connection: duckdb.DuckDBPyConnection, log: Log, stream: str) -> list[str]:
    batches = [batch for batch in log.batches if batch.stream == stream]
    if not batches:
        connection.execute(EMPTY.format(stream=stream))
        return []
    fault = FAULT.format(stream=stream, grows="true" if stream in GROWING_STREAMS else "false")
    root = f"{log.bucket}/"
    query = LINES.format(stream=stream, fault=fault, skip=len(root) + 1, largest=LARGEST_LINE_BYTES)
    try:
        connection.execute(query, [[f"{root}{batch.key}" for batch in batches]])
    except duckdb.Error as error:
        connection.execute(EMPTY.format(stream=stream))
        return [f"{stream}: a batch cannot be read: {_first_line(error)}"]
    violations = [*_faults(connection, stream), *_miscounted(connection, stream)]
    # The views take every column there is, and Athena's lines have none of this name.
    connection.execute(f"alter table data_{stream} drop column fault")
    return violations


def _faults(connection: duckdb.DuckDBPyConnection, stream: str) -> list[str]:
    query = f"""
        select key, line - min(line) over (partition by key) + 1, fault from data_{stream} qualify fault is not null
        order by key, line limit {MOST_SHOWN}"""
    return [f"{key}, line {line}: {fault}" for key, line, fault in connection.execute(query).fetchall()]


def _miscounted(connection: duckdb.DuckDBPyConnection, stream: str) -> list[str]:
    query = f"""
        select b.sequence, b.key, count(d.key), b.records from batches b left join data_{stream} d on d.key = b.key
        where b.stream = '{stream}' group by b.sequence, b.key, b.records having count(d.key) <> b.records order by 1, 2"""
    rows = connection.execute(query).fetchall()
    return [f"manifest {sequence}: {key}: has {found} lines, not {expected}" for sequence, key, found, expected in rows]


def _repeated_events(connection: duckdb.DuckDBPyConnection) -> list[str]:
    query = f"""
        select id, count(*) from data_activity group by id having count(*) > 1 order by id limit {MOST_SHOWN}"""
    rows = connection.execute(query).fetchall()
    return [f"event {event} was committed {count} times" for event, count in rows]


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:300]
