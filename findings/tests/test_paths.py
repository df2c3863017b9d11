"""The ways to super admin are those of an independent graph library, and what opened them is known."""

import json
import os
import unittest
from typing import Any

from findings import opengraph, paths, removals
from findings.tests import life, org
from findings.tests.life import HOUR, admin, e, gone, was
from findings.tests.stage import Stage

ORGS, MOMENTS = int(os.environ.get("PATH_ORGS", "5")), int(os.environ.get("PATH_MOMENTS", "4"))
HOLDER = was(
    "role_assignments",
    "0oabackup:ra9",
    {
        "principal_id": "0oabackup",
        "principal_type": "Client",
        "id": "ra9",
        "type": "SUPER_ADMIN",
        "label": "Super Administrator",
    },
)
APP = was(
    "applications",
    "0oabackup",
    {
        "id": "0oabackup",
        "label": "Backup",
        "status": "ACTIVE",
        "settings": {"oauthClient": {"application_type": "service"}},
        "credentials": {"oauthClient": {"client_id": "0oabackup", "token_endpoint_auth_method": "client_secret_basic"}},
    },
)


def person(name: str, status: str = "ACTIVE") -> Any:
    return was("users", f"00u{name}", {"id": f"00u{name}", "status": status, "profile": {"login": name}})


class Paths(unittest.TestCase):
    def test_they_are_as_long_as_those_of_networkx_in_random_orgs_at_random_moments(self) -> None:
        for seed in range(ORGS):
            company = org.Org(seed)
            for moment in range(MOMENTS):
                with self.subTest(seed=seed, moment=moment):
                    connection = org.staged(company.records).with_ways()
                    found = {
                        (id, goal): length
                        for id, goal, length in connection.execute(
                            "select principal_id, goal, length from ways"
                        ).fetchall()
                    }
                    self.assertEqual(found, org.lengths(company.records))
                for _ in range(4):
                    company.change()

    def test_each_step_leads_from_the_one_before_and_the_first_begins_at_the_principal(self) -> None:
        for seed in range(ORGS):
            for way in paths.ways(org.staged(org.Org(seed).records).with_ways()):
                ends = [way["principal"], *(edge["to"] for edge in way["edges"])]
                self.assertEqual([edge["from"] for edge in way["edges"]], ends[:-1])
                self.assertEqual((ends[-1], len(way["edges"])), (way["to"], way["length"]))

    def test_the_removals_close_every_way_but_those_of_super_admins_and_nothing_smaller_does(self) -> None:
        for seed in range(min(ORGS, 5)):
            connection = org.staged(org.Org(seed).records).with_ways()
            search = removals._Search(connection)
            found = removals.fewest(connection)
            self.assertEqual(search.open(frozenset(found.found)), [])
            for left_out in found.found if found.is_fewest else ():
                self.assertTrue(search.open(frozenset(found.found) - {left_out}), f"{seed}: {left_out} is not needed")

    def test_a_reader_of_a_secret_reaches_the_rights_of_the_app_with_record_age_and_last_use(self) -> None:
        acts = [
            person("ada"),
            APP,
            HOLDER,
            admin("ada", "READ_ONLY_ADMIN"),
            e("app.oauth2.client.read_client_secret", 0, "ada", [("AppInstance", "0oabackup", "Backup")]),
        ]
        (way,) = [way for way in paths.ways(life.staged(acts).with_ways()) if way["principal"] == "00uada"]
        self.assertEqual([edge["kind"] for edge in way["edges"]], ["reads_secret", "holds"])
        self.assertEqual(way["edges"][0]["last_used"], "2026-11-23T10:00:00.000Z")

    def test_a_member_is_one_by_rule_by_hand_or_by_import(self) -> None:
        acts = [
            was(
                "role_assignments",
                "00gops:ra1",
                {"principal_id": "00gops", "principal_type": "Group", "id": "ra1", "type": "SUPER_ADMIN"},
            ),
            was(
                "role_assignments",
                "00gad:ra2",
                {"principal_id": "00gad", "principal_type": "Group", "id": "ra2", "type": "SUPER_ADMIN"},
            ),
            was("groups", "00gops", {"id": "00gops", "type": "OKTA_GROUP"}),
            was("groups", "00gad", {"id": "00gad", "type": "APP_GROUP"}),
            *(person(name) for name in ("a", "b", "c", "d")),
            was("group_memberships", "00gops:00ua", {"group_id": "00gops", "user_id": "00ua", "rules": ["0pr1"]}),
            was("group_memberships", "00gops:00ub", {"group_id": "00gops", "user_id": "00ub", "rules": []}),
            was("group_memberships", "00gad:00uc", {"group_id": "00gad", "user_id": "00uc", "rules": []}),
            was("group_memberships", "00gops:00ud", {"group_id": "00gops", "user_id": "00ud"}),
        ]
        reasons = {
            way["principal"]: way["edges"][0]["reason"]
            for way in paths.ways(life.staged(acts).with_ways())
            if way["length"] == 2
        }
        self.assertEqual(
            [
                word in reasons[f"00u{name}"]
                for name, word in (("a", "rule"), ("b", "hand"), ("c", "import"), ("d", "hand"))
            ],
            [True] * 4,
        )

    def test_the_opener_of_a_way_is_shown_with_the_event_and_an_older_way_was_not_opened(self) -> None:
        grant = e(
            "app.oauth2.client.privilege.grant",
            0,
            "boss",
            [("AppInstance", "0oabackup", "Backup")],
            debug={"privilegeGranted": "Super administrator"},
            uuid="grant",
        )
        later = was(
            "role_assignments",
            "0oabackup:ra9",
            {"principal_id": "0oabackup", "principal_type": "Client", "id": "ra9", "type": "SUPER_ADMIN"},
            HOUR,
        )

        def caused(stage: Stage) -> None:
            stage.record(
                "role_assignments",
                "0oabackup:ra9",
                {"principal_id": "0oabackup", "principal_type": "Client", "id": "ra9", "type": "SUPER_ADMIN"},
                life.START,
                "grant",
            )

        known = [person("ada"), APP, admin("ada", "READ_ONLY_ADMIN")]
        (opened,) = life.staged([*known, grant, caused]).ask(["path-opened"])["path-opened"]
        self.assertEqual((opened.id, opened.evidence, opened.name), ("grant", ("grant",), "boss@acme.example"))
        self.assertEqual(life.staged([*known, HOLDER, grant, later]).ask(["path-opened"]), {})

    def test_users_who_cannot_sign_in_and_removed_objects_are_on_no_way(self) -> None:
        acts = [
            person("ada", "SUSPENDED"),
            admin("ada"),
            person("grace"),
            admin("grace"),
            gone("role_assignments", "00ugrace:ragraceSUPER_ADMIN", HOUR),
        ]
        self.assertEqual(paths.ways(life.staged(acts).with_ways()), [])


class OpenGraph(unittest.TestCase):
    def test_each_edge_begins_and_ends_at_a_node_and_each_node_has_a_name_and_plain_properties(self) -> None:
        for seed in range(3):
            connection = org.staged(org.Org(seed).records).with_ways(
                " ".join([*opengraph.NODES.values(), *opengraph.EDGES.values()])
            )
            told = json.loads("".join(opengraph.text(connection, "https://acme.okta.com")))
            nodes = {node["id"]: node for node in told["graph"]["nodes"]}
            self.assertEqual(len(nodes), len(told["graph"]["nodes"]))
            self.assertEqual(told["metadata"], {"source_kind": "Okta"})
            for node in nodes.values():
                self.assertTrue(node["properties"]["name"] and len(node["kinds"]) <= 3 and node["kinds"][1] == "Okta")
                self.assertFalse([value for value in node["properties"].values() if isinstance(value, dict)])
            for edge in told["graph"]["edges"]:
                self.assertLessEqual({edge["start"]["value"], edge["end"]["value"]}, nodes.keys(), edge)

    def test_a_saved_search_for_roles_goes_from_a_holder_by_the_assignment_to_its_scope(self) -> None:
        connection = life.staged([person("ada"), admin("ada", "SUPER_ADMIN")]).with_ways(
            " ".join([*opengraph.NODES.values(), *opengraph.EDGES.values()])
        )
        edges = {
            (edge["kind"], edge["start"]["value"], edge["end"]["value"])
            for edge in json.loads("".join(opengraph.text(connection, "https://acme.okta.com")))["graph"]["edges"]
        }
        assignment = "00uada:raadaSUPER_ADMIN"
        self.assertLessEqual(
            {
                ("Okta_HasRoleAssignment", "00uada", assignment),
                ("Okta_ScopedTo", assignment, "acme.okta.com"),
                ("Okta_SuperAdmin", "00uada", "acme.okta.com"),
                ("Okta_Contains", "acme.okta.com", "00uada"),
            },
            edges,
        )
