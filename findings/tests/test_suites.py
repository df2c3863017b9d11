"""What is derived from rules of other makers, by rules that are made up here."""

import unittest

import tomli

from findings import catalog
from findings.suites import conditions, derived
from findings.suites.__main__ import TABLE
from findings.suites.conditions import NotRead
from findings.suites.scenes import SCENES


class Suites(unittest.TestCase):
    def test_each_row_of_the_table_names_findings_or_a_reason_and_each_scene_is_played(self) -> None:
        known = {finding.id for finding in catalog.findings()}
        rows = [row for suite in tomli.loads(TABLE.read_text()).values() for row in suite.values()]
        for row in rows:
            self.assertEqual("by" in row, "left" not in row, row)
            self.assertLessEqual(set(row.get("by", ())), known, row)
        self.assertEqual({row["scene"] for row in rows if "scene" in row}, SCENES.keys())

    def test_oktas_filters_become_an_event_for_each_way_to_fulfil_them(self) -> None:
        tree = conditions.okta(
            '(eventType eq "a.b" OR eventType in ["c.d", "e.f"]) and debugContext.debugData.x co "y" and not (actor.id eq "z")'
        )
        events = derived.events(tree)
        self.assertEqual([event["eventType"] for event in events], ["a.b", "c.d", "e.f"])
        self.assertTrue(
            all(event["debugContext"]["debugData"]["x"] == "y" and event["actor"]["id"] != "z" for event in events)
        )
        self.assertEqual([event["actor"]["id"] for event in derived.near(tree)], ["z"])

    def test_elastics_kql_becomes_the_same(self) -> None:
        tree = conditions.kuery(
            'data_stream.dataset: okta.system\n and event.action:("a.b" or c.d) and not okta.actor.display_name: (Bot* or Agent) and okta.outcome.reason: more words'
        )
        events = derived.events(tree)
        self.assertEqual([event["eventType"] for event in events], ["a.b", "c.d"])
        self.assertEqual(events[0]["outcome"]["reason"], "more words")
        self.assertEqual([event["actor"]["displayName"] for event in derived.near(tree)], ["Bot", "Agent"])

    def test_another_notation_is_an_error(self) -> None:
        for read, text in (
            (conditions.okta, 'eventType like "a"'),
            (conditions.okta, '(eventType eq "a"'),
            (conditions.kuery, "event.action:(a or"),
            (conditions.okta, 'eventType eq "a" "b"'),
        ):
            with self.assertRaises(NotRead):
                read(text)
