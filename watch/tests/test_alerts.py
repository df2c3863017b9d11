"""The recipes of alerts.yaml: what the watch announces arrives in Slack, PagerDuty and Security Hub as each documents it."""

import io
import json
import os
import unittest
from typing import Any
from unittest import mock

import boto3

from deploy.template import load
from deploy.tests.resources import ROOT
from findings.tests.writer import complete, delete
from watch.tests.test_handler import REGION, Case, idp, report

TEMPLATE = load(ROOT / "alerts.yaml")
ACCOUNT = "123456789012"
HUB = {"ACCOUNT": ACCOUNT, "PRODUCT_ARN": f"arn:aws:securityhub:{REGION}:{ACCOUNT}:product/{ACCOUNT}/default"}


class Recipes(Case):
    def setUp(self) -> None:
        super().setUp()
        self.sent: list[tuple[str, dict]] = []
        patch = mock.patch("urllib.request.urlopen", self._outside)
        patch.start()
        self.addCleanup(patch.stop)
        self.secrets = boto3.client("secretsmanager", REGION)

    def _outside(self, request, timeout) -> Any:
        self.sent.append((request.full_url, json.loads(request.data)))
        return io.BytesIO(b"ok")

    def handler(self, function: str, **environment: str) -> Any:
        """The function of the template, with these variables."""
        made: dict = {}
        with mock.patch.dict(os.environ, environment):
            exec(TEMPLATE["Resources"][function]["Properties"]["Code"]["ZipFile"], made)

        def call(*bodies: dict) -> None:
            with mock.patch.dict(os.environ, environment):
                made["handler"]({"Records": [{"body": json.dumps(body)} for body in bodies]}, None)

        return call

    def secret(self, content: dict) -> str:
        return self.secrets.create_secret(Name="s", SecretString=json.dumps(content))["ARN"]

    def alert(self) -> list[dict]:
        """What the topic says of a first snapshot, a new case, and that it has closed."""
        with mock.patch.dict(os.environ, {"ALERT_SEVERITY": "low"}):
            self.commit([("idps", [idp("0oa1")]), ("activity", [report("e1")])], [complete("idps", 1)])
            self.wake()
            self.commit([("idps", [idp("0oa<3>")])])
            self.wake()
            self.commit([("idps", [delete("idps", "0oa<3>")])])
            self.wake()
        return self.told(self.of_topic)

    def test_slack_shows_each_alert_and_takes_no_name_of_the_org_as_markup(self) -> None:
        url = "https://hooks.slack.com/services/T/B/x"
        self.handler("Slack", SECRET_ID=self.secret({"url": url}))(*self.alert())
        self.assertEqual([to for to, _ in self.sent], [url] * 4)
        texts = [body["text"] for _, body in self.sent]
        self.assertTrue(any("0oa&lt;3&gt;" in text for text in texts))
        self.assertFalse(any(sign in text for text in texts for sign in "<>"))

    def test_a_webhook_that_is_not_https_is_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "no https"):
            self.handler("Slack", SECRET_ID=self.secret({"url": "http://hooks.slack.com/x"}))(*self.alert())
        self.assertEqual(self.sent, [])

    def test_an_incident_of_pagerduty_opens_and_ends_with_its_case_and_the_digest_is_none(self) -> None:
        self.handler("PagerDuty", SECRET_ID=self.secret({"routing_key": "r" * 32}))(*self.alert())
        self.assertEqual({to for to, _ in self.sent}, {"https://events.pagerduty.com/v2/enqueue"})
        by_key: dict[str, list[str]] = {}
        for _, body in self.sent:
            by_key.setdefault(body["dedup_key"], []).append(body["event_action"])
            self.assertEqual(body["routing_key"], "r" * 32)
            self.assertIn(body["payload"]["severity"], ("critical", "error", "warning", "info"))
            self.assertLessEqual(len(body["payload"]["summary"]), 1024)
            self.assertEqual(body["payload"]["source"], "okta-authomize/acme")
        self.assertEqual(sorted(by_key.values()), [["trigger"], ["trigger", "resolve"]])

    def test_a_finding_of_security_hub_fails_while_its_case_is_open_and_is_archived_when_it_closes(self) -> None:
        self.alert()
        events = [each for each in self.told(self.of_bus) if each["detail-type"] != "Okta cases digest"]
        boto3.client("securityhub", REGION).enable_security_hub()
        self.handler("Hub", **HUB)(*events)
        found = boto3.client("securityhub", REGION).get_findings()["Findings"]
        told = {each["Id"]: each for each in found}
        self.assertEqual(len(told), 2)
        attack, posture = sorted(told.values(), key=lambda each: "Compliance" in each)
        self.assertEqual(
            (attack["RecordState"], attack["Severity"]["Label"], attack["Types"]),
            ("ACTIVE", "HIGH", ["Unusual Behaviors/User"]),
        )
        self.assertEqual((posture["RecordState"], posture["Compliance"]["Status"]), ("ARCHIVED", "PASSED"))

    def test_a_refusal_of_security_hub_is_retried(self) -> None:
        self.alert()
        events = [each for each in self.told(self.of_bus) if each["detail-type"] == "Okta case opened"]
        answer = {
            "FailedCount": 1,
            "SuccessCount": 0,
            "FailedFindings": [{"Id": "x", "ErrorCode": "InvalidInput", "ErrorMessage": "no"}],
        }
        handler = self.handler("Hub", **HUB)
        from botocore.client import BaseClient

        with (
            mock.patch.object(BaseClient, "_make_api_call", return_value=answer),
            self.assertRaisesRegex(RuntimeError, "refuses"),
        ):
            handler(events[0])

    def test_a_function_has_the_queue_of_its_own_and_a_role_for_its_one_secret(self) -> None:
        resources = TEMPLATE["Resources"]
        for name in ("Slack", "PagerDuty", "Hub"):
            statements = resources[f"{name}Role"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
            actions = [one["Action"] for one in statements if "Sid" in one]
            self.assertEqual(
                actions[2], "securityhub:BatchImportFindings" if name == "Hub" else "secretsmanager:GetSecretValue"
            )
            self.assertEqual(
                resources[f"{name}Source"]["Properties"]["EventSourceArn"], {"Fn::GetAtt": [f"{name}Queue", "Arn"]}
            )
            self.assertEqual(
                resources[f"{name}QueuePolicy"]["Properties"]["PolicyDocument"]["Statement"][0]["Action"],
                "sqs:SendMessage",
            )


if __name__ == "__main__":
    unittest.main()
