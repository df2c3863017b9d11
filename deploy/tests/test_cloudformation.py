"""The templates in moto's CloudFormation, for every choice that adds or leaves out resources.

It proves that every reference leads somewhere under every choice, and what comes of conditions. It proves neither that AWS takes the
resources' properties (cfn-lint knows their schemas), nor permissions, nor events, nor that the function starts. It does nothing about
`Rules`, a bucket's policy and lifecycle, patterns of parameters, the schedule's state, alarms, metric filters and settings of invocation.
"""

import ast
import contextlib
import io
import json
import unittest
import zipfile
from typing import Any
from unittest.mock import patch

import boto3
from moto import mock_aws
from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform

from deploy import package
from deploy.template import load
from deploy.tests.recorded import ENVIRONMENT
from deploy.tests.resources import ROOT

SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:okta/acme-AbCdEf"
# moto cuts the name of a partner's bus at its slashes.
BUS = "okta"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"


def translated(name, parameters) -> Any:
    """The template as CloudFormation's transform for SAM makes it."""
    template = load(ROOT / name)
    for resource in template["Resources"].values():
        if resource.get("Properties", {}).get("CodeUri") == ".":
            resource["Properties"]["CodeUri"] = {"Bucket": "code", "Key": "package/collector.zip"}
    loader = ManagedPolicyLoader(None)
    loader.load = dict
    return transform(template, dict(parameters), loader)


class Stacks(unittest.TestCase):
    def setUp(self) -> None:
        # The transform and moto tell of what they do not know on their own.
        self.enter(contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()))
        for held in (patch.dict("os.environ", ENVIRONMENT), mock_aws(config={"lambda": {"use_docker": False}})):
            held.start()
            self.addCleanup(held.stop)
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="code")
        s3.create_bucket(Bucket="shared-bucket")
        s3.put_object(Bucket="code", Key="package/collector.zip", Body=self.archive())
        boto3.client("events").create_event_bus(Name=BUS)

    def enter(self, *held) -> None:
        for one in held:
            one.__enter__()
            self.addCleanup(one.__exit__, None, None, None)

    @staticmethod
    def archive() -> Any:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            archive.writestr("bootstrap", "")
        return made.getvalue()

    def create(self, **parameters) -> set[Any]:
        given = {"SecretArn": SECRET} | parameters
        cloudformation = boto3.client("cloudformation")
        cloudformation.create_stack(
            StackName="acme",
            TemplateBody=json.dumps(translated("template.yaml", given)),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        (told,) = cloudformation.describe_stacks(StackName="acme")["Stacks"]
        self.assertEqual(told["StackStatus"], "CREATE_COMPLETE")
        found = cloudformation.list_stack_resources(StackName="acme")["StackResourceSummaries"]
        self.outputs = {one["OutputKey"]: one["OutputValue"] for one in told["Outputs"]}
        self.physical = {one["LogicalResourceId"]: one.get("PhysicalResourceId") for one in found}
        return set(self.physical)

    def test_one_org_with_the_usual_choices(self) -> None:
        made = self.create()
        self.assertLessEqual({"Function", "Role", "Bucket", "LogGroup", "Overview"}, made)
        absent = {"Loader", "Watch", "ReaderRole", "WakeQueue", "WakeRule1"}
        self.assertEqual(absent & made, set())
        self.assertEqual(self.outputs["BucketName"], self.physical["Bucket"])
        (function,) = boto3.client("lambda").list_functions()["Functions"]
        variables = function["Environment"]["Variables"]
        self.assertEqual(
            (variables["BUCKET"], variables["SECRET_ID"], variables["STACK_NAME"]),
            (self.physical["Bucket"], SECRET, "acme"),
        )

    def test_a_governed_account(self) -> None:
        made = self.create(
            PermissionsBoundaryArn=BOUNDARY,
            SubnetIds="subnet-0a1,subnet-0b2",
            SecurityGroupIds="sg-0c3",
            ReaderAccountId="210987654321",
            ReaderExternalId="an-external-id-of-theirs",
            DataExpirationDays="30",
            Dashboard="false",
        )
        self.assertLessEqual({"ReaderRole"}, made)
        self.assertNotIn("Overview", made)
        for role in boto3.client("iam").list_roles()["Roles"]:
            told = boto3.client("iam").get_role(RoleName=role["RoleName"])["Role"]
            self.assertEqual(told["PermissionsBoundary"]["PermissionsBoundaryArn"], BOUNDARY, role["RoleName"])

    def test_the_loader_and_the_event_bus(self) -> None:
        made = self.create(
            AuthomizeSecretArn=SECRET.replace("okta", "authomize"), OktaEventBusName=BUS, WakeWindowSeconds="5"
        )
        self.assertLessEqual({"Loader", "LoaderQueue", "WakeQueue"}, made)
        self.assertEqual(len(boto3.client("events").list_rules(EventBusName=BUS)["Rules"]), 2)
        sources = boto3.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        self.assertEqual(sorted(source["MaximumBatchingWindowInSeconds"] for source in sources), [5, 300])

    def test_the_watch_reads_commits_and_writes_tables_cases_and_its_status_alone(self) -> None:
        topic = "arn:aws:sns:eu-central-1:123456789012:alerts"
        made = self.create(DeployWatch="true", AlertTopicArn=topic, AlertSeverity="medium")
        self.assertLessEqual({"Watch", "WatchQueue", "WatchDeadLetters", "WatchRule"}, made)
        function = boto3.client("lambda").get_function(FunctionName=self.outputs["WatchName"])["Configuration"]
        self.assertEqual((function["Runtime"], function["Handler"]), ("python3.13", "watch.handler.handler"))
        variables = function["Environment"]["Variables"]
        given = {name: value for name, value in variables.items() if value}
        self.assertEqual(
            given,
            {
                "BUCKET": self.physical["Bucket"],
                "PREFIX": "okta",
                "ALERT_SEVERITY": "medium",
                "EVENT_BUS": "default",
                "ALERT_TOPIC_ARN": topic,
                "AUTHOMIZE_API_URL": "https://api.authomize.com",
                "DATA_EXPIRATION_DAYS": "0",
                "EVENT_EXPIRATION_DAYS": "400",
            },
        )
        allowed = [
            (action, resource)
            for policy in self.policies("WatchRole")
            for statement in policy["Statement"]
            if statement and statement["Effect"] == "Allow"
            for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
            for resource in (
                [statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"]
            )
        ]
        bucket = f"arn:aws:s3:::{self.physical['Bucket']}/okta/"
        written = {resource.removeprefix(bucket) for action, resource in allowed if action == "s3:PutObject"}
        self.assertEqual(written, {"tables/*", "cases/*", "status/*.findings.json"})
        self.assertEqual(
            {resource.removeprefix(bucket) for action, resource in allowed if action == "s3:DeleteObject"}, {"tables/*"}
        )
        self.assertEqual([resource for action, resource in allowed if action == "sns:Publish"], [topic])
        self.assertFalse([action for action, _ in allowed if action.startswith("secretsmanager:") or "*" in action])

    def test_the_loader_is_named_and_reserves_concurrency_only_where_it_is_chosen(self) -> None:
        for fleet in ("false", "true"):
            for choice, reserved in (("true", 1), ("false", None)):
                self.create(AuthomizeSecretArn=SECRET.replace("okta", "authomize"), Fleet=fleet, OneRunAtATime=choice)
                functions = {
                    name: boto3.client("lambda").get_function(FunctionName=self.outputs[name])
                    for name in ("LoaderName", "FunctionName")
                }
                told = {
                    name: function.get("Concurrency", {}).get("ReservedConcurrentExecutions")
                    for name, function in functions.items()
                }
                # Of a fleet's collector as many run at once as its queue hands on.
                self.assertEqual(
                    told,
                    {"LoaderName": reserved, "FunctionName": reserved if fleet == "false" else None},
                    (fleet, choice),
                )
                self.assertEqual(self.outputs["LoaderName"], self.physical["Loader"])
                boto3.client("cloudformation").delete_stack(StackName="acme")
        self.create()
        self.assertNotIn("LoaderName", self.outputs)

    def test_a_stack_that_shares_the_bucket_of_another_makes_none(self) -> None:
        made = self.create(BucketName="shared-bucket")
        self.assertEqual({"Bucket", "BucketPolicy"} & made, set())
        self.assertEqual(self.outputs["BucketName"], "shared-bucket")
        (function,) = boto3.client("lambda").list_functions()["Functions"]
        self.assertEqual(function["Environment"]["Variables"]["BUCKET"], "shared-bucket")
        self.assertNotIn("${", json.dumps(self.policies("Role")))

    def test_a_return_to_a_kept_bucket_brings_a_loader(self) -> None:
        made = self.create(
            BucketName="shared-bucket", AuthomizeSecretArn=SECRET.replace("okta", "authomize"), Integration="acme"
        )
        self.assertLessEqual({"Loader", "LoaderRole", "LoaderRule"}, made)
        (loader,) = [
            one
            for one in boto3.client("lambda").list_functions()["Functions"]
            if one["FunctionName"] == self.outputs["LoaderName"]
        ]
        self.assertEqual(loader["Environment"]["Variables"]["BUCKET"], "shared-bucket")
        self.assertNotIn("${", json.dumps(self.policies("LoaderRole")))
        (rule,) = [
            rule
            for rule in boto3.client("events").list_rules()["Rules"]
            if "Object Created" in rule.get("EventPattern", "")
        ]
        self.assertEqual(json.loads(rule["EventPattern"])["detail"]["bucket"]["name"], ["shared-bucket"])
        written = [
            one
            for policy in self.policies("Role")
            for one in policy["Statement"]
            if one and one["Sid"] == "WriteWhatIsItsOwn"
        ]
        self.assertIn("arn:aws:s3:::shared-bucket/okta/manifests/acme/*", written[0]["Resource"])
        self.assertTrue(all("acme" in resource for resource in written[0]["Resource"]))

    def test_an_account_that_demands_names_keys_and_a_proxy(self) -> None:
        key = "arn:aws:kms:us-east-1:123456789012:key/0a1b"
        self.create(
            AuthomizeSecretArn=SECRET.replace("okta", "authomize"),
            RolePath="/teams/identity/",
            RoleNamePrefix="corp-",
            HttpsProxy="http://proxy.acme.example:3128",
            NoProxy="s3.us-east-1.amazonaws.com",
            CaBundleLayerArn="arn:aws:lambda:us-east-1:123456789012:layer:authorities:3",
            LogKmsKeyArn=key,
            QueueKmsKeyArn=key,
            BucketKmsKeyArn=key,
            BucketOldKmsKeyArns=f"{key}c,{key}d",
            AccessLogBucket="shared-bucket",
            ObjectLockDays="30",
        )
        roles = {role["RoleName"]: role["Path"] for role in boto3.client("iam").list_roles()["Roles"]}
        self.assertEqual(roles, {"corp-acme-collector": "/teams/identity/", "corp-acme-loader": "/teams/identity/"})
        for function in boto3.client("lambda").list_functions()["Functions"]:
            variables = function["Environment"]["Variables"]
            self.assertEqual(
                (variables["HTTPS_PROXY"], variables["SSL_CERT_FILE"]),
                ("http://proxy.acme.example:3128", "/opt/ca-bundle.pem"),
            )
        old = [
            one
            for policy in self.policies("Role")
            for one in policy["Statement"]
            if one and one["Sid"] == "ReadWhatOldKeysEncrypted"
        ]
        self.assertEqual((old[0]["Action"], old[0]["Resource"]), ("kms:Decrypt", [f"{key}c", f"{key}d"]))
        for queue in boto3.client("sqs").list_queues()["QueueUrls"]:
            attributes = boto3.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
            self.assertEqual(attributes["KmsMasterKeyId"], key, queue)

    def policies(self, role) -> list[Any]:
        iam, name = boto3.client("iam"), self.physical[role]
        names = iam.list_role_policies(RoleName=name)["PolicyNames"]
        told = [iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"] for policy in names]
        # moto keeps some of them as Python writes them.
        return [ast.literal_eval(policy) if isinstance(policy, str) else policy for policy in told]

    def test_a_fleets_function_has_no_secret_of_its_own_and_reads_the_tagged_ones(self) -> None:
        self.create(SecretArn="", Fleet="true", MetricsBy="stack")
        (function,) = boto3.client("lambda").list_functions()["Functions"]
        self.assertEqual(function["Environment"]["Variables"].get("SECRET_ID", ""), "")
        (secret,) = [
            one
            for policy in self.policies("Role")
            for one in policy["Statement"]
            if one and one["Sid"] == "ReadTheTaggedSecrets"
        ]
        self.assertEqual(
            secret["Condition"], {"StringEquals": {"secretsmanager:ResourceTag/okta-authomize": "collect"}}
        )
        (source,) = boto3.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        self.assertEqual((source["BatchSize"], source["EventSourceArn"]), (1, self.outputs["OrgQueueArn"]))

    def test_the_packaged_templates_are_translated_too(self) -> None:
        text = package.packaged(ROOT / "template.yaml", "okta-authomize-0.1.0-arm64", "arm64")
        self.assertIn("CodeBucket", text)
        made = translated("fleet.yaml", {})
        self.assertIn("def handler(event", made["Resources"]["Roster"]["Properties"]["Code"]["ZipFile"])


if __name__ == "__main__":
    unittest.main()
