"""The Athena text on a copy of the bucket, by DuckDB: as much of it as can be tried without AWS.

    python -m findings.transpiled PREFIX INTEGRATION DIR    the number of cases of each finding, as one JSON object

sqlglot carries each select over; what it leaves to the engine is named here. Lines and manifests come as text, as
Athena's tables have them, and nothing of `load` but its database is used.
"""

import json
import sys

from pathlib import Path

import duckdb
import sqlglot

from findings import athena, athena_stack, catalog, load
from findings.columns import streams

# Athena's functions that DuckDB has by another name.
MACROS = """
create or replace macro regexp_like(text, pattern) as regexp_matches(text, pattern);
create or replace macro array_sort(list) as list_sort(list);
create or replace macro to_unixtime(moment) as epoch(moment);
create or replace macro from_iso8601_timestamp(text) as try_cast(text as timestamptz);
create or replace macro at_timezone(moment, zone) as timezone(zone, moment);
create or replace macro json_format(json) as cast(json as varchar);
"""
RAW = """
create table {name} as select line, {path} as "$path"
from read_csv(?, delim = '\\x01', quote = '', escape = '', header = false, auto_detect = false, columns = {{'line': 'varchar'}},
  filename = true, max_line_size = 67108864)
"""
EMPTY = 'create table {name} (line varchar, "$path" varchar)'


def build_views(connection: duckdb.DuckDBPyConnection, bucket: Path, prefix: str, integration: str, values: dict[str, int]) -> None:
    """Every view, from the Athena text."""
    connection.execute(f"set timezone = 'UTC'; {MACROS}")
    _raw(connection, bucket, "raw_manifests", (bucket / prefix / "manifests" / integration).glob("*.json"))
    for stream in streams():
        folder = bucket / prefix / "data" / stream.name / f"integration={integration}"
        _raw(connection, bucket, f"raw_{stream.name}", folder.glob("date=*/*.jsonl.gz"))
    types = athena_stack.column_types()
    for name, select in athena.selects(values):
        connection.execute(f"create table {name} as {carried(athena_stack.shown(select, types[name]))}")


def carried(select: str) -> str:
    """An Athena select in DuckDB's dialect."""
    return sqlglot.transpile(select, read="athena", write="duckdb")[0]


def _raw(connection: duckdb.DuckDBPyConnection, bucket: Path, name: str, files) -> None:
    found = sorted(str(file) for file in files)
    if not found:
        connection.execute(EMPTY.format(name=name))
        return
    path = f"'s3://bucket/' || substr(filename, {len(str(bucket)) + 2})"
    connection.execute(RAW.format(name=name, path=path), [found])


def main(prefix: str, integration: str, folder: str) -> int:
    values = catalog.parameters({})
    with load.database() as connection:
        build_views(connection, Path(folder), prefix, integration, values)
        counts = {finding.id: len(connection.execute(carried(select)).fetchall()) for finding, select in athena.queries(values)}
    print(json.dumps(counts))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
