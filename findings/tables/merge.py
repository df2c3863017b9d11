"""Few files of many. A reader is right at every moment: the merged file is put in its place first, then the others go."""

from collections import defaultdict
from pathlib import Path

import duckdb

from findings.columns import Stream, streams
from findings.database import only_row
from findings.tables import shape
from findings.tables.history import Tables
from findings.tables.parts import Part

MOST_FILES = 30
"""Of a table, or of a month of days beside one for each: when there are more, they are merged."""
FEWEST_FILES = 12
"""So many are left at most, so that a large old file is seldom written again."""
ROW_GROUP_ROWS = {True: 8_192, False: 20_000}
"""Of a table that is divided by days, and of others. What seldom happens is to lie in few row groups of a day."""
DAY = "strftime(coalesce({published}, changed_at), '%Y-%m-%d')"
"""UTC day of an event; of one without a time, that of its commit."""


def order(table: str) -> str:
    """How a table is sorted, so that one id lies in few row groups, and so do, of a day, events of one type, and above all those of types
    that are seldom: most queries ask for few of these."""
    return (
        f"event_type in {shape.often()}, event_type, published, id, sequence" if table in shape.DAYS else "id, sequence"
    )


def copy(connection: duckdb.DuckDBPyConnection, rows: str, file: str, table: str = "") -> int:
    """Writes a file of rows, of a table; gives how many. Without a row there is no file."""
    place = file.replace("'", "''")
    query = f"copy ({rows}) to '{place}' (format parquet, compression zstd, row_group_size {ROW_GROUP_ROWS[table in shape.DAYS]})"
    written = int(only_row(connection, query)[0])
    if not written:
        Path(file).unlink()
    return written


def tidy(connection: duckdb.DuckDBPyConnection, tables: Tables, workplace: Path) -> None:
    """Removes needless files, and merges where there are many."""
    known = {stream.name: stream for stream in streams()}
    for name in [shape.COMMITS, *known]:
        standing, covered = tables.parts(name)
        needless = list(covered)
        for number, group in enumerate(groups(name, standing)):
            file = str(workplace / f"merged-{name}-{number}.parquet")
            columns = shape.columns(known[name]) if name in known else shape.COMMIT_COLUMNS
            _merge(connection, tables, group, columns, file)
            needless += group
        tables.remove(needless)


def groups(table: str, standing: list[Part]) -> list[list[Part]]:
    """Which files are to be merged into one each."""
    if table in shape.DAYS:
        return _days(standing)
    if len(standing) <= MOST_FILES:
        return []
    # From the newest back, while what comes next is not much larger than all of it.
    first, total = len(standing) - 1, standing[-1].size
    while first and (standing[first - 1].size <= 2 * total or first > FEWEST_FILES):
        first -= 1
        total += standing[first].size
    return [standing[first:]] if first < len(standing) - 1 else []


def _days(standing: list[Part]) -> list[list[Part]]:
    months: dict[str, dict[str, list[Part]]] = defaultdict(lambda: defaultdict(list))
    for part in standing:
        months[(part.day or "")[:7]][part.day or ""].append(part)
    full = [days for days in months.values() if sum(map(len, days.values())) - len(days) > MOST_FILES]
    return [group for days in full for group in days.values() if len(group) > 1]


def _merge(
    connection: duckdb.DuckDBPyConnection, tables: Tables, group: list[Part], columns: dict[str, str], file: str
) -> None:
    part = group[0]._replace(first=min(each.first for each in group), last=max(each.last for each in group))
    files = [str(each) for each in tables.store.files([each.key(tables.prefix) for each in group]).values()]
    listed = ", ".join(f"'{each.replace(chr(39), chr(39) * 2)}'" for each in files)
    names = ", ".join(columns)
    rows = f"select distinct on (id, sequence) {names} from read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"
    copy(connection, f"select * from ({rows}) merged order by {order(part.table)}", file, part.table)
    tables.put(part, file)


def without(
    connection: duckdb.DuckDBPyConnection,
    tables: Tables,
    part: Part,
    columns: dict[str, str],
    condition: str,
    given: dict[str, str],
    file: Path,
) -> int:
    """Writes a file anew that has rows of which the condition holds; gives how many these were. One of which none is left stays, empty:
    its name says which manifests are known."""
    (source,) = tables.store.files([part.key(tables.prefix)]).values()
    rows = f"read_parquet('{str(source).replace(chr(39), chr(39) * 2)}', hive_partitioning = false)"
    count = int(only_row(connection, f"select count(*) from {rows} where {condition}", given)[0])
    if count:
        names = ", ".join(f'"{name}"' for name in columns)
        connection.execute(
            f"create or replace temp table kept as select {names} from {rows} where not coalesce({condition}, false)",
            given,
        )
        place = str(file).replace("'", "''")
        connection.execute(
            f"copy (select * from kept order by {order(part.table)}) to '{place}' (format parquet, compression zstd, row_group_size {ROW_GROUP_ROWS[part.table in shape.DAYS]})"
        )
        tables.put(part, str(file))
    return count


def reshape(connection: duckdb.DuckDBPyConnection, tables: Tables, workplace: Path) -> str:
    """Gives every file the columns that tables have now, from its own rows; gives the name of the shape."""
    for stream in streams():
        for number, part in enumerate(tables.parts(stream.name)[0]):
            key = part.key(tables.prefix)
            (source,) = tables.store.files([key]).values()
            file = str(workplace / f"shaped-{stream.name}-{number}.parquet")
            copy(
                connection,
                f"select * from ({_shaped(stream, str(source))}) shaped order by {order(stream.name)}",
                file,
                stream.name,
            )
            tables.put(part, file)
    return shape.digest()


def _shaped(stream: Stream, source: str) -> str:
    names = ", ".join([*shape.BASE, *shape.SOURCE])
    escaped = source.replace("'", "''")
    return shape.typed(stream, f"select {names} from read_parquet('{escaped}', hive_partitioning = false)")
