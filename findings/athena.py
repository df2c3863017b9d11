"""The tables, relations and findings as SQL for Athena.

    python -m findings.athena INTEGRATION           every finding as one query, which names nothing but the tables
    python -m findings.athena > athena.yaml         the stack (see athena_stack)

The tables are Parquet with a row a change, so plain SQL is enough. Each query carries the relations that it needs in a
`with`, of one integration each: nothing of another one is read. What the queries say is the text that DuckDB runs.
"""

import re
import sys
from collections.abc import Iterator

from findings import catalog, views, ways
from findings.columns import Stream, streams
from findings.dialect import Athena
from findings.tables import shape

INTEGRATION = re.compile(r"[a-z0-9-]+", re.ASCII)
HIVE_TYPES = {"varchar": "string", "timestamp": "timestamp", "bigint": "bigint", "boolean": "boolean"}
PRESTO_TYPES = {"varchar": "varchar", "timestamp": "timestamp(3)", "bigint": "bigint", "boolean": "boolean"}
INTEGRATION_PARTITION, DAY_PARTITION = "integration", "date"
SPARE_DAYS = 30
"""Days that are read beside those that are asked for: the clock of a log that nothing was written to for long stands still."""
# Beside what the relation of this name asks in DuckDB: the days are named where the table is read, so that no other day is.
RECENT = f"""\
{{events}} and published > (select now from clock) - interval '{{event_days}}' day
  and "{DAY_PARTITION}" >= cast(current_date - interval '{{read_days}}' day as varchar)"""


# Those of the newest manifest of which the watch has left them.
WAYS = "select * from (select w.*, max(w.sequence) over () as newest from all_ways w where {wanted}) told where sequence = newest"


def table_columns(table: str) -> dict[str, str]:
    """Columns of a table in the files, with their types in DuckDB."""
    if table == shape.COMMITS:
        return shape.COMMIT_COLUMNS
    if table == ways.TABLE:
        return ways.COLUMNS
    return shape.columns(next(stream for stream in streams() if stream.name == table))


def tables() -> list[str]:
    return [shape.COMMITS, ways.TABLE, *(stream.name for stream in streams())]


def table_name(table: str) -> str:
    return f"all_{table}" if table in (shape.COMMITS, ways.TABLE) else f"changes_{table}"


def partitions(table: str) -> list[str]:
    return [INTEGRATION_PARTITION, DAY_PARTITION] if table in shape.DAYS else [INTEGRATION_PARTITION]


def hive_type(stream: str, name: str) -> str:
    """A column's type as the Glue catalogue knows it; a list is one of rows."""
    fields = _fields(stream, name)
    if fields:
        return f"array<struct<{','.join(f'{field}:{HIVE_TYPES[type]}' for field, type in fields.items())}>>"
    return HIVE_TYPES[table_columns(stream)[name]]


def presto_type(stream: str, name: str) -> str:
    fields = _fields(stream, name)
    if fields:
        return f"array(row({', '.join(f'{field} {PRESTO_TYPES[type]}' for field, type in fields.items())}))"
    return PRESTO_TYPES[table_columns(stream)[name]]


def _fields(table: str, name: str) -> dict[str, str]:
    items = next(
        (items for stream in streams() if stream.name == table for items in stream.lists if items.name == name), None
    )
    return {column.name: shape.SQL_TYPES[column.kind] for column in items.columns} if items else {}


def current(stream: Stream) -> str:
    """The newest rows of every integration, with all of their columns."""
    names = ", ".join([*(name for name in shape.columns(stream) if name != "op"), INTEGRATION_PARTITION])
    if stream.name in shape.DAYS:
        return f'select {names}, "{DAY_PARTITION}" from changes_{stream.name}'
    if stream.view == "usage_lines":
        return f"select {names} from changes_{stream.name}"
    newest = f"row_number() over (partition by {INTEGRATION_PARTITION}, id order by sequence desc) as newest"
    return f"select {names} from (\n  select {names}, op, {newest}\n  from changes_{stream.name}\n) numbered where newest = 1 and op = 'upsert'"


def relations(values: dict[str, int], integration: str) -> dict[str, str]:
    """Relation to its select, of one integration, in the order in which they build on each other."""
    wanted = f"{INTEGRATION_PARTITION} = '{integration}'"
    built = {"commits": f"select sequence, changed_at as committed_at from all_commits where {wanted}"}
    built[ways.TABLE] = WAYS.format(wanted=wanted)
    for name, select in views.selects(Athena).items():
        if name == "events":
            select = select.replace(" from changes_", f', "{DAY_PARTITION}" from changes_')
        if name == "recent_events":
            days = values["event_days"]
            built[name] = RECENT.format(events=built["events"], event_days=days, read_days=days + SPARE_DAYS)
            continue
        built[name] = re.sub(r"(from changes_\w+)", rf"\1 where {wanted}", catalog.filled(select, values))
    return built


def queries(values: dict[str, int], integration: str) -> Iterator[tuple[catalog.Finding, str]]:
    """Each finding as one query, newest case first."""
    built = relations(values, integration)
    for finding in catalog.findings():
        yield finding, query(catalog.filled(finding.select, values), built)


def query(select: str, built: dict[str, str]) -> str:
    withs = ",\n".join(f"{name} as (\n{_uncommented(built[name])}\n)" for name in views.needed(select, built))
    body = f"select id, name, detail, seen_at from (\n{_uncommented(select)}\n) found\norder by seen_at desc nulls last, id, detail"
    return f"with {withs}\n{body}" if withs else body


def _uncommented(select: str) -> str:
    return "\n".join(line for line in select.strip().splitlines() if not line.lstrip().startswith("--"))


def main(words: list[str]) -> int:
    from findings import athena_stack

    if not words:
        print(athena_stack.text(), end="")
        return 0
    if len(words) != 1 or not INTEGRATION.fullmatch(words[0]):
        print("no argument, or an integration's name: lowercase letters, digits and -", file=sys.stderr)
        return 2
    for finding, text in queries(catalog.parameters({}), words[0]):
        print(f"-- {finding.id}: {finding.title}\n{text};\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
