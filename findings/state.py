"""The state as the tables have it, one JSON object a line, to be compared with another reader's.

    python -m findings.state PREFIX INTEGRATION DIR...

Each line: {"dir", "stream", "id", "sequence", "source"}, of events and usage without their source; a violation is
{"dir", "violation"}.
"""

import json
import sys
from pathlib import Path

from findings.bucket import GROWING_STREAMS
from findings.columns import streams
from findings.database import database
from findings.store import Directory
from findings.tables.append import Broken, bring_up_to_date

NEWEST = """
select id, sequence, source from (
  select id, sequence, op, source, row_number() over (partition by id order by sequence desc) as newest from changes_{stream}
) numbered where newest = 1 and op = 'upsert'
"""


def main(prefix: str, integration: str, folders: list[str]) -> int:
    for folder in folders:
        with database() as connection:
            try:
                tables, progress = bring_up_to_date(connection, Directory(Path(folder), prefix), prefix, integration)
            except Broken as broken:
                for violation in broken.violations:
                    print(json.dumps({"dir": folder, "violation": violation}))
                continue
            tables.show(connection, progress.place.sequence)
            for stream in streams():
                grows = stream.name in GROWING_STREAMS
                rows = (
                    f"select id, sequence, 'null' from changes_{stream.name}"
                    if grows
                    else NEWEST.format(stream=stream.name)
                )
                for id, sequence, source in connection.execute(rows).fetchall():
                    print(
                        f'{{"dir": {json.dumps(folder)}, "stream": "{stream.name}", "id": {json.dumps(id)}, '
                        f'"sequence": {sequence}, "source": {source}}}'
                    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
