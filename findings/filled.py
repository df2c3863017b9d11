"""The columns that no record of a copy of the bucket fills: a path of `columns.json` that is mistyped is among them.

    python -m findings.filled PREFIX INTEGRATION DIR    one JSON object: view to its empty columns
"""

import json
import sys

from pathlib import Path

from findings import answers, catalog, load
from findings.bucket import Log
from findings.columns import streams


def main(prefix: str, integration: str, folder: str) -> int:
    with load.database() as connection:
        load.load(connection, Log.read(Path(folder), prefix, integration))
        answers.build_views(connection, catalog.parameters({}))
        views = [each for stream in streams() for each in ((stream.view, stream.columns), *((items.name, items.columns) for items in stream.lists))]
        empty = {view: _empty(connection, view, [column.name for column in columns]) for view, columns in views}
    print(json.dumps({view: columns for view, columns in empty.items() if columns}))
    return 0


def _empty(connection, view: str, columns: list[str]) -> list[str]:
    counts = connection.execute(f"select {', '.join(f'count({column})' for column in columns)} from {view}").fetchone()
    return [column for column, count in zip(columns, counts) if not count]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
