"""Activity in Security Lake's layout: what is read back is what was committed, and valid."""

import json
import os
import unittest
from typing import Any
from unittest import mock

import duckdb
from botocore.client import BaseClient

from conformance.ocsf_check import Schema
from findings.tests.test_tables import Killed
from findings.tests.writer import Bucket, complete, upsert
from watch import handler as function
from watch.tests.test_handler import BUCKET, REGION, Case, idp

LAKE = "aws-security-data-lake"
PLACE = "ext/okta/1.0"
USER = {"uid": "00u1", "name": "Ada", "type_id": 1, "type": "User", "email_addr": "ada@acme.example"}
SOURCE = {
    "ip": "203.0.113.7",
    "location": {"country": "DE", "lat": 52.5, "long": 13.4},
    "intermediate_ips": ["203.0.113.1"],
}
OF_CLASS: dict[int, tuple[str, str, int, str, dict[str, Any]]] = {
    2004: (
        "Detection Finding",
        "Findings",
        2,
        "Create",
        {
            "finding_info": {"uid": "f", "title": "Attack", "types": ["x"]},
            "is_alert": True,
            "evidences": [{"user": USER}],
        },
    ),
    3001: ("Account Change", "Identity & Access Management", 3, "Create", {"user": USER}),
    3002: (
        "Authentication",
        "Identity & Access Management",
        3,
        "Logon",
        {"user": USER, "service": {"uid": "0oa1", "name": "Wiki"}, "src_endpoint": SOURCE, "is_mfa": True},
    ),
    3005: (
        "User Access Management",
        "Identity & Access Management",
        3,
        "Assign Privileges",
        {"user": USER, "privileges": ["SUPER_ADMIN"]},
    ),
}


def event(number: int, class_uid: int, day: str = "2026-11-23", **more: Any) -> dict:
    name, category, category_uid, activity, own = OF_CLASS[class_uid]
    milliseconds = 1795392000000 + number * 1000 if day == "2026-11-23" else 1795478400000 + number * 1000
    return (
        {
            "activity_id": 1,
            "activity_name": activity,
            "category_uid": category_uid,
            "category_name": category,
            "class_uid": class_uid,
            "class_name": name,
            "type_uid": class_uid * 100 + 1,
            "type_name": f"{name}: {activity}",
            "time": milliseconds,
            "severity_id": 1,
            "severity": "Informational",
            "status_id": 1,
            "status": "Success" if class_uid != 2004 else "New",
            "message": f"message {number}",
            "metadata": {
                "version": "1.8.0",
                "product": {"name": "Okta", "vendor_name": "Okta"},
                "log_name": "System Log",
                "uid": f"e{number}",
            },
        }
        | own
        | more
    )


def line(ocsf: dict) -> dict:
    id = ocsf["metadata"]["uid"]
    return upsert("activity", id, {"uuid": id, "published": "2026-11-23T17:00:00.000Z", "eventType": "x"}, ocsf=ocsf)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


class InALake(Case):
    def setUp(self) -> None:
        super().setUp()
        self.s3.create_bucket(Bucket=LAKE, CreateBucketConfiguration={"LocationConstraint": REGION})
        patch = mock.patch.dict(os.environ, {"SECURITY_LAKE_LOCATION": f"s3://{LAKE}/{PLACE}/"})
        patch.start()
        self.addCleanup(patch.stop)

    def objects(self) -> dict[str, list[dict]]:
        """By key what each holds."""
        found = {}
        for each in self.s3.list_objects_v2(Bucket=LAKE).get("Contents", []):
            file = self.folder / "read.parquet"
            file.write_bytes(self.s3.get_object(Bucket=LAKE, Key=each["Key"])["Body"].read())
            with duckdb.connect() as connection:
                rows = connection.execute(f"select to_json(r) from read_parquet('{file}') r").fetchall()
            found[each["Key"]] = [without_nulls(json.loads(row)) for (row,) in rows]
        return found

    def test_events_lie_by_region_account_and_day_one_class_an_object_and_equal_the_commits(self) -> None:
        events = [event(2, 3002), event(1, 3002), event(3, 3001), event(4, 2004), event(5, 3005, "2026-11-24")]
        self.commit(
            [("idps", [idp("0oa1")]), ("activity", [*map(line, events), upsert("activity", "bare", {"uuid": "bare"})])],
            [complete("idps", 1)],
        )
        self.assertEqual(self.wake({"integration": "acme"})["lake_objects"], 4)
        found = self.objects()
        below = f"{PLACE}/region={REGION}/accountId=external_acme"
        self.assertEqual(
            sorted(found),
            [
                f"{below}/eventDay=20261123/acme-000000000001-2004.parquet",
                f"{below}/eventDay=20261123/acme-000000000001-3001.parquet",
                f"{below}/eventDay=20261123/acme-000000000001-3002.parquet",
                f"{below}/eventDay=20261124/acme-000000000001-3005.parquet",
            ],
        )
        read = {each["metadata"]["uid"]: each for rows in found.values() for each in rows}
        self.assertEqual(read, {each["metadata"]["uid"]: each for each in events})
        times = [each["time"] for each in found[f"{below}/eventDay=20261123/acme-000000000001-3002.parquet"]]
        self.assertEqual(times, sorted(times))

    def test_events_read_back_are_valid(self) -> None:
        self.commit([("activity", [line(event(number, class_uid)) for number, class_uid in enumerate(OF_CLASS)])])
        self.wake()
        schema = Schema("1.8.0")
        for rows in self.objects().values():
            for each in rows:
                self.assertEqual(list(schema.problems(each)), [], each["class_name"])

    def test_each_event_is_copied_once_and_other_integrations_beside_it(self) -> None:
        self.commit([("activity", [line(event(1, 3001))])])
        self.wake()
        self.commit([("activity", [line(event(2, 3001))])])
        self.wake()
        self.assertEqual(self.wake({"integration": "acme"})["lake_objects"], 0)
        other = Bucket(self.bucket.folder, "beta")
        other.commit([("activity", [line(event(3, 3001))])])
        self.upload()
        self.wake({"integration": "beta"})
        self.assertEqual(
            sorted(each["metadata"]["uid"] for rows in self.objects().values() for each in rows), ["e1", "e2", "e3"]
        )

    def test_killed_before_any_write_to_the_lake_it_has_each_event_once(self) -> None:
        self.commit([("activity", [line(event(number, class_uid)) for number, class_uid in enumerate(OF_CLASS)])])
        real = BaseClient._make_api_call
        for acts in range(1, 5):
            left = [acts]

            def counting(client, operation, given, left=left) -> Any:
                if operation == "PutObject" and given["Bucket"] == LAKE:
                    left[0] -= 1
                    if left[0] == 0:
                        raise Killed
                return real(client, operation, given)

            with mock.patch.object(BaseClient, "_make_api_call", counting), self.assertRaises(Killed):
                self.wake()
        self.wake()
        found = sorted(each["metadata"]["uid"] for rows in self.objects().values() for each in rows)
        self.assertEqual(found, ["e0", "e1", "e2", "e3"])

    def test_another_location_gets_all_that_is_still_there(self) -> None:
        self.commit([("activity", [line(event(1, 3001))])])
        self.wake()
        with mock.patch.dict(os.environ, {"SECURITY_LAKE_LOCATION": f"s3://{LAKE}"}):
            self.assertEqual(self.wake({"integration": "acme"})["lake_objects"], 1)
        self.assertEqual([key.partition("/")[0] for key in self.objects()], ["ext", "region=eu-central-1"])

    def test_a_lake_that_refuses_costs_no_alert_and_its_message_comes_again(self) -> None:
        self.begin()
        with mock.patch.dict(os.environ, {"SECURITY_LAKE_LOCATION": "s3://no-such-lake/x"}):
            self.bucket.commit([("activity", [line(event(1, 3001))])])
            self.upload()
            self.assertEqual(self.wake(), {"batchItemFailures": [{"itemIdentifier": "m0"}]})
        self.assertEqual(len(self.on_bus()), 2)

    def test_the_role_of_the_source_is_assumed_with_its_external_id(self) -> None:
        asked = []
        real = BaseClient._make_api_call

        def noting(client, operation, given) -> Any:
            if operation == "AssumeRole":
                asked.append(given)
            return real(client, operation, given)

        role = "arn:aws:iam::123456789012:role/AmazonSecurityLake-Provider-okta-eu-central-1"
        self.commit([("activity", [line(event(1, 3001))])])
        with (
            mock.patch.dict(os.environ, {"SECURITY_LAKE_ROLE_ARN": role, "SECURITY_LAKE_EXTERNAL_ID": "theirs"}),
            mock.patch.object(BaseClient, "_make_api_call", noting),
        ):
            self.wake()
        self.assertEqual([(each["RoleArn"], each["ExternalId"]) for each in asked], [(role, "theirs")])
        self.assertEqual(len(self.objects()), 1)

    def test_a_location_or_role_that_is_none_is_named(self) -> None:
        with (
            mock.patch.dict(os.environ, {"SECURITY_LAKE_LOCATION": "bucket/x", "SECURITY_LAKE_ROLE_ARN": "x"}),
            self.assertRaises(ValueError) as raised,
        ):
            function.Settings.read(dict(os.environ) | {"BUCKET": BUCKET})
        for name in ("SECURITY_LAKE_LOCATION", "SECURITY_LAKE_ROLE_ARN"):
            self.assertIn(name, str(raised.exception))


if __name__ == "__main__":
    unittest.main()
