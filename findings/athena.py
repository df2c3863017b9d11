"""The same views and findings as SQL for Athena, to be run there in this order.

    python -m findings.athena BUCKET PREFIX INTEGRATION > athena.sql

External tables over the bucket's JSON, views of them with the names that `views` builds on, then the views and one
named select a finding. All but this prelude and `dialect` is the text that DuckDB runs.
"""

import re
import sys

from collections.abc import Iterator

from findings import catalog, views
from findings.columns import streams
from findings.dialect import Athena

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*", re.ASCII)
SERDE = "row format serde 'org.openx.data.jsonserde.JsonSerDe'"

MANIFESTS = """
create external table if not exists raw_manifests (
  sequence bigint, committed_at string,
  batches array<struct<stream:string,`key`:string,records:bigint>>,
  snapshots array<struct<stream:string,since_sequence:bigint,complete:boolean,scope:string,`except`:array<string>>>
)
{serde}
location 's3://{bucket}/{prefix}/manifests/{integration}/'
"""
# Objects of a line stay text. The date is projected: no crawler, no partition to add.
LINES = """
create external table if not exists raw_{stream} (
  schema int, stream string, op string, id string, observed_at string, cause string, bundle string, source string, ocsf string
)
partitioned by (`date` string)
{serde}
location 's3://{bucket}/{prefix}/data/{stream}/integration={integration}/'
tblproperties (
  'projection.enabled' = 'true', 'projection.date.type' = 'date', 'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.range' = '2024-01-01,NOW',
  'storage.location.template' = 's3://{bucket}/{prefix}/data/{stream}/integration={integration}/date=${{date}}/'
)
"""
PRELUDE = {
    "commits": "select sequence, {committed_at} as committed_at from raw_manifests",
    "batches": """
select m.sequence, b.ordinal, b.batch.stream as stream, b.batch."key" as key
from raw_manifests m cross join unnest(m.batches) with ordinality as b (batch, ordinal)""",
    "snapshots": """
select m.sequence, s.ordinal, s.snapshot.stream as stream, s.snapshot.since_sequence as since_sequence, s.snapshot.scope as scope
from raw_manifests m cross join unnest(m.snapshots) with ordinality as s (snapshot, ordinal)
where s.snapshot.complete""",
    "snapshot_spares": """
select m.sequence, s.ordinal, e.spared
from raw_manifests m cross join unnest(m.snapshots) with ordinality as s (snapshot, ordinal)
cross join unnest(s.snapshot."except") as e (spared)
where s.snapshot.complete""",
}
# Athena does not tell a line's number. Lines of a batch stand in the order in which their requests were sent, so the time
# of that stands for it.
DATA = """
select id, op, {observed_at} as observed_at, cause, bundle, source, ocsf,
  substr("$path", {skip}) as key, to_unixtime({observed_at}) as line
from raw_{stream}
"""


def tables(bucket: str, prefix: str, integration: str) -> Iterator[str]:
    """Definitions of the external tables (Hive's DDL)."""
    named = {"bucket": bucket, "prefix": prefix, "integration": integration, "serde": SERDE}
    yield MANIFESTS.format(**named).strip()
    for stream in streams():
        yield LINES.format(stream=stream.name, **named).strip()


def selects(bucket: str, values: dict[str, int]) -> Iterator[tuple[str, str]]:
    """(view, statement), in the order in which they build on each other."""
    dialect = Athena()
    for name, select in PRELUDE.items():
        yield name, f"{dialect.create(name)}\n{select.replace('{committed_at}', dialect.time('committed_at')).strip()}"
    for stream in streams():
        name, skip = f"data_{stream.name}", len(f"s3://{bucket}/") + 1
        select = DATA.format(stream=stream.name, skip=skip, observed_at=dialect.time("observed_at"))
        yield name, f"{dialect.create(name)}\n{select.strip()}"
    for name, statement in views.statements(dialect).items():
        yield name, catalog.filled(statement, values)


def queries(values: dict[str, int]) -> Iterator[tuple[str, str]]:
    """(finding, select)."""
    for finding in catalog.findings():
        yield finding.id, catalog.filled(finding.select, values)


def main(bucket: str, prefix: str, integration: str) -> int:
    if not all(NAME.fullmatch(word) for word in (bucket, prefix, integration)):
        print("bucket, prefix and integration are letters, digits and . _ - / only", file=sys.stderr)
        return 2
    values = catalog.parameters({})
    statements = [*tables(bucket, prefix, integration), *(statement for _, statement in selects(bucket, values))]
    print(";\n\n".join(statements) + ";")
    for name, select in queries(values):
        print(f"\n-- {name}\n{select};")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
