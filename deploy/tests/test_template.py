"""The template, as governed accounts ask for it."""

import json
import re
import unittest
from collections.abc import Iterator
from typing import Any

from deploy.template import load
from deploy.tests.resources import ROOT, of_type

HOURS_PER_DAY = 24
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudwatch-alarm.html
LONGEST_DESCRIPTION = 1024
TEMPLATE, FLEET = load(ROOT / "template.yaml"), load(ROOT / "fleet.yaml")
ROLES = of_type(TEMPLATE, "AWS::IAM::Role")
FUNCTIONS = of_type(TEMPLATE, "AWS::Serverless::Function")
ALARMS = of_type(TEMPLATE, "AWS::CloudWatch::Alarm")


def statements(role) -> Iterator[Any]:
    """Every statement of a role's policies, those under a condition included."""
    for policy in role["Properties"]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            yield from (
                [one for one in statement["Fn::If"][1:] if "Sid" in one] if "Fn::If" in statement else [statement]
            )


class GovernedAccounts(unittest.TestCase):
    def test_every_role_takes_the_permissions_boundary(self) -> None:
        self.assertGreaterEqual(len(ROLES), 3)
        for name, role in ROLES.items():
            boundary = role["Properties"].get("PermissionsBoundary")
            self.assertEqual(
                boundary, {"Fn::If": ["HasBoundary", {"Ref": "PermissionsBoundaryArn"}, {"Ref": "AWS::NoValue"}]}, name
            )

    def test_every_function_joins_the_subnets_and_its_role_lets_it(self) -> None:
        self.assertEqual(len(FUNCTIONS), 3)
        for name, function in FUNCTIONS.items():
            properties = function["Properties"]
            self.assertEqual(properties["VpcConfig"]["Fn::If"][0], "InVpc", name)
            self.assertEqual(properties["Architectures"], [{"Ref": "Architecture"}], name)
            sids = [statement["Sid"] for statement in statements(ROLES[properties["Role"]["Fn::GetAtt"][0]])]
            self.assertIn("JoinTheSubnets", sids, name)
            self.assertIn("ButNotFromWithin", sids, name)

    def test_only_actions_without_a_resource_are_allowed_on_all(self) -> None:
        for name, role in ROLES.items():
            for statement in statements(role):
                if statement["Effect"] == "Allow" and statement["Resource"] == "*":
                    actions = statement["Action"]
                    self.assertTrue(all(action.startswith("ec2:") for action in actions), f"{name}: {actions}")

    def test_a_reader_has_to_name_an_external_id(self) -> None:
        trust = ROLES["ReaderRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
        self.assertEqual(trust["Condition"], {"StringEquals": {"sts:ExternalId": {"Ref": "ReaderExternalId"}}})
        pattern = TEMPLATE["Parameters"]["ReaderExternalId"]["AllowedPattern"]
        self.assertIsNone(re.fullmatch(pattern.strip("^$"), "too-short"))
        self.assertIn("AReaderNamesAnExternalId", TEMPLATE["Rules"])

    def test_manifests_are_neither_overwritten_nor_deleted_nor_do_their_versions_expire(self) -> None:
        denied = {
            statement["Sid"]: statement
            for statement in TEMPLATE["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        }
        manifests = {"Fn::Sub": "${Bucket.Arn}/${Prefix}/manifests/*"}
        for sid in ("ManifestsAreCreatedOnce", "ManifestsAreNeverDeleted"):
            self.assertEqual((denied[sid]["Effect"], denied[sid]["Resource"]), ("Deny", manifests), sid)
        for rule in TEMPLATE["Resources"]["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]:
            begins = rule.get("Prefix", {}).get("Fn::Sub", "")
            if rule.keys() - {"Id", "Status", "Prefix", "AbortIncompleteMultipartUpload"}:
                self.assertTrue(begins.startswith("${Prefix}/") and begins != "${Prefix}/", rule)
                self.assertNotIn("manifests", begins)

    def test_new_manifests_are_events(self) -> None:
        told = TEMPLATE["Resources"]["Bucket"]["Properties"]["NotificationConfiguration"]
        self.assertEqual(told, {"EventBridgeConfiguration": {"EventBridgeEnabled": True}})


class Retention(unittest.TestCase):
    """The newest state of a stream outlives every reading that replaces it, and an alarm comes before its end."""

    def days_allowed(self, name) -> list[Any]:
        pattern = TEMPLATE["Parameters"][name]["AllowedPattern"]
        return [days for days in range(10_000) if re.fullmatch(pattern.strip("^$"), str(days))]

    def hours_allowed(self, parameter) -> list[Any]:
        bounds = [rule["Assert"]["Fn::Contains"] for rule in TEMPLATE["Rules"]["WhatExpiresIsReadInTime"]["Assertions"]]
        (values,) = [values for values, asked in bounds if asked == {"Ref": parameter}]
        return [int(value) for value in values]

    def test_entities_are_kept_for_ever_or_thirty_days_and_events_for_four_hundred(self) -> None:
        entities, events = self.days_allowed("DataExpirationDays"), self.days_allowed("EventExpirationDays")
        self.assertEqual(entities, [0, *range(30, 10_000)])
        self.assertEqual(events, [0, *range(7, 10_000)])
        self.assertEqual(TEMPLATE["Parameters"]["DataExpirationDays"]["Default"], "0")
        self.assertEqual(TEMPLATE["Parameters"]["EventExpirationDays"]["Default"], "400")

    def test_a_state_that_expires_is_read_three_more_times_before(self) -> None:
        shortest = min(days for days in self.days_allowed("DataExpirationDays") if days)
        for parameter in ("FullSyncIntervalHours", "FactorsIntervalHours"):
            hours = self.hours_allowed(parameter)
            self.assertIn(int(TEMPLATE["Parameters"][parameter]["Default"]), hours)
            self.assertLessEqual(4 * max(hours), shortest * HOURS_PER_DAY, parameter)

    def test_one_retention_rule_alone_applies_to_each_object(self) -> None:
        begins = [
            rule["Prefix"]["Fn::Sub"]
            for rule in TEMPLATE["Resources"]["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
            if "ExpirationInDays" in rule
        ]
        self.assertEqual(len(begins), len(set(begins)))
        for one in begins:
            self.assertRegex(one, r"^\$\{Prefix\}/(data/[a-z_]+|tables/activity|ledgers)/$")


# Functions that CloudFormation takes within Rules; nobody warns of others.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-rules.html
IN_RULES = {"Ref", "Fn::And", "Fn::Contains", "Fn::Equals", "Fn::If", "Fn::Not", "Fn::Or"}


def functions(value) -> Iterator[Any]:
    if isinstance(value, dict):
        for name, inside in value.items():
            if name == "Ref" or name.startswith("Fn::"):
                yield name
            yield from functions(inside)
    elif isinstance(value, list):
        for inside in value:
            yield from functions(inside)


class Rules(unittest.TestCase):
    def test_they_use_no_function_that_cloudformation_refuses_there(self) -> None:
        self.assertEqual(set(functions(TEMPLATE["Rules"])) - IN_RULES, set())

    def test_one_org_has_a_secret_and_a_fleet_is_not_bound_to_one_integration(self) -> None:
        self.assertLessEqual({"OneOrgNamesItsSecret", "AFleetHasManyIntegrations"}, TEMPLATE["Rules"].keys())


class Outputs(unittest.TestCase):
    """Each function is named, by the stack of one org and by a fleet: the programs of deploy/ ask for these."""

    def test_both_functions_are_named_and_the_loader_only_where_it_is(self) -> None:
        outputs, fleet = TEMPLATE["Outputs"], FLEET["Outputs"]
        self.assertEqual(
            (outputs["FunctionName"]["Value"], outputs["LoaderName"]["Value"]), ({"Ref": "Function"}, {"Ref": "Loader"})
        )
        self.assertEqual(outputs["LoaderName"]["Condition"], TEMPLATE["Resources"]["Loader"]["Condition"])
        self.assertEqual(fleet["LoaderName"]["Condition"], "Loads")
        # OwnsBucket and a secret, there by a name.
        self.assertEqual(FLEET["Conditions"]["Loads"], TEMPLATE["Conditions"]["Loads"])

    def test_a_fleet_has_the_outputs_that_commands_ask_for(self) -> None:
        for name in ("FunctionName", "BucketName", "Status", "Log", "LoaderName"):
            self.assertIn(name, TEMPLATE["Outputs"])
            self.assertEqual(FLEET["Outputs"][name]["Value"], {"Fn::GetAtt": ["Collector", f"Outputs.{name}"]})


class Alarms(unittest.TestCase):
    def descriptions(self) -> Iterator[tuple[Any, Any]]:
        for template in (TEMPLATE, FLEET):
            for name, alarm in of_type(template, "AWS::CloudWatch::Alarm").items():
                yield name, alarm["Properties"]["AlarmDescription"]

    def test_every_alarm_says_where_to_go_on_reading_and_is_no_longer_than_cloudwatch_takes(self) -> None:
        self.assertIn("\n## At an alarm\n", (ROOT / "docs/operations.md").read_text(encoding="utf-8"))
        for name, text in self.descriptions():
            self.assertTrue(text.endswith("docs/operations.md, At an alarm."), name)
            self.assertLessEqual(len(text), LONGEST_DESCRIPTION, name)

    def test_every_command_that_an_alarm_names_can_be_given(self) -> None:
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        events = []
        for name, text in self.descriptions():
            for target in re.findall(r"\bmake ([a-z]+)", text):
                self.assertIn(f"\n{target}:", makefile, name)
            events += [json.loads(event) for event in re.findall(r"EVENT='([^']+)'", text)]
        self.assertIn({"accept_shrink": ["users"]}, events)
        self.assertIn({"integration": "okta", "accept_shrink": True}, events)

    def test_every_alarm_tells_when_it_is_over_as_well(self) -> None:
        for name, alarm in ALARMS.items():
            properties = alarm["Properties"]
            self.assertEqual(properties["AlarmActions"], properties["OKActions"], name)


if __name__ == "__main__":
    unittest.main()
