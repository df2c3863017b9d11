"""What `make peek` says of the past, from the tables."""

import contextlib
import io
import json
import shutil
import tempfile
import unittest
from pathlib import Path

from findings import past
from findings.tests.writer import Bucket, complete, delete, upsert


class Past(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="past-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        bucket = Bucket(self.folder)
        event = {
            "uuid": "e1",
            "published": "2026-11-23T10:00:00Z",
            "eventType": "user.account.update_profile",
            "actor": {"alternateId": "boss@acme.example"},
            "outcome": {"result": "SUCCESS"},
            "target": [{"id": "u1", "type": "User"}],
        }
        bucket.commit(
            [("users", [upsert("users", id, {"profile": {"city": "London"}}) for id in ("u1", "u2", "u3")])],
            [complete("users", 1)],
        )
        bucket.commit(
            [
                (
                    "users",
                    [
                        upsert("users", "u1", {"profile": {"city": "Paris"}, "x": [1]}, cause="e1"),
                        delete("users", "u2", cause="e9"),
                    ],
                ),
                ("activity", [upsert("activity", "e1", event)]),
            ],
            [complete("users", 2)],
        )
        bucket.commit([("users", [upsert("users", "u1", {"profile": {"city": "Rome"}})])])

    def ask(self, *words: str) -> tuple[int, str]:
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = past.main(["--dir", str(self.folder), "--integration", "acme", *words])
        return code, said.getvalue()

    def test_a_time_or_a_manifest_of_the_past_shows_the_state_of_then(self) -> None:
        for when, city, there in (("1", "London", 3), ("2026-11-23T18:02:30Z", "Paris", 1), ("2026-11-23", "Rome", 1)):
            code, told = self.ask("--as-of", when, "users", "u1")
            self.assertEqual((code, json.loads(told)["source"]["profile"]), (0, {"city": city}))
            self.assertRegex(self.ask("--as-of", when)[1], rf"users +{there}\n")
        for when in ("2026-11-22", "9", "soon"):
            self.assertEqual(self.ask("--as-of", when)[0], 2)

    def test_the_changes_of_a_manifest_are_shown_with_their_events(self) -> None:
        told = self.ask("--diff", "2")[1]
        for line in (
            "users  u1  changed, because 2026-11-23T10:00:00Z boss@acme.example: user.account.update_profile (SUCCESS)",
            '    profile.city: "London" → "Paris"',
            "    x[0]: nothing → 1",
            "users  u2  removed, because of event e9, which is not committed",
            "users  u3  removed: a snapshot did not repeat it",
            "manifest 2: 3 records, 1 events of the System Log",
        ):
            self.assertIn(f"{line}\n", told)
        self.assertEqual(self.ask("--diff", "1")[1].count("added"), 3)
        self.assertEqual(self.ask("--diff", "7")[0], 2)

    def test_the_events_behind_a_record_are_those_that_name_it_or_a_part_of_its_id(self) -> None:
        for id in ("u1", "00g1:u1"):
            self.assertEqual(
                self.ask("--why", id),
                (0, "2026-11-23T10:00:00Z boss@acme.example: user.account.update_profile (SUCCESS)\n"),
            )
        self.assertEqual(self.ask("--why", "u2")[0], 2)


if __name__ == "__main__":
    unittest.main()
