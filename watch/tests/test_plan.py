"""Plans fill in ids, come in the right order, and are nothing that this project sends."""

import json
import re
import shlex
import shutil
import tempfile
import unittest
from collections import defaultdict
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import duckdb

from findings import catalog
from findings.tests.writer import Bucket, complete, upsert
from watch import checklist, listing, plan
from watch.facts import Facts, Role
from watch.steps import Steps, admin_console
from watch.tests.test_wake import cases, idp, woken

OPERATIONS = json.loads((Path(__file__).parent / "okta_operations.json").read_text())["operations"]
"""Of Okta's OpenAPI document: method, path, parameters of the query, and whether there is a body."""
UNDO = re.compile(r"(GET|POST|PUT|DELETE) (/[^ ;]+)(?: (\{.*\}))?")
NAME = "ada@acme.example\n$(rm -rf ~) '\"`"


def problem(method: str, path: str, body: object) -> str | None:
    """What Okta's document does not know of a request."""
    parts = urlsplit(path)
    pattern = {operation["path"]: operation for operation in OPERATIONS if operation["method"] == method}
    found = next(
        (
            one
            for place, one in pattern.items()
            if re.fullmatch(re.sub(r"\{\w+\}", "[A-Za-z0-9%._-]+", place), parts.path)
        ),
        None,
    )
    if found is None:
        return f"there is no {method} {parts.path}"
    if unknown := parse_qs(parts.query).keys() - set(found["query"]):
        return f"{path} has no parameter {unknown}"
    return None if (body is not None) == bool(found["body"]) else f"{method} {path} with body {body!r}"


class Plans(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="plan-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        bucket = Bucket(self.folder)
        created = "2024-01-01T00:00:00.000Z"
        user = {"status": "ACTIVE", "created": created, "profile": {"login": NAME}}
        role = {
            "id": "ra1",
            "principal_id": "00u1",
            "principal_type": "User",
            "type": "SUPER_ADMIN",
            "label": "Super Administrator",
            "status": "ACTIVE",
            "created": created,
        }
        event = {
            "uuid": "e1",
            "published": "2026-11-23T17:00:00.000Z",
            "eventType": "user.account.report_suspicious_activity_by_enduser",
            "actor": {"id": "00u1", "type": "User", "alternateId": NAME},
            "outcome": {"result": "SUCCESS"},
        }
        link = {"idp_id": "0oa1", "id": "00u1", "created": created}
        batches = [
            ("users", [upsert("users", "00u1", user)]),
            ("idps", [idp("0oa1")]),
            ("idp_users", [upsert("idp_users", "0oa1:00u1", link)]),
            ("role_assignments", [upsert("role_assignments", "00u1:ra1", role)]),
            ("activity", [upsert("activity", "e1", event)]),
        ]
        bucket.commit(batches, [complete(stream, 1) for stream, _ in batches if stream != "activity"])
        woken(self.folder)
        self.cases = {case["finding"]: case for case in cases(self.folder)}

    def test_sessions_and_factors_of_a_taken_account_come_before_its_password(self) -> None:
        plan = self.cases["user-reported"]["plan"]
        self.assertEqual(
            [step["request"]["path"].partition("?")[0] for step in plan],
            [
                f"/api/v1/users/00u1/{end}"
                for end in ("sessions", "lifecycle/reset_factors", "lifecycle/expire_password")
            ],
        )

    def test_ids_are_filled_in_and_it_is_told_how_many_are_affected_and_how_to_undo_it(self) -> None:
        (step,) = self.cases["idp-inactive"]["plan"]
        self.assertEqual(
            (step["request"], step["affects"]), ({"method": "DELETE", "path": "/api/v1/idps/0oa1", "body": None}, 1)
        )
        take, suspend = self.cases["dormant-admin"]["plan"]
        self.assertEqual(take["request"]["path"], "/api/v1/users/00u1/roles/ra1")
        self.assertEqual(take["undo"], 'POST /api/v1/users/00u1/roles {"type": "SUPER_ADMIN"}')
        self.assertIn("unsuspend", suspend["undo"])
        for case in self.cases.values():
            for step in case["plan"]:
                self.assertTrue(step["console"].startswith("https://acme-admin.okta.com/admin/"), step)
                self.assertTrue(step["undo"] and step["step"])
                if step["request"]:
                    self.assertIsNone(problem(**step["request"]), step)
                if undo := UNDO.match(step["undo"]):
                    self.assertIsNone(problem(undo[1], undo[2], json.loads(undo[3]) if undo[3] else None), step)

    def test_the_script_is_for_an_administrators_own_token_and_takes_no_word_of_the_org_as_a_command(self) -> None:
        script = checklist.script(self.cases["user-reported"])
        self.assertIn('"${OKTA_TOKEN:?', script)
        for line in script.splitlines():
            if not line.startswith("#"):
                self.assertNotIn("rm -rf", line)
        curls = [shlex.split(line.partition("| ")[2]) for line in script.splitlines() if "| curl" in line]
        self.assertEqual(
            next(words[words.index("--request") + 2] for words in curls),
            "https://acme.okta.com/api/v1/users/00u1/sessions?oauthTokens=true",
        )
        self.assertFalse(any("SSWS" in word for words in curls for word in words))

    def test_a_finding_without_steps_of_its_own_has_its_remedy_at_the_objects_place(self) -> None:
        case = self.cases["idp-inactive"] | {"finding": "of-tomorrow", "do": "Look at it."}
        with duckdb.connect() as connection:
            connection.execute("create table current_idps as select 'idp1' as idp_id")
            for key, page in (
                ("00u1", "user/profile/view/00u1"),
                ("idp1:x", "access/identity-providers/edit/idp1"),
                ("203.0.113.9", "dashboard"),
            ):
                (step,) = plan.Planner(connection, "https://acme.okta.com", []).with_plan(case | {"key": key})["plan"]
                self.assertEqual(
                    (step["step"], step["console"], step["request"]),
                    ("Look at it.", f"https://acme-admin.okta.com/admin/{page}", None),
                )

    def test_every_step_that_there_is_names_an_operation_of_oktas_document(self) -> None:
        """Whatever findings ask for them: with an id of each kind, for users of each status."""
        with duckdb.connect() as connection:
            facts = Facts(connection, [])
            vars(facts).update(
                roles={
                    "00u1": [
                        Role("User", "ra1", "Super", "SUPER_ADMIN", None, None),
                        Role("User", "ra2", "Help", "HELP_DESK_ADMIN", "00g1", "OKTA_GROUP"),
                    ]
                },
                principals={
                    "ra1": ("User", "00u1", "SUPER_ADMIN"),
                    "ra2": ("Group", "00g1", "HELP_DESK_ADMIN"),
                    "ra3": ("Client", "0oa1", "ORG_ADMIN"),
                    "ra4": ("User", "00u1", "CUSTOM"),
                },
                people={
                    "00u1": ("ada", "ACTIVE"),
                    "00u2": ("bea", "LOCKED_OUT"),
                    "00u3": ("cleo", "STAGED"),
                    "00u4": ("dan", "PASSWORD_EXPIRED"),
                },
                members={},
                linked={},
                app_users={},
                apps_used_by=defaultdict(list),
                signed_in_lately=frozenset(),
                direct_assignments=frozenset({"0oa1:00u1"}),
                access_left={"00u1": [("app", "0oa1"), ("group", "00g1")]},
                idps=frozenset({"0oa9"}),
            )
            steps = Steps("https://acme.okta.com", facts)
            made = [
                *plan.taken(steps, "00u1"),
                *(steps.suspend(user) for user in ("00u1", "00u3")),
                *(steps.unlock(user) for user in ("00u2", "00u3", "00u4")),
            ]
            made += [
                *steps.take_roles("00u1"),
                *(steps.take_role(f"ra{n}") for n in range(1, 5)),
                steps.unassign("0oa1", "00u1"),
                steps.unassign("0oa1", "00u2"),
                *steps.remove_access("00u1"),
            ]
            made += [
                steps.deactivate_app("0oa1"),
                steps.deactivate_idp("0oa9"),
                steps.delete_idp("0oa9"),
                steps.unlink("0oa9", "00u1"),
                steps.delete_role("cr01"),
                steps.delete_resource_set("iam1"),
                steps.revoke_token("00T1"),
                steps.block("203.0.113.9"),
                steps.block("2001:db8::1"),
                steps.enrol("00u1"),
            ]
        asked = [step for step in made if step["request"]]
        self.assertGreater(len(asked), 20)
        for step in made:
            if step["request"]:
                self.assertIsNone(problem(**step["request"]), step)
            if undo := UNDO.match(step["undo"]):
                self.assertIsNone(problem(undo[1], undo[2], json.loads(undo[3]) if undo[3] else None), step)
        named = {(operation["method"], operation["path"]) for operation in OPERATIONS}
        self.assertEqual(len(named), len(OPERATIONS))

    def test_a_zone_that_blocks_an_address_is_as_oktas_document_has_it(self) -> None:
        with duckdb.connect() as connection:
            steps = Steps("https://acme.okta.com", Facts(connection, []))
        for address, value in (("203.0.113.9", "203.0.113.9/32"), ("2001:db8::1", "2001:db8::1/128")):
            zone = steps.block(address)["request"]["body"]
            self.assertEqual(
                (zone["type"], zone["usage"], zone["gateways"]), ("IP", "BLOCKLIST", [{"type": "CIDR", "value": value}])
            )
            self.assertLessEqual(len(zone["name"]), 128)

    def test_steps_are_of_findings_that_there_are(self) -> None:
        kinds = {finding.id: finding.kind for finding in catalog.findings()}
        self.assertEqual({kinds.get(id) for id in plan.POSTURE}, {"posture"})
        self.assertEqual({kinds.get(id) for id in plan.ATTACKS}, {"events"})

    def test_an_org_is_administered_beside_its_own_address(self) -> None:
        self.assertEqual(admin_console("https://acme.okta-emea.com"), "https://acme-admin.okta-emea.com")

    def test_a_plan_is_asked_by_the_beginning_of_a_cases_id(self) -> None:
        found = cases(self.folder, "--plan", self.cases["idp-inactive"]["id"][:10])
        self.assertEqual(found, self.cases["idp-inactive"]["plan"])
        self.assertEqual(listing.main(["--dir", str(self.folder), "--integration", "acme", "--plan", "nothing"]), 2)


if __name__ == "__main__":
    unittest.main()
