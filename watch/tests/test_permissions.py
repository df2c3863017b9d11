"""The watch's role as the template has it, enforced on each call of the function, as IAM would."""

import contextlib
import unittest
from collections.abc import Iterator
from unittest import mock

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from deploy.iam import Role
from deploy.resolve import Resolver
from deploy.template import load
from deploy.tests.resources import ROOT
from findings.tests.writer import complete
from watch.tests.test_handler import BUCKET, REGION, Case, idp, report

KEY = "arn:aws:kms:eu-central-1:123456789012:key/0a1b-2c3d"
BUS = "arn:aws:events:eu-central-1:123456789012:event-bus/default"
OF_LAMBDA = {"TakeItsMessages", "DecryptTheMessages", "WriteItsOwnLog", "JoinTheSubnets", "ButNotFromWithin"}
"""What Lambda itself needs, and no code of the function."""
OF_KEYS_BEFORE = {"ReadWhatOldKeysEncrypted"}
LAKE = "s3://aws-security-data-lake/ext/okta/1.0"
PROVIDER = "arn:aws:iam::123456789012:role/AmazonSecurityLake-Provider-okta"


def refused(operation: str) -> ClientError:
    return ClientError({"Error": {"Code": "AccessDenied", "Message": "not authorized"}}, operation)


class Enforced:
    """Decides about each call; what AWS itself says comes from moto."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self._real = BaseClient._make_api_call

    def call(self, client: BaseClient, operation: str, given: dict) -> dict:
        if not self._is_allowed(operation, given):
            raise refused(operation)
        try:
            return self._real(client, operation, given)
        except ClientError as error:
            # Who may not list the bucket is not told that an object is absent.
            if error.response["Error"]["Code"] in ("NoSuchKey", "404") and not self.role.allows(
                "s3:ListBucket", f"arn:aws:s3:::{BUCKET}"
            ):
                raise refused(operation) from None
            raise

    def _is_allowed(self, operation: str, given: dict) -> bool:
        of_object = f"arn:aws:s3:::{given.get('Bucket')}/{given.get('Key')}"
        match operation:
            case "GetObject" | "HeadObject":
                return self.role.allows("s3:GetObject", of_object) and self._kms("s3", "kms:Decrypt")
            case "PutObject":
                # S3 reads what it compares with.
                compared = "IfMatch" not in given or self.role.allows("s3:GetObject", of_object)
                return (
                    compared and self.role.allows("s3:PutObject", of_object) and self._kms("s3", "kms:GenerateDataKey")
                )
            case "DeleteObject":
                return self.role.allows("s3:DeleteObject", of_object)
            case "ListObjectsV2":
                return self.role.allows(
                    "s3:ListBucket", f"arn:aws:s3:::{given['Bucket']}", {"s3:prefix": given["Prefix"]}
                )
            case "PutEvents":
                return all(
                    self.role.allows("events:PutEvents", BUS.replace("default", entry["EventBusName"]))
                    for entry in given["Entries"]
                )
            case "Publish":
                return self.role.allows("sns:Publish", given["TopicArn"]) and self._kms("sns", "kms:GenerateDataKey")
        raise AssertionError(f"the function calls {operation}, of which this test knows nothing")

    def _kms(self, service: str, action: str) -> bool:
        return self.role.allows(action, KEY, {"kms:ViaService": f"{service}.{REGION}.amazonaws.com"})


class Permissions(Case):
    def role(self, **parameters: str) -> Role:
        given = {
            "SecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:okta/acme-AbCdEf",
            "DeployWatch": "true",
            "BucketName": BUCKET,
            "BucketKmsKeyArn": KEY,
            "BucketOldKmsKeyArns": KEY,
            "AlertTopicArn": self.topic,
            "AlertTopicKmsKeyArn": KEY,
            "QueueKmsKeyArn": KEY,
            "SubnetIds": "subnet-0a1",
            "SecurityGroupIds": "sg-0c3",
        }
        pseudo = {"AWS::Region": REGION, "AWS::AccountId": "123456789012"}
        return Role(Resolver(load(ROOT / "template.yaml"), given | parameters, pseudo=pseudo).resources(), "WatchRole")

    @contextlib.contextmanager
    def enforced(self, role: Role) -> Iterator[None]:
        own = Enforced(role)
        # A method on a class would get the client as `self`: a function does not.
        with mock.patch.object(
            BaseClient,
            "_make_api_call",
            lambda client, operation, given: own.call(client, operation, given),  # noqa: PLW0108
        ):
            yield

    def follow(self, role: Role) -> None:
        """First commits, so many that files are merged, and one that is read anew."""
        self.commit([("idps", [idp("0oa1")]), ("activity", [report("e1")])], [complete("idps", 1)])
        with self.enforced(role):
            self.assertEqual(self.wake(), {"batchItemFailures": []})
        for number in range(34):
            self.commit([("idps", [idp(f"0ob{number}")])])
            with self.enforced(role):
                self.assertEqual(self.wake(), {"batchItemFailures": []})
        with self.enforced(role):
            self.wake({"detail-type": "Scheduled Event"})

    def test_each_permission_is_used_and_none_is_lacking(self) -> None:
        role = self.role()
        self.follow(role)
        there = {statement["Sid"] for statement in role.statements}
        self.assertEqual(there - role.used - OF_LAMBDA - OF_KEYS_BEFORE, set())
        self.assertEqual(role.refused, [])

    def test_without_any_of_them_it_fails_and_says_so(self) -> None:
        self.begin()
        for sid in (
            "ReadWhatIsCommitted",
            "WriteTablesAndCases",
            "ListBelowThePrefix",
            "DecryptTheBucket",
            "TellTheBus",
            "TellTheTopic",
            "EncryptForTheTopic",
        ):
            role = self.role()
            role.statements = [statement for statement in role.statements if statement["Sid"] != sid]
            self.commit([("activity", [report(sid)])])
            with self.enforced(role):
                self.assertEqual(self.wake(), {"batchItemFailures": [{"itemIdentifier": "m0"}]}, sid)
            self.assertTrue(role.refused, sid)

    def test_it_writes_to_the_place_of_the_lake_alone_or_takes_the_role_of_its_source_and_no_other(self) -> None:
        own, by_role = (
            self.role(SecurityLakeLocation=LAKE),
            self.role(SecurityLakeLocation=LAKE, SecurityLakeRoleArn=PROVIDER),
        )
        place = "arn:aws:s3:::aws-security-data-lake/ext"
        for role, writes in ((own, True), (by_role, False), (self.role(), False)):
            self.assertEqual(role.allows("s3:PutObject", f"{place}/okta/1.0/region=x/y.parquet"), writes)
            self.assertFalse(role.allows("s3:PutObject", f"{place}/other/1.0/y.parquet"))
            self.assertFalse(role.allows("s3:GetObject", f"{place}/okta/1.0/y.parquet"))
            self.assertEqual(role.allows("sts:AssumeRole", PROVIDER), role is by_role)
            self.assertFalse(role.allows("sts:AssumeRole", f"{PROVIDER}-other"))

    def test_it_reads_authomizes_secret_where_risk_factors_go_there_and_no_other(self) -> None:
        secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:authomize-AbCdEf"
        given = {"AuthomizeSecretArn": secret, "AuthomizeSecretKmsKeyArn": KEY}
        sends, does_not = self.role(RiskFactors="true", **given), self.role(**given)
        context = {"kms:EncryptionContext:SecretARN": secret}
        for role, reads in ((sends, True), (does_not, False)):
            self.assertEqual(role.allows("secretsmanager:GetSecretValue", secret), reads)
            self.assertEqual(role.allows("kms:Decrypt", KEY, context), reads)
            self.assertFalse(role.allows("secretsmanager:GetSecretValue", secret.replace("authomize", "okta/acme")))

    def test_it_may_write_nothing_that_the_collector_or_the_loader_writes(self) -> None:
        role = self.role()
        for place in (
            "data/users/x",
            "manifests/acme/000000000001.json",
            "cursors/acme.json",
            "heads/acme.json",
            "status/acme.json",
            "ledgers/acme/x",
            "loads/acme.json",
        ):
            for action in ("s3:PutObject", "s3:DeleteObject"):
                self.assertFalse(role.allows(action, f"arn:aws:s3:::{BUCKET}/okta/{place}"), place)


if __name__ == "__main__":
    unittest.main()
