"""The fleet: every branch of its state machine, against answers of the built function."""

import logging
import threading
import time
import unittest

from deploy.template import load
from deploy.tests.machine import ROUND, Fleet, answer, every_states
from deploy.tests.resources import ROOT, of_type

FLEET = load(ROOT / "fleet.yaml")
ENTERED = set()


def setUpModule():
    # moto tells of every path that a choice looks for in vain.
    logging.disable(logging.CRITICAL)


def tearDownModule():
    logging.disable(logging.NOTSET)


def soon(report):
    """A recorded report whose limit is lifted after a second."""
    return report | {"retry_after_seconds": 1}


class Rounds(unittest.TestCase):
    ran = set()

    def tearDown(self):
        self.ran.add(self._testMethodName)

    @classmethod
    def tearDownClass(cls):
        """After all of them no state may be left that none has entered."""
        if cls.ran == set(unittest.defaultTestLoader.getTestCaseNames(cls)):
            every = {name for states in every_states(ROUND["Definition"]) for name in states}
            assert every == ENTERED, f"never entered: {every - ENTERED}"

    def collect(self, fleet, **how):
        output, entered = fleet.round(**how)
        ENTERED.update(entered)
        return output, entered

    def test_every_tagged_secret_is_collected_once_and_no_other(self):
        with Fleet({"okta/a": ["succeeded"], "okta/b": ["succeeded"]}) as fleet:
            output, _ = self.collect(fleet)
            self.assertEqual(output, {"round": {"orgs": 2, "failed": [], "degraded": []}})
            self.assertEqual(sorted(name for name, _ in fleet.calls), ["okta/a", "okta/b"])
            self.assertTrue(all(event.keys() == {"mode", "secret_id"} for _, event in fleet.calls))
            self.assertEqual(fleet.notices(), [])

    def test_without_any_org_a_round_ends_well(self):
        with Fleet({}) as fleet:
            self.assertEqual(self.collect(fleet)[1][-1], "NoOrg")

    def test_an_org_that_would_get_further_goes_on_at_once(self):
        with Fleet({"okta/a": ["continue", "continue", "succeeded"], "okta/b": ["succeeded"]}) as fleet:
            output, entered = self.collect(fleet)
            self.assertEqual((fleet.runs_of("okta/a"), fleet.runs_of("okta/b")), (3, 1))
            self.assertIn("GoOn", entered)
            self.assertEqual(output["round"]["failed"], [])

    def test_an_org_with_very_much_to_read_makes_room_for_the_next_round(self):
        with Fleet({"okta/a": ["continue"]}) as fleet:
            self.collect(fleet)
            self.assertEqual(fleet.runs_of("okta/a"), 5)

    def test_a_limit_is_waited_for_unless_it_is_too_far_off(self):
        limited = answer("limited")
        self.assertGreater(limited["retry_after_seconds"], 0)
        far = limited | {"retry_after_seconds": 901}
        with Fleet({"okta/a": [soon(limited), "succeeded"], "okta/b": [far]}) as fleet:
            _, entered = self.collect(fleet)
            self.assertIn("WaitForTheLimit", entered)
            self.assertEqual((fleet.runs_of("okta/a"), fleet.runs_of("okta/b")), (2, 1))

    def test_what_passes_is_tried_again_and_what_wants_a_person_is_not(self):
        with Fleet({"okta/a": ["unreachable", "succeeded"], "okta/b": ["rejected"], "okta/c": ["throttled", "throttled", "succeeded"]}) as fleet:
            output, _ = self.collect(fleet)
            self.assertEqual([fleet.runs_of(f"okta/{name}") for name in "abc"], [2, 1, 3])
            self.assertEqual(len(output["round"]["failed"]), 1)
            self.assertRegex(output["round"]["failed"][0], r":secret:okta/b-\w+ \(CredentialsRejected\)$")

    def test_what_does_not_pass_is_given_up_after_three_times(self):
        with Fleet({"okta/a": ["unreachable"]}) as fleet:
            self.assertIn("(OktaUnreachable)", self.collect(fleet)[0]["round"]["failed"][0])
            self.assertEqual(fleet.runs_of("okta/a"), 3)

    def test_a_bad_secret_stops_nobody_and_the_summary_names_it(self):
        orgs = {"okta/a": ["rejected"], "okta/b": ["degraded"], "okta/c": ["not-found"], "okta/d": ["succeeded"]}
        with Fleet(orgs) as fleet:
            output, _ = self.collect(fleet, summary=True)
            self.assertEqual([fleet.runs_of(name) for name in orgs], [1, 1, 1, 1])
            self.assertEqual((output["round"]["orgs"], len(output["round"]["failed"]), len(output["round"]["degraded"])), (4, 2, 1))
            (notice,) = fleet.notices()
            for told in ("Of 4 orgs", "okta/a-", "CredentialsRejected", "okta/b-", "okta/c-", "SecretNotFound", "First: "):
                self.assertIn(told, notice["Message"])
            self.assertNotIn("okta/d-", notice["Message"])

    def test_without_trouble_or_outside_the_hour_of_the_summary_nobody_is_told(self):
        with Fleet({"okta/a": ["succeeded"]}) as fleet:
            self.collect(fleet, summary=True)
            self.assertEqual(fleet.notices(), [])
        with Fleet({"okta/a": ["rejected"]}) as fleet:
            self.collect(fleet)
            self.assertEqual(fleet.notices(), [])

    def test_secrets_of_several_pages_are_all_collected(self):
        with Fleet({f"okta/{number:03}": ["succeeded"] for number in range(120)}) as fleet:
            output, entered = self.collect(fleet, concurrency=4)
            self.assertEqual((output["round"]["orgs"], len({name for name, _ in fleet.calls})), (120, 120))
            self.assertEqual(entered.count("ListMore"), 2)

    def test_many_orgs_are_a_distributed_map(self):
        orgs = {"okta/a": ["continue", "succeeded"], "okta/b": ["rejected"], "okta/c": ["degraded"]}
        with Fleet(orgs, most_inline=2) as fleet:
            output, entered = self.collect(fleet)
            self.assertIn("EveryOrgOfMany", entered)
            self.assertEqual((output["round"]["orgs"], fleet.runs_of("okta/a")), (3, 2))
            self.assertEqual((len(output["round"]["failed"]), len(output["round"]["degraded"])), (1, 1))

    def test_a_round_that_finds_another_one_under_way_leaves_the_orgs_alone(self):
        with Fleet({"okta/a": ["succeeded"]}) as fleet:
            fleet.blocked = threading.Event()
            first = fleet.start()
            began = time.monotonic()
            while not fleet.calls and time.monotonic() - began < 20:
                time.sleep(0.05)
            _, entered = self.collect(fleet)
            self.assertEqual((entered[-1], fleet.runs_of("okta/a")), ("AnotherOneIsAtIt", 1))
            fleet.blocked.set()
            fleet.end(first)


class Definition(unittest.TestCase):
    def test_both_maps_do_the_same_for_an_org(self):
        states = ROUND["Definition"]["States"]
        few, many = ({key: value for key, value in states[name].items() if key != "Label"} for name in ("EveryOrg", "EveryOrgOfMany"))
        few, many = ({**one, "ItemProcessor": {**one["ItemProcessor"], "ProcessorConfig": None}} for one in (few, many))
        self.assertEqual(few, many)

    def test_only_the_collector_is_invoked_and_only_the_tag_opens_a_secret(self):
        (statement,) = [
            statement
            for statement in FLEET["Resources"]["RoundRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
            if statement.get("Resource") == "*"
        ]
        self.assertEqual(statement["Action"], "secretsmanager:ListSecrets")
        reading = load(ROOT / "template.yaml")["Resources"]["Role"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]
        condition, one, tagged = reading["Fn::If"]
        self.assertEqual((condition, one["Resource"]), ("NamesSecret", {"Ref": "SecretArn"}))
        self.assertEqual(tagged["Condition"], {"StringEquals": {"secretsmanager:ResourceTag/okta-authomize": "collect"}})

    def test_every_role_takes_the_permissions_boundary(self):
        for name, role in of_type(FLEET, "AWS::IAM::Role").items():
            self.assertEqual(role["Properties"]["PermissionsBoundary"]["Fn::If"][0], "HasBoundary", name)

    def test_every_parameter_that_is_handed_on_is_one_of_the_template(self):
        handed = FLEET["Resources"]["Collector"]["Properties"]["Parameters"]
        known = load(ROOT / "template.yaml")["Parameters"]
        self.assertEqual(handed.keys() - known.keys(), set())

    def test_the_choice_of_reserving_concurrency_is_that_of_the_template(self):
        handed = FLEET["Resources"]["Collector"]["Properties"]["Parameters"]
        self.assertEqual(handed["OneRunAtATime"], {"Ref": "OneRunAtATime"})
        ours, theirs = (template["Parameters"]["OneRunAtATime"] for template in (FLEET, load(ROOT / "template.yaml")))
        for key in ("Type", "Default", "AllowedValues"):
            self.assertEqual(ours[key], theirs[key], key)
        self.assertIn("new account", ours["Description"])

    def test_every_alarm_says_what_to_do_first(self):
        for name, alarm in of_type(FLEET, "AWS::CloudWatch::Alarm").items():
            self.assertIn(" First: ", alarm["Properties"]["AlarmDescription"], name)


if __name__ == "__main__":
    unittest.main()
