"""Every template under many choices of parameters: what refers leads somewhere, in all partitions."""

import itertools
import json
import random
import re
import unittest
from typing import Any

from deploy.resolve import Resolver, Unresolved
from deploy.template import load
from deploy.tests.resources import ROOT

KEY = "arn:aws:kms:us-east-1:123456789012:key/0a1b-2c3d"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:okta/acme-AbCdEf"
# For each parameter that decides something, a value besides its default.
CHOICES = {
    "Fleet": "true",
    "BucketName": "shared-bucket",
    "Integration": "acme",
    "SecretKmsKeyArn": KEY,
    "BucketKmsKeyArn": KEY,
    "BucketOldKmsKeyArns": f"{KEY},{KEY}",
    "AccessLogBucket": "access-logs",
    "ObjectLockDays": "30",
    "EventExpirationDays": "0",
    "DataExpirationDays": "30",
    "ScheduleMinutes": "1",
    "OktaEventBusName": "aws.partner/okta.com/acme/bus",
    "OneRunAtATime": "false",
    "SubnetIds": "subnet-0a1,subnet-0b2",
    "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary",
    "RolePath": "/teams/",
    "RoleNamePrefix": "corp-",
    "HttpsProxy": "http://proxy:3128",
    "NoProxy": "localhost",
    "CaBundleLayerArn": "arn:aws:lambda:us-east-1:123456789012:layer:ca:1",
    "LogKmsKeyArn": KEY,
    "QueueKmsKeyArn": KEY,
    "TopicKmsKeyArn": KEY,
    "ReaderAccountId": "210987654321",
    "MetricsBy": "stack",
    "Dashboard": "false",
    "AlarmTopicArn": "arn:aws:sns:us-east-1:123456789012:alarms",
    "AuthomizeSecretArn": SECRET,
    "AuthomizeSecretKmsKeyArn": KEY,
    "DeployWatch": "true",
    "AlertTopicArn": "arn:aws:sns:us-east-1:123456789012:alerts",
    "AlertTopicKmsKeyArn": KEY,
    "CaseEventBusName": "",
    "RiskFactors": "true",
    "SecurityLakeLocation": "s3://aws-security-data-lake/ext/okta/1.0",
    "SecurityLakeRoleArn": "arn:aws:iam::123456789012:role/AmazonSecurityLake-Provider-okta",
}
NEEDED = {
    "RiskFactors": {"AuthomizeSecretArn": SECRET},
    "ReaderAccountId": {"ReaderExternalId": "an-external-id-of-theirs"},
    "SubnetIds": {"SecurityGroupIds": "sg-0c3"},
}
# Those that decide whether a resource is there, all of whose combinations are tried; the others with them by chance.
DECISIVE = (
    "Fleet",
    "BucketName",
    "OktaEventBusName",
    "ReaderAccountId",
    "Dashboard",
    "DataExpirationDays",
    "AuthomizeSecretArn",
    "DeployWatch",
    "BucketKmsKeyArn",
    "QueueKmsKeyArn",
    "SubnetIds",
)
PARTITIONS = {
    "aws": ("amazonaws.com", "us-east-1"),
    "aws-cn": ("amazonaws.com.cn", "cn-north-1"),
    "aws-us-gov": ("amazonaws.com", "us-gov-west-1"),
}


def parameters(template, chosen) -> dict[Any, Any]:
    """The parameters of a choice, with what it needs."""
    given = {name: CHOICES[name] for name in chosen}
    for name in chosen:
        given |= NEEDED.get(name, {})
    if "SecretArn" in template["Parameters"] and given.get("Fleet") != "true":
        given["SecretArn"] = SECRET
    return {name: value for name, value in given.items() if name in template["Parameters"]}


def resolve(template, chosen, partition="aws") -> tuple[Any, Any]:
    suffix, region = PARTITIONS[partition]
    pseudo = {"AWS::Partition": partition, "AWS::URLSuffix": suffix, "AWS::Region": region}
    resolver = Resolver(template, parameters(template, chosen), pseudo=pseudo)
    return resolver.resources(), resolver.outputs()


class Combinations(unittest.TestCase):
    def test_every_parameter_that_decides_has_a_choice_here(self) -> None:
        for file in ("template.yaml", "fleet.yaml"):
            template = load(ROOT / file)
            asked = set(re.findall(r'"Ref": "(\w+)"', json.dumps(template["Conditions"])))
            self.assertEqual(asked - CHOICES.keys() - {"SecretArn"}, set(), file)

    def test_one_orgs_template_resolves_under_every_combination_that_rules_allow(self) -> None:
        template, chance = load(ROOT / "template.yaml"), random.Random(7)
        rest = sorted(CHOICES.keys() - set(DECISIVE))
        resolved = refused = 0
        for picked in itertools.product((False, True), repeat=len(DECISIVE)):
            chosen = [name for name, is_in in zip(DECISIVE, picked, strict=True) if is_in]
            for others in ([], rest, *([name for name in rest if chance.random() < 0.5] for _ in range(2))):
                try:
                    resources, _ = resolve(template, [*chosen, *others])
                    resolved += 1
                    self.assertNotIn(
                        "${", json.dumps({name: one for name, one in resources.items() if name != "Overview"})
                    )
                except Unresolved as error:
                    self.assertRegex(str(error), "^A wake-up does not tell|^A fleet writes many")
                    refused += 1
        self.assertEqual(resolved + refused, 4 * 2 ** len(DECISIVE))
        self.assertGreater(resolved, 2_000)

    def test_a_fleets_template_resolves_under_each_choice_none_all_and_by_chance(self) -> None:
        template, chance = load(ROOT / "fleet.yaml"), random.Random(7)
        names = sorted(CHOICES.keys() & template["Parameters"].keys())
        for chosen in (
            [],
            names,
            *([name] for name in names),
            *([name for name in names if chance.random() < 0.5] for _ in range(200)),
        ):
            resolve(template, chosen)

    def test_a_reference_that_leads_nowhere_is_found(self) -> None:
        template = load(ROOT / "template.yaml")
        template["Resources"]["LoaderQueue"]["Condition"] = "HasDashboard"
        with self.assertRaisesRegex(Unresolved, "LoaderQueue is not there"):
            resolve(template, ["AuthomizeSecretArn", "Dashboard"])

    def test_a_bad_value_and_a_broken_rule_are_refused(self) -> None:
        template = load(ROOT / "template.yaml")
        for given, told in (
            ({}, "SecretArn must be given"),
            ({"SecretArn": "okta/acme"}, "full ARN"),
            ({"SecretArn": SECRET, "RolePath": "teams"}, "Parts with /"),
            ({"SecretArn": SECRET, "ObjectLockDays": "-1"}, "0, or 1 to 9999"),
            ({"SecretArn": SECRET, "HttpsProxy": "http://user:password@proxy"}, "without credentials"),
            ({"SecretArn": SECRET, "ReaderAccountId": "210987654321"}, "ReaderExternalId must be given"),
        ):
            with self.assertRaisesRegex(Unresolved, told):
                Resolver(template, given)


class Partitions(unittest.TestCase):
    """Nothing names a partition but by AWS::Partition and AWS::URLSuffix."""

    def test_in_no_partition_another_one_is_named(self) -> None:
        for file in ("template.yaml", "fleet.yaml"):
            template = load(ROOT / file)
            chosen = [
                name for name in CHOICES if name not in ("Fleet", "OktaEventBusName") and "arn:" not in CHOICES[name]
            ]
            for partition in ("aws-cn", "aws-us-gov"):
                text = json.dumps(resolve(template, chosen, partition))
                text = text.replace("arn:aws:any:", "").replace(SECRET, "")
                self.assertNotIn("arn:aws:", text, (file, partition))
                self.assertEqual(
                    set(re.findall(r"s3\.[a-z0-9-]+\.amazonaws\.com(?!\.cn)", text))
                    if partition == "aws-cn"
                    else set(),
                    set(),
                )

    def test_no_template_or_program_writes_a_partition_out(self) -> None:
        files = [
            ROOT / name
            for name in ("template.yaml", "fleet.yaml", "alerts.yaml", "findings/athena.py", "findings/athena_stack.py")
        ]
        files += sorted((ROOT / "deploy").glob("*.py")) + sorted((ROOT / "terraform").glob("*.tf"))
        # Names of services as principals are the same in all partitions; the table of partitions is what the rule is about.
        allowed = re.compile(
            r"Service: [a-z]+\.amazonaws\.com|URL_SUFFIX = .*|arn:aws\[a-z-\]\*|PSEUDO|\"AWS::\w+\": .*|arn:aws:any.*"
        )
        for file in files:
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                if "docs." in line or "http://www.w3" in line:
                    continue
                left = allowed.sub("", line)
                self.assertNotRegex(left, r"arn:aws:|amazonaws\.com", f"{file.name}:{number}")


if __name__ == "__main__":
    unittest.main()
