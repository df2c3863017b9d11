"""The function, woken as AWS wakes it, tells each case once to the bus and severe ones to the topic."""

import contextlib
import io
import json
import os
import shutil
import tempfile
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws

from findings.tests.test_tables import Killed
from findings.tests.writer import BEGAN, PREFIX, Bucket, complete, delete, upsert
from watch import handler as function
from watch import outbox
from watch.tests.test_wake import idp, report

BUCKET, REGION = "collector", "eu-central-1"
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "BUCKET": BUCKET,
    "PREFIX": PREFIX,
}


class Case(unittest.TestCase):
    """A collector's bucket, a bus and a topic; queues remember what both were told."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="handler-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        function._client.cache_clear()
        self.addCleanup(function._client.cache_clear)
        aws = mock_aws()
        aws.start()
        self.addCleanup(aws.stop)
        self.s3 = boto3.client("s3", REGION)
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.sqs, sns, events = (boto3.client(name, REGION) for name in ("sqs", "sns", "events"))
        self.topic = sns.create_topic(Name="alerts")["TopicArn"]
        self.of_topic, of_topic = self._queue("of-topic")
        sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=of_topic)
        self.of_bus, of_bus = self._queue("of-bus")
        events.put_rule(Name="all", EventPattern=json.dumps({"source": ["okta-authomize"]}))
        events.put_targets(Rule="all", Targets=[{"Id": "queue", "Arn": of_bus}])
        environment = ENVIRONMENT | {"ALERT_TOPIC_ARN": self.topic}
        for patch in (
            mock.patch.dict(os.environ, environment),
            mock.patch.object(function, "KEPT", self.folder / "kept"),
        ):
            patch.start()
            self.addCleanup(patch.stop)
        self.bucket = Bucket(self.folder / "org")

    def _queue(self, name: str) -> tuple[str, str]:
        url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        return url, self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def upload(self) -> None:
        there = {
            each["Key"]
            for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
            for each in page.get("Contents", [])
        }
        for file in sorted(self.bucket.folder.rglob("*")):
            key = file.relative_to(self.bucket.folder).as_posix()
            if file.is_file() and key not in there:
                self.s3.put_object(Bucket=BUCKET, Key=key, Body=file.read_bytes())

    def commit(self, *words, **more) -> int:
        sequence = self.bucket.commit(*words, **more)
        self.upload()
        return sequence

    def begin(self) -> None:
        self.commit([("idps", [idp("0oa1"), idp("0oa2")]), ("activity", [report("e1")])], [complete("idps", 1)])

    def wake(self, event: dict | None = None) -> dict:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return function.handler(event or message(self.bucket.key_of(self.bucket.sequence)), None)

    def told(self, queue: str) -> list[dict]:
        found = []
        while messages := self.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for each in messages:
                self.sqs.delete_message(QueueUrl=queue, ReceiptHandle=each["ReceiptHandle"])
                found.append(json.loads(each["Body"]))
        return found

    def on_bus(self) -> list[tuple[str, str]]:
        return sorted((each["detail-type"], each["detail"].get("key", "digest")) for each in self.told(self.of_bus))

    def keys(self, below: str) -> list[str]:
        return [each["Key"] for each in self.s3.list_objects_v2(Bucket=BUCKET, Prefix=below).get("Contents", [])]


def of_s3(key: str) -> dict:
    return {
        "detail-type": "Object Created",
        "source": "aws.s3",
        "detail": {"bucket": {"name": BUCKET}, "object": {"key": key}},
    }


def message(*keys: str) -> dict:
    return {
        "Records": [
            {"messageId": f"m{number}", "eventSource": "aws:sqs", "body": json.dumps(of_s3(key))}
            for number, key in enumerate(keys)
        ]
    }


class Woken(Case):
    def test_a_manifest_wakes_it_and_each_case_is_told_once(self) -> None:
        self.begin()
        self.assertEqual(self.wake(), {"batchItemFailures": []})
        self.assertEqual(self.on_bus(), [("Okta case opened", "e1"), ("Okta cases digest", "digest")])
        self.assertEqual(
            sorted(each["Subject"] for each in self.told(self.of_topic)),
            ["Okta: what the first snapshot shows", "high, opened: A user reported a sign-in that was not theirs"],
        )
        self.commit([("idps", [idp("0oa3"), delete("idps", "0oa1")]), ("activity", [report("e2")])])
        self.wake()
        self.wake()
        self.assertEqual(
            self.on_bus(), [("Okta case closed", "0oa1"), ("Okta case opened", "0oa3"), ("Okta case opened", "e2")]
        )
        # Low ones are not for people at night.
        (alert,) = self.told(self.of_topic)
        self.assertIn("ada@acme.example", alert["Message"])
        self.assertEqual(alert["MessageAttributes"]["severity"]["Value"], "high")

    def test_a_case_on_the_bus_is_the_case_with_a_valid_finding_of_ocsf_beside_it(self) -> None:
        self.begin()
        self.wake()
        self.commit([("idps", [delete("idps", "0oa1"), idp("0oa3")])])
        self.wake()
        details = [
            each["detail"]
            for each in self.told(self.of_bus)
            if "case" in each["detail-type"] and "ocsf" in each["detail"]
        ]
        self.assertEqual(
            sorted((each["state"], each["ocsf"]["class_uid"]) for each in details),
            [("closed", 2003), ("open", 2003), ("open", 2004)],
        )
        from conformance.ocsf_check import Schema

        schema = Schema("1.8.0")
        for each in details:
            self.assertEqual(list(schema.problems(each["ocsf"])), [])
            self.assertEqual(each["ocsf"]["finding_info"]["uid"], each["id"])

    def test_while_the_first_run_is_under_way_posture_is_not_judged(self) -> None:
        now = datetime.now(timezone.utc).replace(tzinfo=None)
        self.commit([("idps", [idp("0oa1")]), ("activity", [report("e1")])], [complete("idps", 1)], at=now)
        self.wake()
        self.assertEqual(self.on_bus(), [("Okta case opened", "e1")])
        status = {"streams": {"idps": {"outcome": "succeeded"}, "users": {"outcome": "unavailable"}}}
        self.s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/status/acme.json", Body=json.dumps(status))
        self.commit([("idps", [idp("0oa2")])], at=now)
        self.wake()
        self.assertEqual(self.on_bus(), [("Okta cases digest", "digest")])

    def test_it_reports_where_it_is_asked_by_hand_and_looks_at_all_integrations_on_schedule(self) -> None:
        self.begin()
        answer = self.wake({"integration": "acme"})
        self.assertEqual(
            (
                answer["integration"],
                answer["sequence"],
                answer["digest"],
                [case["key"] for case in answer["opened"]],
                answer["open"],
            ),
            ("acme", 1, {"low": 2}, ["e1"], 3),
        )
        self.assertEqual(self.wake({"detail-type": "Scheduled Event"}), {"integrations": ["acme"]})
        self.assertEqual(self.wake(of_s3(self.bucket.key_of(1)))["opened"], [])
        for event in ({"integration": "../x"}, {"integration": "acme", "mode": "x"}, {}):
            with self.assertRaises(ValueError):
                self.wake(event or {"no": 1})

    def test_it_writes_below_tables_cases_and_its_status_alone(self) -> None:
        self.begin()
        before = set(self.keys(""))
        self.wake()
        written = set(self.keys("")) - before
        allowed = (f"{PREFIX}/tables/", f"{PREFIX}/cases/")
        self.assertTrue(written)
        self.assertEqual(
            [key for key in written if not key.startswith(allowed)], [f"{PREFIX}/status/acme.findings.json"]
        )

    def test_trouble_of_another_integration_costs_this_one_nothing(self) -> None:
        self.begin()
        other = Bucket(self.bucket.folder, "beta")
        other.commit([("idps", [idp("0oaB")])])
        (self.bucket.folder / other.batch_keys(1)[0]).write_bytes(b"broken")
        self.upload()
        answer = self.wake(
            message(other.key_of(1), self.bucket.key_of(1), "okta/manifests/x", "okta/manifests/BAD/000000000001.json")
        )
        self.assertEqual(answer, {"batchItemFailures": [{"itemIdentifier": "m0"}]})
        self.assertEqual(len(self.on_bus()), 2)
        self.assertEqual(self.keys(f"{PREFIX}/cases/beta"), [])
        self.assertFalse([key for key in self.keys(f"{PREFIX}/tables/") if "beta" in key])

    def test_rows_expire_by_the_days_of_the_stack(self) -> None:
        use = {"user_id": "00u1", "date": "2026-11-23", "count": 1}
        self.commit([("usage", [upsert("usage", "login:00u1:2026-11-23:1", use)])])
        self.commit([("usage", [upsert("usage", "login:00u1:2027-03-01:2", use)])], at=BEGAN + timedelta(days=100))
        with mock.patch.dict(os.environ, {"EVENT_EXPIRATION_DAYS": "30"}):
            self.assertEqual(self.wake({"integration": "acme"})["rows_expired"], 1)
        with (
            mock.patch.dict(os.environ, {"EVENT_EXPIRATION_DAYS": "-1", "DATA_EXPIRATION_DAYS": "x"}),
            self.assertRaisesRegex(ValueError, "DATA_EXPIRATION_DAYS.*EVENT_EXPIRATION_DAYS"),
        ):
            self.wake({"integration": "acme"})

    def test_bad_settings_are_named_all_at_once(self) -> None:
        with (
            mock.patch.dict(
                os.environ, {"BUCKET": "", "ALERT_SEVERITY": "loud", "EVENT_BUS": "a bus", "ALERT_TOPIC_ARN": "x"}
            ),
            self.assertRaises(ValueError) as raised,
        ):
            self.wake()
        for name in ("BUCKET", "ALERT_SEVERITY", "EVENT_BUS", "ALERT_TOPIC_ARN"):
            self.assertIn(name, str(raised.exception))


class Outbox(Case):
    def test_while_the_topic_is_down_nothing_is_lost_and_the_bus_is_told_once(self) -> None:
        down = ClientError({"Error": {"Code": "InternalError", "Message": "down"}}, "Publish")
        self.begin()
        with mock.patch.object(outbox.Topic, "tell", side_effect=down):
            self.assertEqual(self.wake(), {"batchItemFailures": [{"itemIdentifier": "m0"}]})
            self.assertEqual(self.wake(), {"batchItemFailures": [{"itemIdentifier": "m0"}]})
        self.assertEqual(len(self.on_bus()), 2)
        self.assertEqual(self.told(self.of_topic), [])
        self.assertEqual(self.wake({"detail-type": "Scheduled Event"}), {"integrations": ["acme"]})
        self.assertEqual((len(self.told(self.of_topic)), self.on_bus()), (2, []))

    def test_a_topic_that_goes_down_between_two_alerts_gets_the_second_alone_when_it_is_up_again(self) -> None:
        self.commit([("idps", [idp("0oa1")]), ("activity", [report("e1"), report("e2")])], [complete("idps", 1)])
        down, real, calls = (
            ClientError({"Error": {"Code": "InternalError", "Message": "down"}}, "Publish"),
            outbox.Topic._publish,
            [],
        )

        def publish(topic, word) -> None:
            calls.append(word["id"])
            if len(calls) > 1:
                raise down
            real(topic, word)

        with mock.patch.object(outbox.Topic, "_publish", publish):
            self.wake()
        self.wake()
        told = [each["MessageAttributes"]["id"]["Value"] for each in self.told(self.of_topic)]
        self.assertEqual((len(told), len(set(told))), (3, 3))

    def test_one_that_the_topic_refuses_for_ever_holds_up_no_other(self) -> None:
        self.commit([("idps", [idp("0oa1")]), ("activity", [report(f"e{n}") for n in range(3)])], [complete("idps", 1)])
        refused, real = (
            ClientError({"Error": {"Code": "InvalidParameter", "Message": "no"}}, "Publish"),
            outbox.Topic._publish,
        )

        def publish(topic, word) -> None:
            if word["change"] == "opened" and word["case"]["key"] == "e2":
                raise refused
            real(topic, word)

        with mock.patch.object(outbox.Topic, "_publish", publish):
            self.wake()
            self.wake()
        self.assertEqual(len(self.told(self.of_topic)), 3)

    def test_a_receiver_that_the_settings_no_longer_name_is_owed_nothing(self) -> None:
        self.begin()
        with mock.patch.object(outbox.Topic, "_publish", side_effect=OSError("gone")):
            self.wake()
        with mock.patch.dict(os.environ, {"ALERT_TOPIC_ARN": ""}):
            self.assertEqual(self.wake(), {"batchItemFailures": []})
            state = json.loads(self.s3.get_object(Bucket=BUCKET, Key=f"{PREFIX}/cases/acme.state.json")["Body"].read())
        self.assertEqual(state["outbox"], [])

    def test_cases_that_are_large_together_or_by_themselves_are_within_the_limits_of_the_bus(self) -> None:
        case = {
            "id": "c",
            "integration": "acme",
            "finding": "f",
            "kind": "events",
            "severity": "high",
            "title": "t",
            "key": "k",
            "name": "n" * 400,
            "detail": "d",
            "do": "x",
            "evidence": [f"e{n}" for n in range(100)],
            "first_seen": "2026-11-23T17:00:00.000Z",
            "last_seen": "2026-11-23T17:00:00.000Z",
            "state": "open",
            "plan": [],
        }
        sizes: list[int] = []

        class Client:
            def put_events(self, Entries) -> dict[Any, Any]:
                sizes.append(sum(len(value.encode()) for entry in Entries for value in entry.values()))
                return {"Entries": [{} for _ in Entries]}

        words = [
            {"id": f"w{n}", "change": "opened", "case": case | {"detail": "ü" * size}}
            for n, size in enumerate((10, 30_000, 200_000, 90_000, 5))
        ]
        self.assertEqual(outbox.Bus(Client(), "default").tell(words), [word["id"] for word in words])
        self.assertLess(max(sizes), 256_000)

    def test_the_sender_has_a_lease_and_others_leave_the_sending_to_it(self) -> None:
        self.begin()
        inner: list[dict] = []
        real = outbox.Bus.tell

        def racing(bus, words) -> Any:
            # While one tells, another wakes, and a third after a new commit.
            if not inner:
                inner.append({})
                inner.append(self.wake())
                self.commit([("activity", [report("e2")])])
                inner.append(self.wake())
            return real(bus, words)

        with mock.patch.object(outbox.Bus, "tell", racing):
            self.wake()
        self.wake()
        self.assertEqual(
            self.on_bus(), [("Okta case opened", "e1"), ("Okta case opened", "e2"), ("Okta cases digest", "digest")]
        )
        self.assertEqual(len(self.told(self.of_topic)), 3)

    def test_killed_before_any_call_of_aws_each_case_is_told_with_one_id(self) -> None:
        """A bus may double; what is told again because of a kill has the id that it had."""
        doubled = acts = 0
        while True:
            acts += 1
            self.bucket = Bucket(self.folder / f"org{acts}", f"org{acts}")
            self.begin()
            killed = self._wake_killed(acts)
            self._expire_lease()
            self.wake()
            on_bus = [(each["detail-type"], each["detail"]["id"]) for each in self.told(self.of_bus)]
            self.assertEqual(len(set(on_bus)), 2, f"killed at call {acts}")
            doubled += len(on_bus) - 2
            self.assertGreaterEqual(
                len({each["Subject"] for each in self.told(self.of_topic)}), 2, f"killed at call {acts}"
            )
            if not killed:
                break
        self.assertGreater(acts, 10)
        # At most once for each place that can be told.
        self.assertLessEqual(doubled, 4)

    def _expire_lease(self) -> None:
        key = f"{PREFIX}/cases/{self.bucket.integration}.state.json"
        with contextlib.suppress(self.s3.exceptions.NoSuchKey):
            state = json.loads(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
            if state["lease"]:
                state["lease"]["until"] = "2026-01-01T00:00:00+00:00"
                self.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(state))

    def _wake_killed(self, acts: int) -> bool:
        """Kills it before its nth call that changes something."""
        from botocore.client import BaseClient

        real, left = BaseClient._make_api_call, [acts]

        def counting(client, operation, given) -> Any:
            if operation in ("PutObject", "DeleteObject", "PutEvents", "Publish"):
                left[0] -= 1
                if left[0] == 0:
                    raise Killed
            return real(client, operation, given)

        with mock.patch.object(BaseClient, "_make_api_call", counting):
            try:
                self.wake()
            except Killed:
                return True
        return False


if __name__ == "__main__":
    unittest.main()
