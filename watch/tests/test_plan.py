"""Plans fill in ids, come in the right order, and are nothing that this project sends."""

import re
import shlex
import shutil
import tempfile
import unittest

from pathlib import Path

import duckdb

from findings import catalog
from findings.tests.writer import Bucket, complete, upsert
from watch import checklist, listing, plan
from watch.steps import admin_console
from watch.tests.test_wake import cases, idp, woken

# Of https://developer.okta.com/docs/api/openapi/okta-management/: what an administrator may send.
PATHS = [
    ("DELETE", "/api/v1/users/{}/sessions"), ("POST", "/api/v1/users/{}/lifecycle/(reset_factors|expire_password|suspend|deactivate|unlock)"),
    ("DELETE", "/api/v1/(users|groups)/{}/roles/{}"), ("DELETE", "/oauth2/v1/clients/{}/roles/{}"), ("DELETE", "/api/v1/groups/{}/users/{}"),
    ("DELETE", "/api/v1/apps/{}/users/{}"), ("POST", "/api/v1/apps/{}/lifecycle/deactivate"), ("POST", "/api/v1/idps/{}/lifecycle/deactivate"),
    ("DELETE", "/api/v1/idps/{}"), ("DELETE", "/api/v1/idps/{}/users/{}"), ("DELETE", "/api/v1/iam/(roles|resource-sets)/{}"),
    ("DELETE", "/api/v1/api-tokens/{}"), ("POST", "/api/v1/zones"),
]
NAME = "ada@acme.example\n$(rm -rf ~) '\"`"


def is_known(request: dict) -> bool:
    path = request["path"].partition("?")[0]
    return any(method == request["method"] and re.fullmatch(pattern.replace("{}", "[A-Za-z0-9%._-]+"), path) for method, pattern in PATHS)


class Plans(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="plan-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        bucket = Bucket(self.folder)
        created = "2024-01-01T00:00:00.000Z"
        user = {"status": "ACTIVE", "created": created, "profile": {"login": NAME}}
        role = {"id": "ra1", "principal_id": "00u1", "principal_type": "User", "type": "SUPER_ADMIN", "label": "Super Administrator", "status": "ACTIVE", "created": created}
        event = {"uuid": "e1", "published": "2026-11-23T17:00:00.000Z", "eventType": "user.account.report_suspicious_activity_by_enduser",
                 "actor": {"id": "00u1", "type": "User", "alternateId": NAME}, "outcome": {"result": "SUCCESS"}}
        link = {"idp_id": "0oa1", "id": "00u1", "created": created}
        batches = [
            ("users", [upsert("users", "00u1", user)]), ("idps", [idp("0oa1")]), ("idp_users", [upsert("idp_users", "0oa1:00u1", link)]),
            ("role_assignments", [upsert("role_assignments", "00u1:ra1", role)]), ("activity", [upsert("activity", "e1", event)]),
        ]
        bucket.commit(batches, [complete(stream, 1) for stream, _ in batches if stream != "activity"])
        woken(self.folder)
        self.cases = {case["finding"]: case for case in cases(self.folder)}

    def test_sessions_and_factors_of_a_taken_account_come_before_its_password(self) -> None:
        plan = self.cases["user-reported"]["plan"]
        self.assertEqual([step["request"]["path"].partition("?")[0] for step in plan],
                         [f"/api/v1/users/00u1/{end}" for end in ("sessions", "lifecycle/reset_factors", "lifecycle/expire_password")])

    def test_ids_are_filled_in_and_it_is_told_how_many_are_affected_and_how_to_undo_it(self) -> None:
        (step,) = self.cases["idp-inactive"]["plan"]
        self.assertEqual((step["request"], step["affects"]), ({"method": "DELETE", "path": "/api/v1/idps/0oa1", "body": None}, 1))
        take, suspend = self.cases["dormant-admin"]["plan"]
        self.assertEqual(take["request"]["path"], "/api/v1/users/00u1/roles/ra1")
        self.assertEqual(take["undo"], 'POST /api/v1/users/00u1/roles {"type": "SUPER_ADMIN"}')
        self.assertIn("unsuspend", suspend["undo"])
        for case in self.cases.values():
            for step in case["plan"]:
                self.assertTrue(step["console"].startswith("https://acme-admin.okta.com/admin/"), step)
                self.assertTrue(step["undo"] and step["step"])
                self.assertTrue(step["request"] is None or is_known(step["request"]), step)

    def test_the_script_is_for_an_administrators_own_token_and_takes_no_word_of_the_org_as_a_command(self) -> None:
        script = checklist.script(self.cases["user-reported"])
        self.assertIn('"${OKTA_TOKEN:?', script)
        for line in script.splitlines():
            if not line.startswith("#"):
                self.assertNotIn("rm -rf", line)
        curls = [shlex.split(line.partition("| ")[2]) for line in script.splitlines() if "| curl" in line]
        self.assertEqual([words[words.index("--request") + 2] for words in curls][0], "https://acme.okta.com/api/v1/users/00u1/sessions?oauthTokens=true")
        self.assertFalse(any("SSWS" in word for words in curls for word in words))

    def test_a_finding_without_steps_of_its_own_has_what_it_says_at_the_objects_place(self) -> None:
        case = self.cases["idp-inactive"] | {"finding": "of-tomorrow", "do": "Look at it."}
        with duckdb.connect() as connection:
            connection.execute("create table current_idps as select 'idp1' as idp_id")
            for key, page in (("00u1", "user/profile/view/00u1"), ("idp1:x", "access/identity-providers/edit/idp1"), ("203.0.113.9", "dashboard")):
                (step,) = plan.Planner(connection, "https://acme.okta.com", []).with_plan(case | {"key": key})["plan"]
                self.assertEqual((step["step"], step["console"], step["request"]), ("Look at it.", f"https://acme-admin.okta.com/admin/{page}", None))

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
