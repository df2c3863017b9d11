"""An integration's tables: their files, how far they are, and DuckDB's view of them up to a manifest."""

import json
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import duckdb

from findings.bucket import Place, Starts, Unreadable
from findings.columns import Stream, streams
from findings.database import only_row
from findings.store import Store
from findings.tables import parts, shape
from findings.tables.parts import Part

SCHEMA = 1


class Progress(NamedTuple):
    """Up to which manifest the tables are whole; rows of later ones may be what a killed writer left."""

    place: Place
    committed_at: str | None
    starts: Starts
    shape: str | None
    """Which columns the files have."""


NOTHING = Progress(Place(0, None, None), None, Starts({}, {}, {}), None)


class Tables:
    """The files of one integration's tables in a bucket."""

    def __init__(self, store: Store, prefix: str, integration: str) -> None:
        self.store = store
        self.prefix = prefix
        self.integration = integration
        self._staged: dict[Part, str] = {}
        self._listed: dict[str, tuple[list[Part], list[Part]]] = {}

    @property
    def progress_key(self) -> str:
        return f"{self.prefix}/tables/_progress/{self.integration}.json"

    @property
    def expiry_key(self) -> str:
        return f"{self.prefix}/tables/_progress/{self.integration}.expiry.json"

    def whole_since(self) -> int:
        """The manifest before which rows have expired; 0 where none have."""
        try:
            return int(json.loads(self.store.read(self.expiry_key) or b"{}").get("whole_since", 0))
        except (ValueError, TypeError, AttributeError):
            return 0

    def must_know(self, sequence: int) -> None:
        """Raises `Unreadable` where the state as of a manifest is not known any more."""
        if sequence < (whole_since := self.whole_since()):
            raise Unreadable(
                f"what came before has expired: the state is known since manifest {whole_since}, not as of manifest {sequence}"
            )

    def progress(self) -> tuple[Progress, str | None]:
        """How far they are, and the version of the object that says so. What cannot be read is nothing: they are made anew."""
        stored, version = self.store.version(self.progress_key)
        try:
            told = json.loads(stored or b"null")
            if not isinstance(told, dict) or told.get("schema") != SCHEMA:
                return NOTHING, version
            place = Place(told["sequence"], told["manifest_sha256"], told["org"])
            starts = Starts(*(dict(told["starts"][name]) for name in Starts._fields))
            return Progress(place, told["committed_at"], starts, told["shape"]), version
        except (ValueError, KeyError, TypeError):
            return NOTHING, version

    def write_progress(self, progress: Progress, version: str | None) -> str:
        """Raises `Conflict` where somebody else has written it meanwhile."""
        place = progress.place
        told = {"schema": SCHEMA, "integration": self.integration, "org": place.org, "sequence": place.sequence}
        told |= {"manifest_sha256": place.sha256, "committed_at": progress.committed_at, "shape": progress.shape}
        told["starts"] = progress.starts._asdict()
        return self.store.replace(self.progress_key, json.dumps(told, indent=1).encode(), version)

    def are_there(self, progress: Progress) -> bool:
        """Whether the files reach as far as the progress says. If somebody has removed them, they are made anew."""
        reach = max((part.last for part in self.parts(shape.COMMITS)[0]), default=0)
        return reach >= progress.place.sequence

    def parts(self, table: str) -> tuple[list[Part], list[Part]]:
        """The files that say all, and those that others cover. Each table is listed once, until it is written to."""
        if table not in self._listed:
            self._listed[table] = parts.standing(parts.listed(self.store, self.prefix, table, self.integration))
        return self._listed[table]

    def put(self, part: Part, file: str) -> None:
        """Puts a file in its place."""
        self._listed.pop(part.table, None)
        self.store.publish(Path(file), part.key(self.prefix))

    def remove(self, needless: list[Part]) -> None:
        for part in needless:
            self._listed.pop(part.table, None)
        self.store.delete(part.key(self.prefix) for part in needless)

    def stage(self, part: Part, file: str) -> None:
        """A file that is not published yet, and is read already."""
        self._staged[part] = file

    def publish(self) -> None:
        for part, file in self._staged.items():
            self.put(part, file)
        self._staged = {}

    def relation(
        self, table: str, columns: dict[str, str], until: int | None = None, days: set[str] | None = None
    ) -> str:
        """A select of a table's rows, of manifests up to `until` and of these days alone, if given."""
        found = [
            part
            for part in self.parts(table)[0]
            if (until is None or part.first <= until) and (days is None or part.day in days)
        ]
        files = [str(file) for file in self.store.files([part.key(self.prefix) for part in found]).values()]
        files += [
            file for part, file in self._staged.items() if part.table == table and (days is None or part.day in days)
        ]
        if not files:
            nulls = ", ".join(f"null::{type} as {name}" for name, type in columns.items())
            return f"(select {nulls} where false)"
        listed = ", ".join(f"'{file.replace(chr(39), chr(39) * 2)}'" for file in files)
        rows = f"select {', '.join(columns)} from read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"
        ends = max(part.last for part in found) if found else 0
        return f"({rows})" if until is None or ends <= until else f"({rows} where sequence <= {until})"

    def sequence_at(self, connection: duckdb.DuckDBPyConnection, moment: datetime) -> int:
        """The newest manifest that was committed until then; 0 where there is none."""
        commits = self.relation(shape.COMMITS, shape.COMMIT_COLUMNS)
        query = f"select coalesce(max(sequence), 0) from {commits} where changed_at <= ?"
        return int(only_row(connection, query, [moment])[0])

    def show(self, connection: duckdb.DuckDBPyConnection, until: int) -> None:
        """Makes a view `changes_{stream}` for each stream, and `commits`, up to a manifest."""
        commits = self.relation(shape.COMMITS, shape.COMMIT_COLUMNS, until)
        connection.execute(
            f"create or replace view commits as select sequence, changed_at as committed_at from {commits}"
        )
        for stream in streams():
            self._show(connection, stream, until)

    def _show(self, connection: duckdb.DuckDBPyConnection, stream: Stream, until: int) -> None:
        rows = self.relation(stream.name, shape.columns(stream), until)
        connection.execute(f"create or replace view changes_{stream.name} as select * from {rows}")
