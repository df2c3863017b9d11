"""The newest state as the views have it, one JSON object a line, to be compared with another reader's.

    python -m findings.state PREFIX INTEGRATION DIALECT DIR...

DIALECT is duckdb, or athena for the text that Athena runs, carried over (see transpiled). Each line: {"dir", "stream", "id", "sequence", "source"}; a violation is {"dir", "violation"}.
"""

import json
import sys

from pathlib import Path

from findings import answers, catalog, load, transpiled
from findings.bucket import GROWING_STREAMS, Log
from findings.columns import streams


def main(prefix: str, integration: str, dialect: str, folders: list[str]) -> int:
    build = {"duckdb": _duckdb, "athena": _athena}[dialect]
    for folder in folders:
        with load.database() as connection:
            violations = build(connection, Path(folder), prefix, integration)
            for violation in violations:
                print(json.dumps({"dir": folder, "violation": violation}))
            if violations:
                continue
            for stream in streams():
                for id, sequence, source in _rows(connection, stream):
                    print(f'{{"dir": {json.dumps(folder)}, "stream": "{stream.name}", "id": {json.dumps(id)}, '
                          f'"sequence": {sequence}, "source": {source}}}')
    return 0


def _duckdb(connection, folder: Path, prefix: str, integration: str) -> list[str]:
    violations = load.load(connection, Log.read(folder, prefix, integration))
    if not violations:
        answers.build_views(connection, catalog.parameters({}))
    return violations


def _athena(connection, folder: Path, prefix: str, integration: str) -> list[str]:
    transpiled.build_views(connection, folder, prefix, integration, catalog.parameters({}))
    return []


def _rows(connection, stream):
    source = "source" if stream.name not in GROWING_STREAMS else "'null'"
    return connection.execute(f"select id, sequence, {source} from {stream.view}").fetchall()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4], sys.argv[4:]))
