"""The same views and findings as SQL for Athena.

    python -m findings.athena                              the stack `athena.yaml` (see athena_stack)
    python -m findings.athena BUCKET PREFIX INTEGRATION    the statements, to be run by hand in this order

Two external tables hold the bucket's objects line by line as text, since no SerDe then can drop a line, lower-case a
member's name or guess a type. Views of them have the names that `views` builds on; then come the views themselves and
one select a finding. All but this prelude and `dialect` is the text that DuckDB runs.
"""

import re
import sys

from collections.abc import Iterator

from findings import catalog, views
from findings.columns import streams
from findings.dialect import Athena

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*", re.ASCII)
SINCE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
PARTITION = "date"

# A line feed ends a row; \001 divides columns, and JSON never holds it unescaped: a line is one column.
MANIFESTS = """
create external table if not exists raw_manifests (line string)
row format delimited fields terminated by '\\001'
location '{location}'
"""
# The date is projected: no crawler, no partition to add.
LINES = """
create external table if not exists raw_{stream} (line string)
partitioned by (`date` string)
row format delimited fields terminated by '\\001'
location '{location}'
tblproperties ({properties})
"""


def manifests_location(bucket: str, prefix: str, integration: str) -> str:
    return f"s3://{bucket}/{prefix}/manifests/{integration}/"


def lines_location(bucket: str, prefix: str, integration: str, stream: str) -> str:
    return f"s3://{bucket}/{prefix}/data/{stream}/integration={integration}/"


def projection(location: str, since: str) -> dict[str, str]:
    """Table properties that tell Athena the partitions: a day each, from `since` (YYYY-MM-DD) to today."""
    return {
        "projection.enabled": "true",
        f"projection.{PARTITION}.type": "date",
        f"projection.{PARTITION}.format": "yyyy-MM-dd",
        f"projection.{PARTITION}.range": f"{since},NOW",
        "storage.location.template": f"{location}{PARTITION}=${{{PARTITION}}}/",
    }


# Of a manifest: what it commits, in the shapes that `views` names.
PRELUDE = {
    "commits": """
select cast(json_extract_scalar(line, '$["sequence"]') as bigint) as sequence,
  {committed_at} as committed_at
from raw_manifests""",
    "batches": """
select cast(json_extract_scalar(m.line, '$["sequence"]') as bigint) as sequence, b.ordinal,
  json_extract_scalar(b.batch, '$["stream"]') as stream, json_extract_scalar(b.batch, '$["key"]') as key
from raw_manifests m
cross join unnest(cast(json_extract(m.line, '$["batches"]') as array(json))) with ordinality as b (batch, ordinal)""",
    "snapshots": """
select cast(json_extract_scalar(m.line, '$["sequence"]') as bigint) as sequence, s.ordinal,
  json_extract_scalar(s.snapshot, '$["stream"]') as stream,
  cast(json_extract_scalar(s.snapshot, '$["since_sequence"]') as bigint) as since_sequence,
  json_extract_scalar(s.snapshot, '$["scope"]') as scope
from raw_manifests m
cross join unnest(cast(json_extract(m.line, '$["snapshots"]') as array(json))) with ordinality as s (snapshot, ordinal)
where json_extract_scalar(s.snapshot, '$["complete"]') = 'true'""",
    "snapshot_spares": """
select cast(json_extract_scalar(m.line, '$["sequence"]') as bigint) as sequence, s.ordinal, e.spared
from raw_manifests m
cross join unnest(cast(json_extract(m.line, '$["snapshots"]') as array(json))) with ordinality as s (snapshot, ordinal)
cross join unnest(coalesce(try_cast(json_extract(s.snapshot, '$["except"]') as array(varchar)), cast(array[] as array(varchar)))) as e (spared)
where json_extract_scalar(s.snapshot, '$["complete"]') = 'true'""",
}
# Athena does not tell a line's number. Lines of a batch stand in the order in which their requests were sent, so the time
# of that stands for it; of two lines of one record that were asked for in the same millisecond either may win.
DATA = """
select json_extract_scalar(line, '$["id"]') as id, json_extract_scalar(line, '$["op"]') as op,
  {observed_at} as observed_at, json_extract_scalar(line, '$["cause"]') as cause,
  json_format(json_extract(line, '$["bundle"]')) as bundle, json_format(json_extract(line, '$["source"]')) as source,
  json_format(json_extract(line, '$["ocsf"]')) as ocsf,
  regexp_replace("$path", '^s3://[^/]+/', '') as key, to_unixtime({observed_at}) as line
from raw_{stream}
"""
BASE_TYPES = {
    "commits": {"sequence": "bigint", "committed_at": "timestamp"},
    "batches": {"sequence": "bigint", "ordinal": "bigint", "stream": "varchar", "key": "varchar"},
    "snapshots": {"sequence": "bigint", "ordinal": "bigint", "stream": "varchar", "since_sequence": "bigint", "scope": "varchar"},
    "snapshot_spares": {"sequence": "bigint", "ordinal": "bigint", "spared": "varchar"},
}
DATA_TYPES = {
    "id": "varchar", "op": "varchar", "observed_at": "timestamp", "cause": "varchar", "bundle": "varchar", "source": "varchar",
    "ocsf": "varchar", "key": "varchar", "line": "double",
}
"""Columns of the prelude's views: Athena's type of each."""


def base_selects() -> Iterator[tuple[str, str]]:
    """(view, select) of the prelude."""
    dialect = Athena()
    at = {name: dialect.time(f"json_extract_scalar(line, '$[\"{name}\"]')") for name in ("committed_at", "observed_at")}
    for name, select in PRELUDE.items():
        yield name, select.replace("{committed_at}", at["committed_at"]).strip()
    for stream in streams():
        yield f"data_{stream.name}", DATA.format(stream=stream.name, observed_at=at["observed_at"]).strip()


def selects(values: dict[str, int]) -> Iterator[tuple[str, str]]:
    """(view, select), in the order in which they build on each other."""
    yield from base_selects()
    for name, select in views.selects(Athena()).items():
        yield name, catalog.filled(select, values)


def queries(values: dict[str, int]) -> Iterator[tuple[catalog.Finding, str]]:
    """Each finding with its select, newest case first."""
    for finding in catalog.findings():
        select = catalog.filled(finding.select, values)
        yield finding, f"select id, name, detail, seen_at from (\n{select}\n) found\norder by seen_at desc nulls last, id, detail"


def tables(bucket: str, prefix: str, integration: str, since: str = "2026-01-01") -> Iterator[str]:
    """Definitions of the external tables (Hive's DDL)."""
    yield MANIFESTS.format(location=manifests_location(bucket, prefix, integration)).strip()
    for stream in streams():
        location = lines_location(bucket, prefix, integration, stream.name)
        properties = ", ".join(f"'{name}' = '{value}'" for name, value in projection(location, since).items())
        yield LINES.format(stream=stream.name, location=location, properties=properties).strip()


def script(bucket: str, prefix: str, integration: str) -> str:
    """Every statement, in the order in which they are to be run."""
    values = catalog.parameters({})
    created = (f"{Athena().create(name)}\n{select}" for name, select in selects(values))
    statements = ";\n\n".join([*tables(bucket, prefix, integration), *created])
    asked = "\n".join(f"\n-- {finding.id}\n{select};" for finding, select in queries(values))
    return f"{statements};\n{asked}"


def main(words: list[str]) -> int:
    from findings import athena_stack

    if not words:
        print(athena_stack.text(), end="")
        return 0
    if len(words) != 3 or not all(NAME.fullmatch(word) for word in words):
        print("no argument, or bucket, prefix and integration: letters, digits and . _ - / only", file=sys.stderr)
        return 2
    print(script(*words))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
