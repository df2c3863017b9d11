"""The tables say at every manifest what the reader's two rules say, however often and wherever their writer is killed."""

import contextlib
import json
import os
import shutil
import tempfile
import unittest
from pathlib import Path
from random import Random
from unittest import mock

import duckdb

from findings.bucket import Unreadable
from findings.store import Directory
from findings.tables import merge, parts
from findings.tables.append import Broken, bring_up_to_date
from findings.tables.history import Tables
from findings.tests import writer
from findings.tests.writer import PREFIX, Bucket, complete, delete, upsert

HISTORIES = int(os.environ.get("TABLE_HISTORIES", "40"))


class Killed(BaseException):
    """What a killed program leaves behind is what it had done before."""


class Mortal(Directory):
    """A copy whose writer is killed before, or after, its nth act."""

    def __init__(self, root: Path, acts: int) -> None:
        super().__init__(root, PREFIX)
        self.acts = acts

    def _act(self, done) -> None:
        self.acts -= 1
        if self.acts == 0:
            raise Killed
        done()
        if self.acts == 1:
            self.acts = 0
            raise Killed

    def publish(self, file: Path, key: str) -> None:
        self._act(lambda: Directory.publish(self, file, key))

    def write(self, key: str, content: bytes, kind: str = "application/json") -> None:
        self._act(lambda: Directory.write(self, key, content, kind))

    def delete(self, keys) -> None:
        for key in list(keys):
            self._act(lambda key=key: Directory.delete(self, [key]))


def update(folder: Path, integration: str = "acme", store: Directory | None = None) -> Tables:
    with duckdb.connect() as connection:
        return bring_up_to_date(connection, store or Directory(folder, PREFIX), PREFIX, integration)[0]


def seen(folder: Path, until: int, integration: str = "acme") -> writer.State:
    """The newest row of each id of manifests up to `until`, from all files that are there, as any program reads them."""
    state: writer.State = {}
    with duckdb.connect() as connection:
        for stream in writer.STREAMS:
            files = sorted(
                str(file)
                for file in (folder / PREFIX / "tables" / stream / f"integration={integration}").glob("*.parquet")
            )
            if files:
                newest = "select id, op, source from read_parquet(?) where sequence <= ? qualify row_number() over (partition by id order by sequence desc) = 1"
                for id, op, source in connection.execute(newest, [files, until]).fetchall():
                    if op == "upsert":
                        state[stream, id] = json.loads(source)
    return state


def changes(folder: Path, stream: str) -> list[tuple]:
    files = sorted(str(file) for file in (folder / PREFIX / "tables" / stream).glob("*/*.parquet"))
    if not files:
        return []
    with duckdb.connect() as connection:
        return [
            (stream, *row)
            for row in connection.execute("select distinct id, sequence, op from read_parquet(?)", [files]).fetchall()
        ]


def snapshot_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


class Case(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tables-"))
        self.addCleanup(shutil.rmtree, self.folder, True)


class Histories(Case):
    def test_the_tables_equal_the_readers_state_at_every_manifest_of_random_histories_with_kills_and_merges_in_between(
        self,
    ) -> None:
        killed = records = forgotten = 0
        for seed in range(HISTORIES):
            folder = self.folder / str(seed)
            random = Random(seed)
            history, bucket = writer.random_history(seed), Bucket(folder)
            with (
                mock.patch.object(merge, "MOST_FILES", random.randint(1, 4)),
                mock.patch.object(merge, "FEWEST_FILES", 1),
            ):
                written = 0
                while written < len(history):
                    # Some wake-ups see several manifests.
                    for commit in history[written : written + random.choice([1, 1, 2, 4])]:
                        written = writer.write(bucket, commit)
                    if random.random() < 0.5:
                        with contextlib.suppress(Killed):
                            update(folder, store=Mortal(folder, random.randint(1, 12)))
                            killed -= 1
                        killed += 1
                        done = Tables(Directory(folder, PREFIX), PREFIX, "acme").progress()[0].place.sequence
                        self.assertEqual(
                            seen(folder, done),
                            _entities(history[:done]),
                            f"history {seed}, killed after manifest {done}",
                        )
                    update(folder)
                    for until in {written, random.randint(1, written)}:
                        self.assertEqual(
                            seen(folder, until),
                            _entities(history[:until]),
                            f"history {seed}, as of {until} of {written}",
                        )
            found = sorted(row for stream in writer.STREAMS for row in changes(folder, stream))
            expected = writer.rows(history)
            self.assertEqual(found, expected, f"history {seed}: a row a change and no other")
            events = {
                line["id"]
                for commit in history
                for stream, lines in commit.batches
                if stream == "activity"
                for line in lines
            }
            self.assertEqual({row[1] for row in _activity(folder)}, events, f"history {seed}")
            records += len(found)
            forgotten += sum(op == "delete" for *_, op in found)
        self.assertGreater(killed, HISTORIES // 4)
        self.assertGreater(min(records, forgotten), HISTORIES)

    def test_tables_that_are_made_at_once_equal_those_that_grew(self) -> None:
        for seed in range(HISTORIES // 5):
            history = writer.random_history(seed)
            grown, whole = Bucket(self.folder / f"{seed}-grown"), Bucket(self.folder / f"{seed}-whole")
            for commit in history:
                writer.write(grown, commit)
                update(grown.folder)
                writer.write(whole, commit)
            update(whole.folder)
            for stream in writer.STREAMS:
                self.assertEqual(
                    sorted(changes(grown.folder, stream)), sorted(changes(whole.folder, stream)), f"history {seed}"
                )


def _entities(history: list[writer.Commit]) -> writer.State:
    return {key: value for key, value in writer.state(history).items() if key[0] in writer.STREAMS}


def _activity(folder: Path) -> list[tuple]:
    files = sorted(str(file) for file in (folder / PREFIX / "tables" / "activity").rglob("*.parquet"))
    if not files:
        return []
    with duckdb.connect() as connection:
        query = "select id, id, date, published from read_parquet(?, hive_partitioning = true)"
        rows = connection.execute(query, [files]).fetchall()
    assert all(str(day)[:10] == f"{published:%Y-%m-%d}" for *_, day, published in rows), rows
    return list(set(rows))


class Rows(Case):
    def test_a_record_sent_twice_in_a_manifest_has_one_row_and_a_repeated_one_has_none(self) -> None:
        bucket = Bucket(self.folder)
        bucket.commit(
            [
                ("users", [upsert("users", "u1", {"a": 1}), upsert("users", "u1", {"a": 2}, cause="e1")]),
                ("users", [upsert("users", "u1", {"a": 3})]),
            ]
        )
        bucket.commit([("users", [upsert("users", "u1", {"a": 3})])], [complete("users", 2)])
        bucket.commit([("users", [delete("users", "u1"), upsert("users", "u1", {"a": 3})])])
        update(self.folder)
        self.assertEqual(changes(self.folder, "users"), [("users", "u1", 1, "upsert")])

    def test_a_day_and_a_month_of_activity_and_a_stream_have_few_files(self) -> None:
        bucket = Bucket(self.folder)
        for number in range(90):
            source = {"uuid": f"e{number}", "published": f"2026-11-{number % 5 + 1:02}T00:00:00Z", "eventType": "x"}
            bucket.commit(
                [
                    ("activity", [upsert("activity", f"e{number}", source)]),
                    ("users", [upsert("users", f"u{number}", {"n": number})]),
                ]
            )
            update(self.folder)
            store = Directory(self.folder, PREFIX)
            for table in ("users", "commits"):
                self.assertLess(len(parts.listed(store, PREFIX, table, "acme")), 40)
            days = parts.listed(store, PREFIX, "activity", "acme")
            self.assertLess(len(days) - len({part.day for part in days}), 40)
        self.assertEqual(len(_activity(self.folder)), 90)
        self.assertEqual(len(changes(self.folder, "users")), 90)

    def test_an_event_that_is_committed_again_has_one_row(self) -> None:
        bucket = Bucket(self.folder)
        event = upsert("activity", "e1", {"uuid": "e1", "published": "2026-11-23T10:00:00Z"})
        bucket.commit([("activity", [event, event])])
        bucket.commit([("activity", [event])])
        update(self.folder)
        self.assertEqual(len(_activity(self.folder)), 1)

    def test_two_integrations_in_one_bucket_do_not_touch_each_other(self) -> None:
        for name in ("acme", "beta"):
            Bucket(self.folder, name).commit([("users", [upsert("users", f"{name}-1", {"n": name})])])
        update(self.folder, "acme")
        before = snapshot_of(self.folder)
        update(self.folder, "beta")
        self.assertEqual(before.items() - snapshot_of(self.folder).items(), set())
        self.assertEqual(seen(self.folder, 1, "beta"), {("users", "beta-1"): {"n": "beta"}})

    def test_new_columns_are_taken_from_the_rows_that_are_there(self) -> None:
        from findings import columns

        Bucket(self.folder).commit([("users", [upsert("users", "u1", {"profile": {"shoe": "42"}})])])
        update(self.folder)
        streams = [
            stream._replace(columns=[*stream.columns, columns.Column("shoe", "profile.shoe", "text")])
            if stream.name == "users"
            else stream
            for stream in columns.streams()
        ]
        with (
            mock.patch("findings.tables.shape.streams", lambda: streams),
            mock.patch("findings.tables.merge.streams", lambda: streams),
        ):
            update(self.folder)
        (file,) = (self.folder / PREFIX / "tables/users/integration=acme").glob("*.parquet")
        with duckdb.connect() as connection:
            self.assertEqual(connection.execute("select shoe from read_parquet(?)", [str(file)]).fetchall(), [("42",)])


class Damage(Case):
    def _grown(self) -> Bucket:
        bucket = Bucket(self.folder)
        for number in range(1, 5):
            bucket.commit(
                [("users", [upsert("users", f"u{number}", {"n": number})])],
                [complete("users", 3)] if number == 3 else [],
            )
        return bucket

    def _assert_refused(self, kind: type[Exception]) -> str:
        before = snapshot_of(self.folder)
        with self.assertRaises(kind) as raised:
            update(self.folder)
        self.assertEqual(snapshot_of(self.folder), before)
        return str(raised.exception)

    def test_a_damaged_batch_or_chain_leaves_the_tables_as_they_were(self) -> None:
        for built in (0, 3, 4):
            for damage in ("batch", "lines", "manifest", "gap", "batch gone"):
                with self.subTest(f"{damage}, tables up to {built}"):
                    shutil.rmtree(self.folder)
                    bucket = self._grown()
                    later = {
                        sequence: (self.folder / bucket.key_of(sequence)).read_bytes()
                        for sequence in range(built + 1, 5)
                    }
                    for sequence in later:
                        (self.folder / bucket.key_of(sequence)).unlink()
                    if built:
                        update(self.folder)
                    for sequence, stored in later.items():
                        (self.folder / bucket.key_of(sequence)).write_bytes(stored)
                    batch, manifest = self.folder / bucket.batch_keys(4)[0], self.folder / bucket.key_of(2)
                    if damage == "batch":
                        batch.write_bytes(batch.read_bytes()[:-1])
                    elif damage == "lines":
                        bucket.sequence = 4
                        bucket._previous = _sha(self.folder / bucket.key_of(4))
                        bucket.commit([("users", [upsert("users", "u9", {}), {"schema": 1, "stream": "users"}])])
                    elif damage == "manifest":
                        manifest.write_bytes(manifest.read_bytes() + b" ")
                    elif damage == "gap":
                        manifest.unlink()
                    else:
                        batch.unlink()
                    self._assert_refused(Broken)

    def test_history_that_was_replaced_is_refused(self) -> None:
        self._grown()
        update(self.folder)
        shutil.rmtree(self.folder / PREFIX / "manifests")
        Bucket(self.folder).commit([])
        self.assertIn("remove okta/tables/", self._assert_refused(Unreadable))

    def test_tables_that_somebody_removed_are_made_anew(self) -> None:
        self._grown()
        update(self.folder)
        for folder in (self.folder / PREFIX / "tables").iterdir():
            if folder.name != "_progress":
                shutil.rmtree(folder)
        update(self.folder)
        self.assertEqual(seen(self.folder, 2), {("users", f"u{number}"): {"n": number} for number in (1, 2)})

    def test_an_integration_that_is_not_there_is_named_with_those_that_are(self) -> None:
        self._grown()
        before = snapshot_of(self.folder)
        with self.assertRaisesRegex(Unreadable, "acme"):
            update(self.folder, "nobody")
        self.assertEqual(snapshot_of(self.folder), before)

    def test_batches_that_expired_before_the_newest_complete_snapshots_are_no_damage(self) -> None:
        bucket = Bucket(self.folder)
        bucket.commit([("users", [upsert("users", "old", {"n": 1}), upsert("users", "kept", {"n": 1})])])
        bucket.commit([("users", [upsert("users", "kept", {"n": 1})])], [complete("users", 1)])
        bucket.commit(
            [("users", [upsert("users", "kept", {"n": 1}), upsert("users", "new", {"n": 3})])], [complete("users", 3)]
        )
        shutil.copytree(self.folder, self.folder / "fresh")
        update(self.folder)
        for folder in (self.folder, self.folder / "fresh"):
            for sequence in (1, 2):
                for key in bucket.batch_keys(sequence):
                    (folder / key).unlink()
            update(folder)
            self.assertEqual(seen(folder, 3), {("users", "kept"): {"n": 1}, ("users", "new"): {"n": 3}})
        self.assertEqual(seen(self.folder, 1), {("users", "kept"): {"n": 1}, ("users", "old"): {"n": 1}})
        (self.folder / bucket.batch_keys(3)[0]).unlink()
        self._assert_refused(Broken)


def _sha(file: Path) -> str:
    import hashlib

    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    unittest.main()
