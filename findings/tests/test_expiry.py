"""What expires is what was replaced before the limit; every state since then stays as it was."""

import contextlib
import io
import json
from datetime import timedelta
from unittest import mock

import duckdb

from findings import past
from findings.store import Directory
from findings.tables import expiry, merge
from findings.tables.append import bring_up_to_date
from findings.tables.expiry import Days
from findings.tables.history import Tables
from findings.tests import writer
from findings.tests.test_tables import Case, changes, seen, update
from findings.tests.writer import BEGAN, PREFIX, Bucket, complete, delete, upsert

NAMES = frozenset(writer.STREAMS)


def expired(folder, days: Days) -> tuple[int, Tables]:
    with duckdb.connect() as connection:
        tables, _ = bring_up_to_date(connection, Directory(folder, PREFIX), PREFIX, "acme")
        return expiry.expire(connection, tables, days), tables


class Expiry(Case):
    def test_every_state_since_the_limit_is_the_readers_in_random_histories(self) -> None:
        removed = 0
        for seed in range(12):
            folder = self.folder / str(seed)
            history, bucket = writer.random_history(seed), Bucket(folder)
            for number, commit in enumerate(history):
                bucket.commit(commit.batches, commit.snapshots, at=BEGAN + timedelta(days=number))
                if number % 2:
                    with mock.patch.object(merge, "MOST_FILES", 3):
                        update(folder)
            count, tables = expired(folder, Days(data=3, events=0))
            removed += count
            since = tables.whole_since()
            self.assertGreaterEqual(since, len(history) - 4)
            for until in range(max(since, 1), len(history) + 1):
                state = {key: value for key, value in writer.state(history[:until]).items() if key[0] in NAMES}
                self.assertEqual(seen(folder, until), state, f"history {seed}, as of {until}, whole since {since}")
        self.assertGreater(removed, 20)

    def two_names(self) -> None:
        bucket = Bucket(self.folder)
        bucket.commit(
            [
                (
                    "users",
                    [upsert("users", "a", {"n": 1}), upsert("users", "b", {"n": 1}), upsert("users", "c", {"n": 1})],
                )
            ],
            [complete("users", 1)],
            at=BEGAN,
        )
        bucket.commit([("users", [upsert("users", "a", {"n": 2}), delete("users", "b")])], at=BEGAN + timedelta(days=1))
        bucket.commit([("users", [upsert("users", "a", {"n": 3})])], at=BEGAN + timedelta(days=100))

    def test_live_records_stay_at_any_age_and_deleted_ones_go_whole(self) -> None:
        self.two_names()
        self.assertEqual(expired(self.folder, Days(data=30, events=0))[0], 3)
        self.assertEqual(
            sorted(changes(self.folder, "users")),
            [("users", "a", 2, "upsert"), ("users", "a", 3, "upsert"), ("users", "c", 1, "upsert")],
        )

    def test_a_past_that_has_expired_is_no_answer(self) -> None:
        self.two_names()
        expired(self.folder, Days(data=30, events=0))
        words = ["--dir", str(self.folder), "--integration", "acme"]
        for asked, code in ((["--as-of", "1"], 2), (["--as-of", "2"], 0), (["--diff", "2"], 2), (["--diff", "3"], 0)):
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                self.assertEqual(past.main([*words, *asked]), code, asked)

    def test_use_expires_by_its_commit_and_it_is_looked_once_a_week(self) -> None:
        bucket = Bucket(self.folder)
        use = {"user_id": "u", "date": "2026-11-23", "count": 1}
        bucket.commit([("usage", [upsert("usage", "login:u:2026-11-23:1", use)])], at=BEGAN)
        bucket.commit([("usage", [upsert("usage", "login:u:2027-03-01:2", use)])], at=BEGAN + timedelta(days=100))
        self.assertEqual([expired(self.folder, Days(0, 30))[0], expired(self.folder, Days(0, 30))[0]], [1, 0])
        self.assertEqual([row[1] for row in changes(self.folder, "usage")], ["login:u:2027-03-01:2"])
        self.assertEqual(expired(self.folder, Days(0, 0))[0], 0)
        stored = json.loads((self.folder / PREFIX / "tables/_progress/acme.expiry.json").read_text())
        self.assertEqual(stored["whole_since"], 0)
