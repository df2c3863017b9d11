"""The fleet: its rounds in AWS on this machine, with lines that the built function wrote, and a simulated week of 500 orgs."""

import contextlib
import io
import json
import time
import unittest
from typing import Any
from unittest.mock import patch

import boto3
from moto import mock_aws

from deploy import inline, roster
from deploy.estimates import fleet as simulated
from deploy.estimates.costs import METRICS
from deploy.iam import Role
from deploy.resolve import Resolver
from deploy.template import load
from deploy.tests.recorded import ENVIRONMENT, line
from deploy.tests.resources import ROOT, of_type

FLEET, TEMPLATE = load(ROOT / "fleet.yaml"), load(ROOT / "template.yaml")
COLLECT = {"Key": "okta-authomize", "Value": "collect"}
LOG = "/aws/lambda/collector"
# Secrets Manager's filters take every beginning, and do not hold key and value together.
LOOKALIKES = {
    "another/value": [{"Key": "okta-authomize", "Value": "collect-paused"}],
    "another/key": [{"Key": "okta-authomize-old", "Value": "collect"}],
    "both/apart": [{"Key": "okta-authomize", "Value": "off"}, {"Key": "purpose", "Value": "collect"}],
    "another/case": [{"Key": "Okta-Authomize", "Value": "collect"}],
    "no/tag": [],
}


class InAws(unittest.TestCase):
    def setUp(self) -> None:
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        stack.enter_context(patch.dict("os.environ", ENVIRONMENT))
        stack.enter_context(mock_aws())
        self.secrets, self.logs, self.sqs = (boto3.client(name) for name in ("secretsmanager", "logs", "sqs"))
        topic = boto3.client("sns").create_topic(Name="alarms")["TopicArn"]
        self.inbox = self.sqs.create_queue(QueueName="inbox")["QueueUrl"]
        boto3.client("sns").subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:inbox"
        )
        queue = TEMPLATE["Resources"]["OrgQueue"]["Properties"]
        attributes = {
            name: str(queue[name]).lower() for name in ("FifoQueue", "VisibilityTimeout", "MessageRetentionPeriod")
        }
        self.queue = self.sqs.create_queue(QueueName="orgs.fifo", Attributes=attributes)["QueueUrl"]
        self.logs.create_log_group(logGroupName=LOG)
        self.logs.create_log_stream(logGroupName=LOG, logStreamName="one")
        self.now = time.time()
        self.settings = {
            "QUEUE_URL": self.queue,
            "LOG_GROUP": LOG,
            "STACK_NAME": "okta-fleet",
            "SCHEDULE_MINUTES": "15",
            "DATA_EXPIRES": "true",
            "TOPIC_ARN": topic,
        }

    def add(self, *names, tags=(COLLECT,)) -> list[Any]:
        """New secrets; their ARNs."""
        return [self.secrets.create_secret(Name=name, SecretString="{}", Tags=list(tags))["ARN"] for name in names]

    def round(self, kind="orgs", after_s=0, **event) -> Any:
        """One round, so many seconds from now; its numbers and what it printed."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            gauges = roster.run({"round": kind, **event}, boto3.client, self.settings, self.now + after_s)
        self.printed = printed.getvalue()
        return gauges

    def ran(self, secret, name, after_s=0, **members) -> None:
        """A run of an org has written a line of this kind."""
        text = json.dumps(line(name) | {"secret": secret} | members)
        event = {"timestamp": int((self.now + after_s) * 1_000), "message": text}
        self.logs.put_log_events(logGroupName=LOG, logStreamName="one", logEvents=[event])

    def messages(self) -> Any:
        """The messages in the queue, each taken and done with."""
        found = []
        while batch := self.sqs.receive_message(
            QueueUrl=self.queue, MaxNumberOfMessages=10, AttributeNames=["MessageGroupId"]
        ).get("Messages"):
            for one in batch:
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=one["ReceiptHandle"])
                found.append((json.loads(one["Body"])["secret_id"], one["Attributes"]["MessageGroupId"]))
        return found

    def notices(self) -> list[Any]:
        told = self.sqs.receive_message(QueueUrl=self.inbox, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in told]


class Rounds(InAws):
    def test_every_tagged_secret_has_a_message_in_a_group_of_its_own_and_no_other(self) -> None:
        for name, tags in LOOKALIKES.items():
            self.add(name, tags=tags)
        wanted = self.add("okta/a", "okta/b")
        (gone,) = self.add("okta/deleted")
        self.secrets.delete_secret(SecretId=gone)
        self.assertEqual(self.round()["orgs"], 2)
        messages = self.messages()
        self.assertEqual(sorted(secret for secret, _ in messages), sorted(wanted))
        self.assertEqual(len({group for _, group in messages}), 2)

    def test_a_filter_that_gives_more_than_was_asked_for_is_not_believed(self) -> None:
        for name, tags in LOOKALIKES.items():
            self.add(name, tags=tags)
        every = self.secrets.list_secrets()["SecretList"]
        pages = type("Pages", (), {"paginate": lambda self, **_: [{"SecretList": every}]})()
        with patch.object(self.secrets, "get_paginator", return_value=pages):
            clients = {"secretsmanager": self.secrets, "sqs": self.sqs}
            self.assertEqual(roster.Round(clients.get, self.settings, self.now).orgs(), {})

    def test_the_same_round_again_sends_nothing_and_the_next_one_does(self) -> None:
        self.add("okta/a")
        self.round(at="2026-11-27T09:00:00Z")
        self.round(at="2026-11-27T09:00:04Z")
        self.assertEqual(len(self.messages()), 1)
        self.round(at="2026-11-27T09:15:00Z")
        self.assertEqual(len(self.messages()), 1)

    def test_640_orgs_with_49_more_tags_each_are_all_sent(self) -> None:
        tags = [*({"Key": f"tag-{n:02}", "Value": "x" * 200} for n in range(49)), COLLECT]
        wanted = self.add(*(f"okta/{n:03}" for n in range(640)), tags=tags)
        self.assertEqual(self.round()["orgs"], 640)
        self.assertEqual(sorted(secret for secret, _ in self.messages()), sorted(wanted))

    def test_without_any_org_a_round_says_so_aloud(self) -> None:
        self.assertEqual(self.round()["orgs"], 0)
        told = json.loads(self.printed)
        directive = told["_aws"]["CloudWatchMetrics"][0]
        self.assertEqual((told["orgs"], told["stack"], directive["Dimensions"]), (0, "okta-fleet", [["stack"]]))
        self.assertEqual([metric["Name"] for metric in directive["Metrics"]], [name for name, _ in roster.GAUGES])

    def test_a_message_that_the_queue_does_not_take_ends_the_round_as_an_error(self) -> None:
        self.add("okta/a")
        failed = {"Failed": [{"Id": "0", "Code": "InternalError", "Message": "again"}]}
        with patch.object(self.sqs, "send_message_batch", return_value=failed):
            with self.assertRaisesRegex(RuntimeError, "1 messages: InternalError"):
                roster.run({}, lambda name: {"sqs": self.sqs}.get(name) or boto3.client(name), self.settings, self.now)

    def test_orgs_are_sent_although_the_log_cannot_be_read(self) -> None:
        self.add("okta/a")
        self.settings["LOG_GROUP"] = "no-such-group"
        with self.assertRaises(self.logs.exceptions.ResourceNotFoundException):
            self.round()
        self.assertEqual(len(self.messages()), 1)

    def test_where_rounds_are_rare_orgs_that_would_get_further_go_on_between_them(self) -> None:
        more, soon, late, well = self.add("okta/more", "okta/soon", "okta/late", "okta/well")
        self.ran(more, "fleet-continue")
        self.ran(soon, "fleet-limited", retry_after_seconds=60)
        self.ran(late, "fleet-limited", retry_after_seconds=1_200)
        self.ran(well, "fleet-well")
        self.round("unfinished", after_s=900)
        self.assertEqual(self.messages(), [], "at 15 minutes the next round is there by then")
        self.settings["SCHEDULE_MINUTES"] = "60"
        self.round("unfinished", after_s=900)
        self.assertEqual(sorted(secret for secret, _ in self.messages()), sorted([more, soon]))


class Numbers(InAws):
    def test_an_org_that_was_not_run_for_three_intervals_is_counted_and_named(self) -> None:
        well, quiet, new = self.add("okta/well", "okta/quiet", "okta/new")
        self.assertEqual(self.round()["orgs_not_run"], 0, "a new org has three intervals to begin with")
        for minutes in (0, 15, 30, 45):
            self.ran(well, "fleet-well", 60 * minutes)
        self.ran(new, "fleet-well", 60 * 40)
        self.ran(quiet, "fleet-well")
        first, later, much_later = (self.round(after_s=60 * minutes) for minutes in (47, 49, 80))
        self.assertEqual((first["orgs_not_run"], later["orgs_not_run"], later["orgs_newly_not_run"]), (0, 1, 1))
        self.assertEqual((much_later["orgs_newly_not_run"], later["oldest_run_seconds"] // 60), (0, 49))
        self.round("summary", after_s=60 * 49)
        (notice,) = self.notices()
        self.assertIn("okta/quiet: not run for 49 min", notice["Message"])
        self.assertNotIn("okta/well", notice["Message"])

    def test_an_org_is_sick_three_hours_after_its_last_good_run_and_news_for_two_rounds(self) -> None:
        (sick,) = self.add("okta/sick")
        hours = {2.9: (0, 0), 3.1: (1, 1), 3.4: (1, 1), 3.6: (1, 0), 90: (1, 0)}
        for number, (age, expected) in enumerate(hours.items()):
            self.ran(sick, "unavailable", number, freshness_seconds=int(age * 3_600))
            told = self.round(after_s=number)
            self.assertEqual((told["orgs_sick"], told["orgs_newly_sick"]), expected, age)

    def test_runs_that_are_merely_cut_short_are_given_a_day_and_a_loader_three_hours(self) -> None:
        (org,) = self.add("okta/a")
        kinds = [
            ("fleet-continue", {"freshness_seconds": 20 * 3_600}, 0),
            ("fleet-continue", {"freshness_seconds": 25 * 3_600}, 1),
            ("fleet-well", {"load_lag_seconds": 3_000}, 0),
            ("fleet-well", {"load_lag_seconds": 4 * 3_600}, 1),
            ("fleet-well", {"state_age_seconds": 13 * 86_400}, 0),
            ("fleet-well", {"state_age_seconds": 14 * 86_400}, 1),
        ]
        for number, (name, members, expected) in enumerate(kinds):
            self.ran(org, name, number, **members)
            self.assertEqual(self.round(after_s=number)["orgs_sick"], expected, (name, members))
        self.settings["DATA_EXPIRES"] = "false"
        self.assertEqual(self.round(after_s=9)["orgs_sick"], 0)

    def test_the_summary_names_every_org_in_trouble_with_its_reason_and_no_other(self) -> None:
        names = ("okta/rejected", "okta/missing", "okta/weak", "okta/held", "okta/well")
        rejected, missing, weak, held, well = self.add(*names)
        self.ran(rejected, "fleet-rejected", freshness_seconds=9 * 3_600)
        # It was never well: it counts from when the secret was last written.
        self.ran(missing, "fleet-not-found")
        self.ran(weak, "unavailable", freshness_seconds=72 * 3_600)
        self.ran(held, "held", freshness_seconds=10_800)
        self.ran(well, "fleet-well")
        there = roster.Round(boto3.client, self.settings, self.now).orgs()
        four_hours_ago = {org: (name, since - 4 * 3_600) for org, (name, since) in there.items()}
        with patch.object(roster.Round, "orgs", return_value=four_hours_ago):
            self.round("summary", after_s=60)
        (notice,) = self.notices()
        self.assertEqual(notice["Subject"], "Okta orgs in trouble: 4 of 5")
        for told in (
            "okta/rejected: not well for 9 h: CredentialsRejected",
            "okta/missing: not well for 4 h: SecretNotFound",
            "idps unavailable",
            "users held",
        ):
            self.assertIn(told, notice["Message"])
        self.assertNotIn("okta/well", notice["Message"])
        self.assertIn("First: ", notice["Message"])

    def test_without_trouble_nobody_is_told_and_a_very_long_list_is_cut(self) -> None:
        (org,) = self.add("okta/a")
        self.ran(org, "fleet-well")
        self.round("summary")
        self.assertEqual(self.notices(), [])
        words = {f"okta/{n:04}": ["not run for 60 min"] for n in range(2_000)}
        roster.Round(boto3.client, self.settings, self.now).publish({"orgs": 2_000}, words)
        (notice,) = self.notices()
        self.assertLess(len(notice["Message"]), 200_000)
        self.assertIn("and 1500 more", notice["Message"])

    def test_lines_of_others_and_lines_that_are_none_cost_nothing(self) -> None:
        self.add("okta/a")
        for text in (
            "{",
            "[]",
            "plain text",
            '{"message": "metrics"}',
            '{"message": "metrics", "secret": ["a"]}'.replace('["a"]', '"okta/other"'),
        ):
            event = {"timestamp": int(self.now * 1_000), "message": text}
            self.logs.put_log_events(logGroupName=LOG, logStreamName="one", logEvents=[event])
        self.ran("okta/a", "fleet-well", 1)
        self.assertEqual(self.round(after_s=3_000)["oldest_run_seconds"], 2_999)


class Enforced(InAws):
    """The rounds with the role of fleet.yaml, which is enforced at every call."""

    def setUp(self) -> None:
        super().setUp()
        self.topic = self.settings["TOPIC_ARN"]
        names = {
            "Collector.Outputs.OrgQueueArn": "arn:aws:sqs:us-east-1:123456789012:orgs.fifo",
            "Collector.Outputs.LogArn": f"arn:aws:logs:us-east-1:123456789012:log-group:{LOG}:*",
        }
        resources = Resolver(FLEET, {"AlarmTopicArn": self.topic}, names).resources()
        self.role = Role(resources, "RosterRole")

    def client(self, service) -> Any:
        client = boto3.client(service)
        resource = {
            "secretsmanager": "*",
            "sqs": "arn:aws:sqs:us-east-1:123456789012:orgs.fifo",
            "logs": f"arn:aws:logs:us-east-1:123456789012:log-group:{LOG}:*",
            "sns": self.topic,
        }[service]

        def decide(model, **_) -> None:
            action = f"{service}:{model.name.removesuffix('Batch')}"
            if not self.role.allows(action, resource):
                raise PermissionError(action)

        client.meta.events.register(f"before-call.{service}", decide)
        return client

    def test_a_round_needs_every_statement_of_its_role_and_nothing_beside(self) -> None:
        (org,) = self.add("okta/a")
        self.ran(org, "unavailable", freshness_seconds=72 * 3_600)
        with contextlib.redirect_stdout(io.StringIO()):
            for kind in ("orgs", "summary"):
                roster.run({"round": kind}, self.client, self.settings, self.now + 1)
        self.assertEqual(self.role.refused, [])
        self.assertEqual(self.role.used, {"ListSecrets", "SendTheOrgs", "ReadHowRunsEnded", "SendTheSummary"})
        self.assertEqual({one["Sid"] for one in self.role.statements} - self.role.used, {"WriteItsOwnLog"})

    def test_other_actions_are_refused(self) -> None:
        (org,) = self.add("okta/a")
        with self.assertRaises(PermissionError):
            self.client("secretsmanager").get_secret_value(SecretId=org)


class Simulated(unittest.TestCase):
    """The rounds, the queue and the alarms, with time that passes."""

    def test_500_new_orgs_that_all_wait_for_limits_are_all_run_in_every_interval(self) -> None:
        fleet = simulated.newcomers().go(0.25)
        orgs = list(fleet.orgs.values())
        self.assertLess(max(org.began[0] for org in orgs) - simulated.START, 60)
        self.assertLessEqual(simulated.intervals(orgs)[-1], 15 * 60 + 1)

    def test_the_runs_of_an_org_never_overlap_however_short_the_interval(self) -> None:
        orgs = [simulated.Org("okta/long", work_s=7_200), *simulated.healthy(20)]
        simulated.Fleet(orgs, minutes=2).go(0.1)
        self.assertGreaterEqual(simulated.intervals(orgs[:1], ends=7_000)[0], simulated.LONG)
        self.assertLessEqual(simulated.intervals(orgs[:1], ends=7_000)[-1], simulated.LONG + 120)
        self.assertLessEqual(simulated.intervals(orgs[1:])[-1], 2 * 60 + 5)

    def test_a_fleet_whose_rounds_are_rare_still_goes_on_with_unfinished_runs(self) -> None:
        orgs = [simulated.Org("okta/long", work_s=7_200), *simulated.healthy(3)]
        simulated.Fleet(orgs, minutes=60).go(0.2)
        self.assertLessEqual(simulated.intervals(orgs[:1], ends=7_000)[-1], 1_800)
        self.assertGreaterEqual(simulated.intervals(orgs[1:])[0], 3_599)


class Definition(unittest.TestCase):
    def test_the_generated_parts_of_fleet_yaml_equal_their_sources(self) -> None:
        there, made = inline.current()
        self.assertTrue(there == made, "python -m deploy.inline writes fleet.yaml anew")

    def test_every_parameter_of_the_template_is_handed_on_or_is_the_fleets_own(self) -> None:
        handed = FLEET["Resources"]["Collector"]["Properties"]["Parameters"]
        self.assertEqual(TEMPLATE["Parameters"].keys() - handed.keys(), set(inline.OWN) - {"Fleet", "MetricsBy"})
        self.assertEqual(handed.keys() - TEMPLATE["Parameters"].keys(), set())
        for name in handed.keys() - set(inline.OWN):
            self.assertEqual(FLEET["Parameters"][name], TEMPLATE["Parameters"][name], name)
            self.assertEqual(
                handed[name].get(
                    "Ref", handed[name].get("Fn::Join", ["", {}])[1].get("Ref") if "Ref" not in handed[name] else None
                ),
                name,
            )

    def test_the_queue_keeps_a_message_no_longer_than_it_hides_it_and_hides_it_longer_than_a_run(self) -> None:
        queue, function = (TEMPLATE["Resources"][name]["Properties"] for name in ("OrgQueue", "Function"))
        self.assertTrue(queue["FifoQueue"])
        self.assertGreater(queue["VisibilityTimeout"], function["Timeout"])
        self.assertGreater(queue["VisibilityTimeout"], queue["MessageRetentionPeriod"])
        self.assertEqual(queue["VisibilityTimeout"], roster.LONGEST_RUN_S)
        self.assertEqual(TEMPLATE["Resources"]["OrgSource"]["Properties"]["BatchSize"], 1)

    def test_only_the_tag_opens_a_secret_and_rounds_may_list_and_send_alone(self) -> None:
        actions = set()
        for policy in FLEET["Resources"]["RosterRole"]["Properties"]["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                statement = statement.get("Fn::If", [None, statement])[1]
                if statement["Effect"] == "Allow" and statement["Resource"] == "*":
                    actions |= set(
                        [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
                    )
        self.assertEqual(
            {action for action in actions if not action.startswith("ec2:")}, {"secretsmanager:ListSecrets"}
        )
        reading = TEMPLATE["Resources"]["Role"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]
        condition, one, tagged = reading["Fn::If"]
        self.assertEqual((condition, one["Resource"]), ("NamesSecret", {"Ref": "SecretArn"}))
        self.assertEqual(
            tagged["Condition"], {"StringEquals": {"secretsmanager:ResourceTag/okta-authomize": "collect"}}
        )

    def test_every_role_takes_the_permissions_boundary(self) -> None:
        for name, role in of_type(FLEET, "AWS::IAM::Role").items():
            self.assertEqual(role["Properties"]["PermissionsBoundary"]["Fn::If"][0], "HasBoundary", name)

    def test_every_alarm_begins_with_a_first_step_and_no_alarm_of_one_org_is_in_a_fleet(self) -> None:
        for name, alarm in of_type(FLEET, "AWS::CloudWatch::Alarm").items():
            self.assertIn(" First: ", alarm["Properties"]["AlarmDescription"], name)
        of_orgs = {
            name
            for name, alarm in of_type(TEMPLATE, "AWS::CloudWatch::Alarm").items()
            if "stack" in str(alarm["Properties"].get("Dimensions"))
        }
        self.assertEqual(len(of_orgs), 9)
        for name in of_orgs:
            self.assertIn(TEMPLATE["Resources"][name]["Condition"], ("IsOneOrg", "DataOfOneOrgExpires"), name)

    def test_alarms_use_the_metrics_that_rounds_write(self) -> None:
        known = {name for name, _ in roster.GAUGES}
        for name, alarm in of_type(FLEET, "AWS::CloudWatch::Alarm").items():
            for metric in [
                alarm["Properties"],
                *(one.get("MetricStat", {}).get("Metric", {}) for one in alarm["Properties"].get("Metrics", [])),
            ]:
                if metric.get("Namespace") == "OktaAuthomize":
                    self.assertIn(metric["MetricName"], known, name)
        self.assertEqual(METRICS, 15)


if __name__ == "__main__":
    unittest.main()
