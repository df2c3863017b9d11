"""`make erase`: removes a person from the bucket: rows of tables, cases, and the batches that a new reader no longer needs.

Manifests stay as they are: they hold keys and hashes of batches, and no word of a person. A batch cannot be written anew, because its
manifest names its hash; it can go, as it may expire, once newer complete snapshots have begun after it.
"""

import argparse
import atexit
import gzip
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from findings import ways
from findings.asked import TROUBLES, Asked, place, told
from findings.bucket import Log
from findings.columns import streams
from findings.database import database, only_row
from findings.store import Conflict, Store
from findings.tables import append, merge, shape
from findings.tables.history import Tables
from findings.tables.parts import Part
from watch import accepted, history, ledger, risks, wake
from watch.ledger import Damaged
from watch.wake import Place

WAITS = 3
"""Exit status where something has to wait for newer snapshots."""
USER_ID = re.compile(r"00u\w+", re.ASCII)
FEWEST_LETTERS = 6
"""Of a name that is looked for in texts. Shorter ones, such as `ada`, stand in words that mean somebody else."""
LEFT = (
    "manifests: keys, sizes and hashes of batches, and no word of the person",
    "cursors/ and ledgers/: the id alone, until the collector's next snapshots write them anew; status/: until its next run",
    "what was copied elsewhere: Authomize (the loader deletes the account there), Security Lake, answers of Athena, backups",
)


class NotToBeErased(Exception):
    """Nobody is meant, or somebody who is in the newest state; the message says what to do."""


class Person(NamedTuple):
    """An id, and the logins and e-mail addresses that the history has of it."""

    id: str
    names: tuple[str, ...]

    def words(self) -> list[str]:
        return [self.id, *(name for name in self.names if len(name) >= FEWEST_LETTERS)]

    def pattern(self) -> re.Pattern[str]:
        """A word of theirs, which is no part of a longer one."""
        return re.compile(
            "|".join(rf"(?<![\w.@-]){re.escape(word)}(?![\w@-]|\.\w)" for word in self.words()), re.IGNORECASE
        )

    def is_meant(self, text: str) -> bool:
        return self.pattern().search(text) is not None


class Erased(NamedTuple):
    """What was removed, or would be, and what has to wait."""

    batches: list[str]
    waiting: list[str]
    rows: int
    cases: int


def main(words: list[str] | None = None) -> int:
    given = _arguments(words)
    try:
        here = _place(given)
        with database() as connection, here.store.alone(f"{here.integration}.watch"):
            person = find(connection, here, given.user, given.also)
            erased = erase(connection, here, person, given.yes)
        print(_text(person, erased, given))
        return WAITS if erased.waiting else 0
    except (*TROUBLES, Damaged, Conflict, NotToBeErased) as trouble:
        return told("make erase", trouble)


def _arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make erase",
        description="Removes a person who was deleted in Okta from a bucket or a copy of it. Exits with 3 where batches have to "
        "wait for newer snapshots: run it again when these are complete.",
    )
    place(parser)
    parser.add_argument("--bucket", help="the bucket itself in place of a copy, with the credentials of this shell")
    parser.add_argument("--user", required=True, help="id (00u...) or login")
    parser.add_argument(
        "--also",
        action="append",
        default=[],
        metavar="NAME",
        help="another name of theirs that events may have, such as an old login",
    )
    parser.add_argument("--yes", action="store_true", help="remove it; without this only what would be removed is told")
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser.parse_args(words)


def _place(given: argparse.Namespace) -> Place:
    if not given.bucket:
        asked = Asked.of(given)
        return Place(asked.store, asked.prefix, asked.integration)
    import boto3

    from findings.s3 import S3

    kept = Path(tempfile.mkdtemp(prefix="erase-"))
    atexit.register(shutil.rmtree, kept, True)
    return Place(S3(boto3.client("s3"), given.bucket, kept), given.prefix.strip("/"), given.integration)


def find(connection: duckdb.DuckDBPyConnection, here: Place, user: str, also: list[str]) -> Person:
    """The person, by id or by a login that they had, with names that the history does not have of them. Raises `NotToBeErased` where they are in the newest state."""
    tables, progress = append.bring_up_to_date(connection, *here)
    tables.show(connection, progress.place.sequence)
    named = "select id, json_extract_string(source, ['$.profile.login', '$.profile.email', '$.profile.secondEmail']) as names from changes_users where source is not null"
    rows = connection.execute(
        f"select distinct id, unnest(names) from ({named}) named where id = $1 or list_contains(names, $1)", [user]
    ).fetchall()
    ids = {id for id, _ in rows} or ({user} if USER_ID.fullmatch(user) else set())
    if not ids:
        raise NotToBeErased(
            f"nobody in the history of {here.integration} has the id or login {user}; of somebody who was erased before, name the id"
        )
    if len(ids) > 1:
        raise NotToBeErased(f"{user} was the login of {', '.join(sorted(ids))}: name one of these")
    person = Person(ids.pop(), tuple(sorted({name for _, name in rows if name} | set(also))))
    there = [
        stream.name
        for stream in streams()
        if stream.name not in ("activity", "usage") and _is_there(connection, stream.name, person.id)
    ]
    if there:
        raise NotToBeErased(
            f"{person.id} is in the newest state, in {', '.join(there)}, as of manifest {progress.place.sequence}: "
            "delete the user in Okta (deactivate, then delete); after the collector's next run begin again"
        )
    return person


def _is_there(connection: duckdb.DuckDBPyConnection, stream: str, id: str) -> bool:
    newest = f"select id, op, row_number() over (partition by id order by sequence desc) as newest from changes_{stream} where list_contains(string_split(id, ':'), ?)"
    query = f"select count(*) from ({newest}) rows where newest = 1 and op = 'upsert'"
    return bool(only_row(connection, query, [id])[0])


def erase(connection: duckdb.DuckDBPyConnection, here: Place, person: Person, is_meant: bool) -> Erased:
    """Removes all that can go, where it is meant; else only looks."""
    log = Log.read(*here)
    if log.violations:
        raise append.Broken(log.violations)
    naming = [batch for batch in log.batches if _names(here.store, batch.key, person)]
    # The watch, too, needs what was begun since.
    lowest = log.starts.lowest
    batches = [batch.key for batch in naming if batch.sequence < lowest]
    waiting = [batch.key for batch in naming if batch.sequence >= lowest]
    cases = _cases(connection, here, person, is_meant)
    rows = _rows(connection, here, person, is_meant)
    if is_meant:
        here.store.wipe(batches)
    return Erased(batches, waiting, rows, cases)


def _names(store: Store, key: str, person: Person) -> bool:
    (file,) = store.files([key]).values()
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return any(person.is_meant(line) for line in lines)


def _rows(connection: duckdb.DuckDBPyConnection, here: Place, person: Person, is_meant: bool) -> int:
    """Rows of the tables that are about the person: those of their records, and events that name them."""
    tables, found = Tables(*here), 0
    for stream in streams():
        condition = "list_contains(string_split(id, ':'), $id)"
        if stream.name in shape.DAYS:
            condition = f"({condition} or regexp_matches(source, $pattern))"
        found += _parts(connection, tables, stream.name, shape.columns(stream), condition, person, is_meant)
    condition = "(list_contains(string_split(id, ':'), $id) or regexp_matches(concat_ws(' ', name, way), $pattern))"
    found += _parts(connection, tables, ways.TABLE, ways.COLUMNS, condition, person, is_meant)
    condition = "(list_contains(string_split(key, ':'), $id) or regexp_matches(concat_ws(' ', key, name, detail, evidence), $pattern))"
    return found + _parts(connection, tables, history.TABLE, history.COLUMNS, condition, person, is_meant)


def _parts(
    connection: duckdb.DuckDBPyConnection,
    tables: Tables,
    table: str,
    columns: dict[str, str],
    condition: str,
    person: Person,
    is_meant: bool,
) -> int:
    """Writes each file anew that has such rows; a file of none stays, for its name says which manifests are known."""
    standing, needless = tables.parts(table)
    words = {"id": person.id, "pattern": _in_duckdb(person)}
    found = 0
    given = {name: value for name, value in words.items() if f"${name}" in condition}
    for part in [*standing, *needless]:
        if not is_meant:
            found += _counted(connection, tables, part, condition, given)
            continue
        with tables.store.workplace() as workplace:
            count = merge.without(connection, tables, part, columns, condition, given, workplace / "erased.parquet")
        if count:
            tables.store.wipe([part.key(tables.prefix)], but_newest=True)
        found += count
    return found


def _counted(
    connection: duckdb.DuckDBPyConnection, tables: Tables, part: Part, condition: str, given: dict[str, str]
) -> int:
    (file,) = tables.store.files([part.key(tables.prefix)]).values()
    rows = f"read_parquet('{str(file).replace(chr(39), chr(39) * 2)}', hive_partitioning = false)"
    return int(only_row(connection, f"select count(*) from {rows} where {condition}", given)[0])


def _in_duckdb(person: Person) -> str:
    """As `Person.pattern`, for a library that knows no look-around: what stands beside the word is taken in."""
    return "(?i)" + "|".join(rf"(^|[^\w.@-]){_escaped(word)}($|[^\w@.-]|\.($|\W))" for word in person.words())


def _escaped(word: str) -> str:
    return re.sub(r"([^\w@-])", r"\\\1", word)


def _cases(connection: duckdb.DuckDBPyConnection, here: Place, person: Person, is_meant: bool) -> int:
    known, version = ledger.read(*here)
    told_of = [case for case in known.cases if _is_about(case, person)]
    if is_meant and known.sequence:
        left = known._replace(
            cases=[case for case in known.cases if not _is_about(case, person)],
            changes=[case for case in known.changes if not _is_about(case, person)],
            outbox=[word for word in known.outbox if not _is_about(word, person)],
        )
        if left != known:
            ledger.write(*here, left, version)
            here.store.wipe([ledger.state_key(here.prefix, here.integration)], but_newest=True)
        wake.leave_for_readers(connection, here, left)
        keys = [
            ledger.open_key(here.prefix, here.integration),
            f"{here.prefix}/status/{here.integration}.findings.json",
        ]
        accepted.remove(here.store, here.prefix, here.integration, lambda entry: _is_about(entry, person))
        risks.forget(here, person.is_meant)
        keys += [accepted.object_key(here.prefix, here.integration), risks.key(here.prefix, here.integration)]
        here.store.wipe(keys, but_newest=True)
    return len(told_of)


def _is_about(told: Any, person: Person) -> bool:
    return person.is_meant(json.dumps(told, ensure_ascii=False))


def _text(person: Person, erased: Erased, given: argparse.Namespace) -> str:
    if given.json:
        report = (
            {"user": person.id, "names": list(person.names), "removed": given.yes}
            | erased._asdict()
            | {"left": list(LEFT)}
        )
        return json.dumps(report, ensure_ascii=False)
    verb = "removed" if given.yes else "would be removed"
    lines = [
        f"{person.id}: {erased.rows:,} rows of tables, {erased.cases:,} cases and {len(erased.batches):,} batches {verb}."
    ]
    if erased.waiting:
        again = " ".join(["--user", person.id, *(f"--also {name}" for name in person.names)])
        lines.append(
            f"{len(erased.waiting):,} batches wait until complete snapshots have begun after them (a day or so): then run it again, with {again}"
        )
    lines += ["What stays:", *(f"  {words}" for words in LEFT)]
    return "\n".join(lines if given.yes else [*lines, "Nothing was removed: --yes does it."])


if __name__ == "__main__":
    sys.exit(main())
