"""Each new case is told once, whatever is killed or raced."""

import contextlib
import io
import json
import multiprocessing
import shutil
import tempfile
import unittest
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb

from findings.catalog import Finding
from findings.store import Directory
from findings.tests.test_tables import Killed, snapshot_of
from findings.tests.writer import BEGAN, PREFIX, Bucket, complete, delete, upsert
from watch import __main__ as program
from watch import listing

EVENT = "user.account.report_suspicious_activity_by_enduser"


def idp(id: str, status: str = "INACTIVE") -> dict:
    return upsert(
        "idps",
        id,
        {"id": id, "name": f"IdP {id}", "type": "SAML2", "status": status, "created": "2026-01-01T00:00:00.000Z"},
    )


def report(id: str, at: str = "2026-11-23T17:00:00.000Z") -> dict:
    source = {
        "uuid": id,
        "published": at,
        "eventType": EVENT,
        "actor": {"id": "00u1", "alternateId": "ada@acme.example"},
        "outcome": {"result": "SUCCESS"},
    }
    return upsert("activity", id, source)


def wake(folder: Path, integration: str = "acme") -> tuple[int, dict | None]:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
        code = program.main(["--dir", str(folder), "--integration", integration, "--json"])
    return code, json.loads(said.getvalue()) if said.getvalue() else None


def woken(folder: Path) -> dict:
    code, told = wake(folder)
    assert code == 0 and told
    return told


def cases(folder: Path, *words: str) -> Any:
    """The open cases, or with an id one of them."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = listing.main(["--dir", str(folder), "--integration", "acme", "--json", *words])
    assert code == 0, said.getvalue()
    return json.loads(said.getvalue())


def keys(found: list[dict]) -> list[str]:
    return sorted(case["key"] for case in found)


class Case(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="watch-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.bucket = Bucket(self.folder)

    def begin(self) -> dict:
        """An org with two IdPs that are switched off, and a user's report in its log."""
        self.bucket.commit([("idps", [idp("0oa1"), idp("0oa2")]), ("activity", [report("e1")])], [complete("idps", 1)])
        return woken(self.folder)


class Told(Case):
    def test_posture_of_the_first_snapshot_is_a_digest_and_attacks_in_its_log_are_opened(self) -> None:
        told = self.begin()
        self.assertEqual(
            (told["digest"], keys(told["opened"]), told["closed"], told["open"]), ({"low": 2}, ["e1"], [], 3)
        )
        self.assertEqual(keys(cases(self.folder)), ["0oa1", "0oa2", "e1"])
        self.assertEqual(
            keys(json.loads((self.folder / PREFIX / "cases/acme.json").read_text())), ["0oa1", "0oa2", "e1"]
        )
        self.assertEqual(told["opened"][0]["evidence"], ["e1"])

    def test_without_news_nothing_opens_nothing_closes_and_nothing_is_written(self) -> None:
        self.begin()
        before = snapshot_of(self.folder)
        told = woken(self.folder)
        self.assertEqual((told["opened"], told["closed"], told["digest"], told["open"]), ([], [], None, 3))
        self.assertEqual(snapshot_of(self.folder), before)

    def test_later_cases_are_told_a_case_of_posture_closes_and_one_of_an_attack_never_does(self) -> None:
        self.begin()
        self.bucket.commit(
            [("idps", [idp("0oa3"), delete("idps", "0oa1"), idp("0oa2", "ACTIVE")]), ("activity", [report("e2")])]
        )
        told = woken(self.folder)
        self.assertEqual(
            (keys(told["opened"]), keys(told["closed"]), told["digest"], told["open"]),
            (["0oa3", "e2"], ["0oa1", "0oa2"], None, 3),
        )
        self.assertTrue(
            all(case["state"] == "closed" and case["closed_at"] and case["closed_because"] for case in told["closed"])
        )
        self.bucket.commit([("idps", [idp("0oa1")])], at=BEGAN + timedelta(days=400))
        told = woken(self.folder)
        self.assertEqual((keys(told["opened"]), told["closed"], told["open"]), (["0oa1"], [], 4))
        self.assertEqual(keys(cases(self.folder)), ["0oa1", "0oa3", "e1", "e2"])

    def test_before_the_first_snapshot_is_complete_posture_is_not_judged(self) -> None:
        self.bucket.commit([("idps", [idp("0oa1")]), ("activity", [report("e1")])])
        told = woken(self.folder)
        self.assertEqual((told["digest"], keys(told["opened"]), told["open"]), (None, ["e1"], 1))
        self.bucket.commit([("idps", [idp("0oa2")])], [complete("idps", 1)])
        told = woken(self.folder)
        self.assertEqual((told["digest"], told["opened"], told["open"]), ({"low": 2}, [], 3))

    def test_a_finding_whose_stream_is_read_later_than_the_others_is_no_flood(self) -> None:
        self.begin()
        people = [
            upsert(
                "users",
                f"00u{n}",
                {"status": "ACTIVE", "profile": {"login": f"u{n}"}, "created": "2026-11-01T00:00:00.000Z"},
            )
            for n in range(5)
        ]
        factors = [upsert("factors", f"00u{n}", {"user_id": f"00u{n}", "factors": []}) for n in range(5)]
        self.bucket.commit([("users", people)], [complete("users", 2)])
        woken(self.folder)
        self.bucket.commit([("factors", factors[:3])])
        self.assertNotIn("user-without-mfa", {case["finding"] for case in woken(self.folder)["opened"]})
        self.bucket.commit([("factors", factors[3:])], [complete("factors", 3)])
        told = woken(self.folder)
        self.assertEqual((told["opened"], told["digest"]), ([], None))
        self.assertEqual(sum(case["finding"] == "user-without-mfa" for case in cases(self.folder)), 5)
        self.bucket.commit([("users", [people[0] | {"id": "00u9"}]), ("factors", [factors[0] | {"id": "00u9"}])])
        self.assertEqual(
            [case["key"] for case in woken(self.folder)["opened"] if case["finding"] == "user-without-mfa"], ["00u9"]
        )

    def test_two_integrations_in_one_bucket_have_their_own_cases(self) -> None:
        self.begin()
        Bucket(self.folder, "beta").commit([("idps", [idp("0oaB")])], [complete("idps", 1)])
        before = snapshot_of(self.folder)
        code, told = wake(self.folder, "beta")
        assert told
        self.assertEqual((code, told["digest"], told["open"]), (0, {"low": 1}, 1))
        self.assertEqual(before.items() - snapshot_of(self.folder).items(), set())

    def test_damage_or_absence_writes_nothing_and_ends_with_another_status_than_0(self) -> None:
        self.begin()
        self.bucket.commit([("idps", [idp("0oa3")])])
        file = self.folder / self.bucket.batch_keys(2)[0]
        sound = file.read_bytes()
        file.write_bytes(sound[:-2])
        before = snapshot_of(self.folder)
        for integration in ("acme", "nobody"):
            code, told = wake(self.folder, integration)
            self.assertNotEqual(code, 0)
            self.assertIsNone(told)
        self.assertEqual(snapshot_of(self.folder), before)
        file.write_bytes(sound)
        self.assertEqual(keys(woken(self.folder)["opened"]), ["0oa3"])

    def test_a_query_that_cannot_be_run_costs_no_other_finding_and_closes_nothing(self) -> None:
        self.begin()
        self.bucket.commit([("idps", [idp("0oa3")]), ("activity", [report("e2")])])
        from findings import answers

        def broken(connection: duckdb.DuckDBPyConnection, finding: Finding, values: dict[str, Any]) -> answers.Answer:
            if finding.id == "idp-inactive":
                raise RuntimeError("idp-inactive: broken")
            return answers.Answer(finding, answers._cases(connection, finding, values))

        with mock.patch.object(answers, "answer", broken):
            told = woken(self.folder)
        self.assertEqual((keys(told["opened"]), told["closed"], told["open"]), (["e2"], [], 4))


class Accepted(Case):
    def accept(self, *entries) -> None:
        (self.folder / PREFIX / "cases").mkdir(parents=True, exist_ok=True)
        (self.folder / PREFIX / "cases/acme.accepted.json").write_text(json.dumps(entries))

    def test_an_accepted_case_is_counted_and_not_announced_and_has_its_reason(self) -> None:
        self.begin()
        self.accept(
            {"finding": "idp-inactive", "reason": "they are being set up"},
            {"finding": "user-reported", "key": "e2", "reason": "a drill"},
        )
        self.bucket.commit([("idps", [idp("0oa3")]), ("activity", [report("e2"), report("e3")])])
        told = woken(self.folder)
        self.assertEqual((keys(told["opened"]), told["open"], told["accepted"]), (["e3"], 2, 4))
        states = {case["key"]: (case["state"], case.get("reason")) for case in cases(self.folder)}
        self.assertEqual(states["0oa3"], ("accepted", "they are being set up"))
        self.assertEqual(states["e1"], ("open", None))
        self.bucket.commit([("idps", [delete("idps", "0oa3")])])
        self.assertEqual(woken(self.folder)["closed"], [])

    def test_an_acceptance_that_ends_counts_from_the_next_wake_up_with_a_commit(self) -> None:
        self.begin()
        until = f"{(BEGAN + timedelta(minutes=10)).isoformat()}Z"
        self.accept({"finding": "idp-inactive", "key": "0oa3", "reason": "soon done", "until": until})
        self.bucket.commit([("idps", [idp("0oa3")])])
        self.assertEqual(woken(self.folder)["opened"], [])
        self.assertEqual(woken(self.folder)["opened"], [])
        self.bucket.commit([], at=BEGAN + timedelta(minutes=11))
        self.assertEqual(keys(woken(self.folder)["opened"]), ["0oa3"])

    def test_one_that_ended_in_the_past_and_one_that_is_none_accept_nothing(self) -> None:
        self.begin()
        self.accept(
            {"finding": "idp-inactive", "reason": "was so", "until": "2026-01-01"}, {"finding": "idp-inactive"}, 5
        )
        self.bucket.commit([("idps", [idp("0oa3")])])
        self.assertEqual(keys(woken(self.folder)["opened"]), ["0oa3"])
        (self.folder / PREFIX / "cases/acme.accepted.json").write_text("{")
        self.bucket.commit([("idps", [idp("0oa4")])])
        self.assertEqual(keys(woken(self.folder)["opened"]), ["0oa4"])

    def test_a_case_is_accepted_from_the_command_line_with_a_reason_and_an_end_that_is_to_come(self) -> None:
        self.begin()
        (case,) = [case for case in cases(self.folder) if case["key"] == "0oa1"]
        words = ["--dir", str(self.folder), "--integration", "acme", "--accept", case["id"][:12]]
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            self.assertEqual(listing.main(words), 2)
            self.assertEqual(listing.main([*words, "--reason", "known", "--until", "2026-01-01"]), 2)
            self.assertEqual(listing.main([*words, "--reason", "known", "--until", "2027-01-01"]), 0)
        self.assertEqual([case["state"] for case in cases(self.folder) if case["key"] == "0oa1"], ["accepted"])
        self.assertEqual(
            json.loads((self.folder / PREFIX / "cases/acme.accepted.json").read_text()),
            [{"finding": "idp-inactive", "key": "0oa1", "reason": "known", "until": "2027-01-01"}],
        )

    def test_a_case_is_shown_with_the_lines_that_are_its_evidence(self) -> None:
        told = self.begin()
        shown = cases(self.folder, told["opened"][0]["id"])
        self.assertEqual(
            [(line["stream"], line["id"], line["source"]["eventType"]) for line in shown["lines"]],
            [("activity", "e1", EVENT)],
        )


class Kills(Case):
    def test_killed_before_or_after_any_write_each_case_is_told_once(self) -> None:
        acts = 1
        while acts < 60:
            shutil.rmtree(self.folder)
            self.bucket = Bucket(self.folder)
            self.begin()
            self.bucket.commit([("idps", [idp("0oa3"), idp("0oa2", "ACTIVE")]), ("activity", [report("e2")])])
            outputs, killed = self._until_killed(acts)
            told = woken(self.folder)
            opened = [key for output in [*outputs, told] for key in keys(output["opened"])]
            closed = [key for output in [*outputs, told] for key in keys(output["closed"])]
            self.assertEqual(
                (sorted(opened), sorted(closed), told["open"]), (["0oa3", "e2"], ["0oa2"], 4), f"killed at act {acts}"
            )
            with duckdb.connect() as connection:
                files = str(self.folder / PREFIX / "tables/cases/integration=acme/*.parquet")
                rows = connection.execute("select id, state from read_parquet(?)", [files]).fetchall()
            self.assertEqual(sorted(state for _, state in rows), ["closed"] + ["open"] * 5)
            if not killed:
                break
            acts += 1
        self.assertGreater(acts, 12)

    def _until_killed(self, acts: int) -> tuple[list[dict], bool]:
        """A wake-up that is killed at its nth write: what it said before, and whether it was."""
        left = [acts]

        def counting(real) -> Any:
            def act(*words, **more) -> Any:
                left[0] -= 1
                if left[0] == 0:
                    raise Killed
                return real(*words, **more)

            return act

        said = io.StringIO()
        patches = [
            mock.patch.object(Directory, name, counting(getattr(Directory, name)))
            for name in ("publish", "write", "delete")
        ]
        with contextlib.ExitStack() as stack:
            for patch in patches:
                stack.enter_context(patch)
            stack.enter_context(contextlib.redirect_stdout(said))
            try:
                program.main(["--dir", str(self.folder), "--integration", "acme", "--json"])
                return [json.loads(said.getvalue())], False
            except Killed:
                # A program that is killed after it has told, and before it has written so, tells again: its word counts for nothing.
                return [], True

    def test_of_wake_ups_that_race_one_tells(self) -> None:
        self.begin()
        self.bucket.commit([("idps", [idp("0oa3")])])
        with multiprocessing.get_context("spawn").Pool(3) as pool:
            told = pool.map(woken, [self.folder] * 3)
        self.assertEqual(sorted(len(each["opened"]) for each in told), [0, 0, 1])


if __name__ == "__main__":
    unittest.main()
