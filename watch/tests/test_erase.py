"""A person who was deleted in Okta leaves the bucket, and nobody beside them."""

import contextlib
import gzip
import io
import json
import shutil
import tempfile
import unittest
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb

from findings.tests.writer import BEGAN, PREFIX, Bucket, complete, delete, upsert
from watch import erase
from watch.tests.test_handler import BUCKET, Case
from watch.tests.test_wake import cases, idp, report, woken

ADA = "ada@acme.example"
USAGE = {
    "date": "2026-11-23",
    "count": 1,
    "first_used_at": "2026-11-23T17:00:00.000Z",
    "last_used_at": "2026-11-23T17:00:00.000Z",
}


def user(id: str, login: str) -> dict:
    return upsert(
        "users",
        id,
        {
            "id": id,
            "status": "ACTIVE",
            "created": "2025-01-01T00:00:00.000Z",
            "profile": {"login": login, "email": login},
        },
    )


def use(id: str) -> dict:
    return upsert("usage", f"login:{id}:2026-11-23:1", USAGE | {"user_id": id})


def event(id: str, actor: str, name: str) -> dict:
    return upsert("activity", id, report(id)["source"] | {"actor": {"id": actor, "type": "User", "alternateId": name}})


def ada_leaves(bucket: Bucket) -> None:
    """Two people, of whom one is deleted; newer snapshots begin after it."""
    link = upsert("group_memberships", "00g1:00u1", {"group_id": "00g1", "user_id": "00u1"})
    bucket.commit(
        [
            ("users", [user("00u1", ADA), user("00u2", "bea@acme.example")]),
            ("group_memberships", [link]),
            ("idps", [idp("0oa1")]),
            ("activity", [event("e1", "00u1", ADA), event("e2", "00u2", "bea@acme.example")]),
            ("usage", [use("00u1"), use("00u2")]),
        ],
        [complete(stream, 1) for stream in ("users", "group_memberships", "idps")],
    )
    bucket.commit(
        [("users", [delete("users", "00u1")]), ("group_memberships", [delete("group_memberships", "00g1:00u1")])]
    )


def snapshots(bucket: Bucket, at=None) -> None:
    sequence = bucket.sequence + 1
    bucket.commit(
        [("users", [user("00u2", "bea@acme.example")]), ("idps", [idp("0oa1")])],
        [complete(stream, sequence) for stream in ("users", "group_memberships", "idps")],
        at=at,
    )


def naming(folder: Path, word: str) -> list[str]:
    """Objects that hold a word, whatever they are packed with; the history of manifests and its like apart."""
    found = []
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            text = file.read_bytes()
            if file.suffix == ".gz":
                text = gzip.decompress(text)
            if file.suffix == ".parquet":
                with duckdb.connect() as connection:
                    text = json.dumps(
                        connection.execute(
                            f"select to_json(r) from read_parquet('{file}', hive_partitioning = false) r"
                        ).fetchall()
                    ).encode()
            if word.encode() in text:
                found.append(file.relative_to(folder).as_posix())
    return found


def erased(folder: Path, user: str, *words: str) -> tuple[int, dict[str, Any]]:
    """Its status, and its report: empty if there is none."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
        code = erase.main(["--dir", str(folder), "--integration", "acme", "--user", user, "--json", *words])
    return code, json.loads(said.getvalue() or "{}")


class OfACopy(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="erase-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.bucket = Bucket(self.folder)

    def test_a_person_still_in_okta_is_not_erased(self) -> None:
        self.bucket.commit([("users", [user("00u1", ADA)])], [complete("users", 1)])
        self.assertEqual(erased(self.folder, "00u1", "--yes"), (2, {}))
        self.assertTrue(naming(self.folder / PREFIX / "data", "00u1"))

    def test_without_yes_it_is_only_told(self) -> None:
        ada_leaves(self.bucket)
        snapshots(self.bucket)
        woken(self.folder)
        before = naming(self.folder, "00u1")
        code, told = erased(self.folder, ADA)
        self.assertEqual(
            (code, told["user"], told["removed"], len(told["batches"]), told["waiting"]), (0, "00u1", False, 6, [])
        )
        self.assertEqual(naming(self.folder, "00u1"), before)

    def test_nothing_of_the_person_is_left_and_all_of_the_others(self) -> None:
        ada_leaves(self.bucket)
        woken(self.folder)
        snapshots(self.bucket)
        woken(self.folder)
        self.assertIn("e1", {case["key"] for case in cases(self.folder)})
        code, told = erased(self.folder, "00u1", "--yes")
        self.assertEqual((code, told["waiting"]), (0, []))
        self.assertGreater(told["rows"], 5)
        for word in ("00u1", ADA):
            self.assertEqual(naming(self.folder, word), [])
        left = {case["key"] for case in cases(self.folder)}
        self.assertNotIn("e1", left)
        self.assertLessEqual({"e2", "0oa1"}, left)
        self.assertTrue(naming(self.folder / PREFIX / "tables/users", "00u2"))
        self.assertTrue(naming(self.folder / PREFIX / "tables/usage", "00u2"))

    def test_the_watch_goes_on_as_before(self) -> None:
        ada_leaves(self.bucket)
        woken(self.folder)
        snapshots(self.bucket)
        woken(self.folder)
        erased(self.folder, "00u1", "--yes")
        told = woken(self.folder)
        self.assertEqual((told["opened"], told["closed"]), ([], []))
        self.bucket.commit([("activity", [event("e3", "00u2", "bea@acme.example")])], at=BEGAN + timedelta(hours=2))
        self.assertEqual(
            [case["key"] for case in woken(self.folder)["opened"] if case["finding"] == "user-reported"], ["e3"]
        )
        self.assertEqual(erased(self.folder, "00u1", "--yes")[0], 0)

    def test_batches_that_a_new_reader_needs_wait_for_newer_snapshots(self) -> None:
        ada_leaves(self.bucket)
        woken(self.folder)
        code, told = erased(self.folder, "00u1", "--yes")
        self.assertEqual((code, len(told["waiting"]), told["batches"]), (3, 6, []))
        self.assertEqual(naming(self.folder / PREFIX / "tables", "00u1"), [])
        snapshots(self.bucket)
        woken(self.folder)
        self.assertEqual(erased(self.folder, "00u1", "--yes")[0], 0)
        self.assertEqual(naming(self.folder, "00u1"), [])

    def test_nobody_and_a_name_of_two_are_not_guessed_at(self) -> None:
        self.bucket.commit([("users", [user("00u1", ADA), user("00u2", ADA)])], [complete("users", 1)])
        self.assertEqual(erased(self.folder, "root", "--yes"), (2, {}))
        self.assertEqual(erased(self.folder, ADA, "--yes"), (2, {}))

    def test_a_short_login_is_no_word_that_others_have(self) -> None:
        self.assertFalse(
            erase.Person("00u1", ("ada", ADA)).is_meant("ada lovelace, xada@acme.example, ada@acme.example.org")
        )
        self.assertTrue(erase.Person("00u1", ("ada", ADA)).is_meant(f'"{ADA.upper()}"'))


class OfABucket(Case):
    def test_no_version_of_an_object_that_names_the_person_is_left(self) -> None:
        self.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        ada_leaves(self.bucket)
        self.upload()
        self.wake()
        snapshots(self.bucket)
        self.upload()
        self.wake()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            code = erase.main(["--bucket", BUCKET, "--integration", "acme", "--user", "00u1", "--yes"])
        self.assertEqual(code, 0)
        pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=BUCKET)
        versions = [each for page in pages for each in page.get("Versions", [])]
        folder = self.folder / "versions"
        for number, each in enumerate(versions):
            file = folder / str(number) / Path(each["Key"]).name
            file.parent.mkdir(parents=True)
            file.write_bytes(
                self.s3.get_object(Bucket=BUCKET, Key=each["Key"], VersionId=each["VersionId"])["Body"].read()
            )
        self.assertGreater(len(versions), 10)
        self.assertEqual(naming(folder, "00u1"), [])


if __name__ == "__main__":
    unittest.main()
