"""Athena's text on a copy of the bucket, by DuckDB: as much of it as can be tried without AWS.

    python -m findings.transpiled PREFIX INTEGRATION DIR    the number of cases of each finding, as one JSON object

sqlglot carries each query over; what it leaves to the engine is named here. The tables are read as Athena reads them: every
file below their folders, the needless ones too, with the partitions in the folders' names.
"""

import json
import sys
from pathlib import Path

import duckdb
import sqlglot

from findings import answers, athena, athena_stack, catalog, views, ways
from findings.database import database
from findings.dialect import Athena, DuckDb
from findings.store import Directory
from findings.tables.append import bring_up_to_date

# Athena's functions that DuckDB has by another name.
MACROS = """
create or replace macro array_join(list, separator) as array_to_string(list, separator);
create or replace macro regexp_like(text, pattern) as regexp_matches(text, pattern);
create or replace macro array_sort(list) as list_sort(list);
create or replace macro to_unixtime(moment) as epoch(moment);
create or replace macro slice(list, first, most) as list_slice(list, first, first + most - 1);
"""


def show_tables(connection: duckdb.DuckDBPyConnection, copy: Path, prefix: str) -> None:
    """A view a table, as Athena has them: of all integrations."""
    connection.execute(MACROS)
    for table in athena.tables():
        columns, partitions = athena.table_columns(table), athena.partitions(table)
        names = ", ".join([*columns, *(f'"{name}"::varchar as "{name}"' for name in partitions)])
        files = sorted(str(file) for file in (copy / prefix / "tables" / table).rglob("*.parquet"))
        listed = ", ".join(f"'{file}'" for file in files)
        rows = f"select {names} from read_parquet([{listed}], hive_partitioning = true, union_by_name = true)"
        if not files:
            nulls = [f"null::{type} as {name}" for name, type in columns.items()] + [
                f'null::varchar as "{name}"' for name in partitions
            ]
            rows = f"select {', '.join(nulls)} where false"
        connection.execute(f"create or replace view {athena.table_name(table)} as {rows}")


def carried(select: str) -> str:
    """An Athena select in DuckDB's dialect. sqlglot does not know that Athena makes columns of a row's fields."""
    for athenas, duckdbs in zip(_lists(Athena), _lists(DuckDb), strict=True):
        select = select.replace(athenas, duckdbs)
    return sqlglot.transpile(select, read="athena", write="duckdb")[0]


def _lists(dialect: type[DuckDb | Athena]) -> list[str]:
    selects = views.selects(dialect)
    return [selects[name] for name in views.lists()]


def main(prefix: str, integration: str, folder: str) -> int:
    copy = Path(folder)
    with database() as connection:
        store = Directory(copy, prefix)
        tables, progress = bring_up_to_date(connection, store, prefix, integration)
        tables.show(connection, progress.place.sequence)
        answers.build_views(connection, catalog.parameters({}))
        ways.write(connection, store, prefix, integration, progress.place.sequence)
    with database() as connection:
        show_tables(connection, copy, prefix)
        values = catalog.parameters({})
        for name, select in athena_stack.views().items():
            connection.execute(f"create or replace view {name} as {carried(select)}")
            connection.execute(f"select count(*) from {name}")
        counts = {
            finding.id: len(connection.execute(carried(select)).fetchall())
            for finding, select in athena.queries(values, integration)
        }
    print(json.dumps(counts))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
