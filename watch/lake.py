"""Activity as OCSF events for Amazon Security Lake: Parquet in the layout of a custom source.

    {location}/region={region}/accountId=external_{integration}/eventDay={YYYYMMDD}/{integration}-{sequence}-{class}.parquet

An object has the events of one class (of one that is not known what all have) and one UTC day that one manifest brought, sorted by time. Its name follows from these, so
that whoever is killed and begins again writes the same objects. An account id of AWS is none of Okta's: hence `external_`.
https://docs.aws.amazon.com/security-lake/latest/userguide/custom-sources.html
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from findings.bucket import BEGINNING, Batch, Log
from findings.bucket import Place as Followed
from findings.store import Conflict
from findings.tables import merge
from findings.tables.append import MOST_MANIFESTS, Broken
from findings.tables.history import Tables
from watch.ocsf_classes import CLASSES, EVENT
from watch.wake import Place

SCHEMA = 1
LINES = """
create or replace temp table ocsf_lines as
select ocsf, coalesce(try_cast(ocsf ->> '$.class_uid' as integer), 0) as class_uid,
  strftime(make_timestamp(coalesce(try_cast(ocsf ->> '$.time' as bigint), 0) * 1000), '%Y%m%d') as day
from read_json(?, columns = {ocsf: 'json'}, format = 'newline_delimited', compression = 'gzip', hive_partitioning = false)
where json_type(ocsf) = 'OBJECT'
"""


class Lake(NamedTuple):
    """Where the source's objects lie."""

    client: Any
    bucket: str
    prefix: str
    region: str

    def key(self, integration: str, day: str, sequence: int, class_uid: int) -> str:
        folder = "/".join(
            filter(None, (self.prefix, f"region={self.region}", f"accountId=external_{integration}", f"eventDay={day}"))
        )
        return f"{folder}/{integration}-{sequence:012}-{class_uid}.parquet"

    def put(self, file: Path, key: str) -> None:
        with file.open("rb") as content:
            self.client.put_object(
                Bucket=self.bucket, Key=key, Body=content, ContentType="application/vnd.apache.parquet"
            )


def follow(connection: duckdb.DuckDBPyConnection, place: Place, lake: Lake) -> int:
    """Copies the activity of manifests that are not there yet; gives how many objects were written. Raises `Broken`."""
    starts = Tables(*place).progress()[0].starts
    known, version = _progress(place, lake)
    written = 0
    while True:
        log = Log.read(*place, known, starts, MOST_MANIFESTS)
        if log.violations:
            raise Broken(log.violations)
        if log.place.sequence == known.sequence:
            return written
        for sequence in sorted({batch.sequence for batch in log.batches if batch.stream == "activity"}):
            written += _copy(
                connection,
                place,
                lake,
                sequence,
                [batch for batch in log.batches if (batch.stream, batch.sequence) == ("activity", sequence)],
            )
        known = log.place
        try:
            version = place.store.replace(_key(place), _told(lake, known), version)
        except Conflict:
            # Somebody else copies the same objects, and is further.
            return written


def _copy(connection: duckdb.DuckDBPyConnection, place: Place, lake: Lake, sequence: int, batches: list[Batch]) -> int:
    files = place.store.files([batch.key for batch in batches])
    connection.execute(LINES, [[str(file) for file in files.values()]])
    groups = connection.execute("select distinct day, class_uid from ocsf_lines order by all").fetchall()
    for day, class_uid in groups:
        structure = json.dumps(CLASSES.get(class_uid, EVENT))
        rows = f"select unnest(from_json(ocsf, '{structure}')) from ocsf_lines where day = '{day}' and class_uid = {class_uid}"
        with place.store.workplace() as workplace:
            file = workplace / "ocsf.parquet"
            merge.copy(connection, f"select * from ({rows}) typed order by time", str(file))
            lake.put(file, lake.key(place.integration, day, sequence, class_uid))
    return len(groups)


def _key(place: Place) -> str:
    return f"{place.prefix}/tables/_progress/{place.integration}.lake.json"


def _told(lake: Lake, known: Followed) -> bytes:
    told = {
        "schema": SCHEMA,
        "location": f"s3://{lake.bucket}/{lake.prefix}",
        "sequence": known.sequence,
        "manifest_sha256": known.sha256,
        "org": known.org,
    }
    return json.dumps(told, indent=1).encode()


def _progress(place: Place, lake: Lake) -> tuple[Followed, str | None]:
    """How far the copy is. Another location is begun anew, and so is what cannot be read."""
    stored, version = place.store.version(_key(place))
    try:
        told = json.loads(stored or b"null")
        if isinstance(told, dict) and told["location"] == f"s3://{lake.bucket}/{lake.prefix}":
            return Followed(told["sequence"], told["manifest_sha256"], told["org"]), version
    except (ValueError, KeyError):
        pass
    return BEGINNING, version
