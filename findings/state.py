"""The newest state as the views have it, one JSON object a line, to be compared with another reader's.

    python -m findings.state PREFIX INTEGRATION DIR...

Each line: {"dir", "stream", "id", "sequence", "source"}; a violation is {"dir", "violation"}.
"""

import json
import sys

from pathlib import Path

from findings import answers, catalog, load
from findings.bucket import GROWING_STREAMS, Log
from findings.columns import streams


def main(prefix: str, integration: str, folders: list[str]) -> int:
    for folder in folders:
        log = Log.read(Path(folder), prefix, integration)
        with load.database() as connection:
            violations = load.load(connection, log)
            for violation in violations:
                print(json.dumps({"dir": folder, "violation": violation}))
            if violations:
                continue
            answers.build_views(connection, catalog.parameters({}))
            for stream in streams():
                for id, sequence, source in _rows(connection, stream):
                    print(f'{{"dir": {json.dumps(folder)}, "stream": "{stream.name}", "id": {json.dumps(id)}, '
                          f'"sequence": {sequence}, "source": {source}}}')
    return 0


def _rows(connection, stream):
    source = "source" if stream.name not in GROWING_STREAMS else "'null'"
    return connection.execute(f"select id, sequence, {source} from {stream.view}").fetchall()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
