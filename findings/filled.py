"""The columns that no record of a copy of the bucket fills: a path of `columns.json` that is mistyped is among them.

python -m findings.filled PREFIX INTEGRATION DIR    one JSON object: view to its empty columns
"""

import json
import sys
from pathlib import Path

import duckdb

from findings.columns import streams
from findings.database import database, only_row
from findings.store import Directory
from findings.tables.append import bring_up_to_date


def main(prefix: str, integration: str, folder: str) -> int:
    with database() as connection:
        tables, progress = bring_up_to_date(connection, Directory(Path(folder), prefix), prefix, integration)
        tables.show(connection, progress.place.sequence)
        empty = {}
        for stream in streams():
            rows = f"changes_{stream.name} where op = 'upsert'"
            empty[stream.view] = _empty(connection, rows, [column.name for column in stream.columns])
            for items in stream.lists:
                unnested = f"(select unnest({items.name}, max_depth := 2) from {rows})"
                empty[items.name] = _empty(connection, unnested, [column.name for column in items.columns])
    print(json.dumps({view: columns for view, columns in empty.items() if columns}))
    return 0


def _empty(connection: duckdb.DuckDBPyConnection, rows: str, columns: list[str]) -> list[str]:
    if not columns:
        return []
    counts = only_row(connection, f"select {', '.join(f'count({column})' for column in columns)} from {rows}")
    return [column for column, count in zip(columns, counts, strict=True) if not count]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
