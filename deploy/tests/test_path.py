"""The path of docs/operations.md, command by command, in AWS on this machine: from a fresh account to leaving, for one org and a fleet.

CloudFormation is moto's, with the templates as SAM's transform makes them; the functions give recorded answers.
"""

import contextlib
import io
import json
import os
import re
import time
import unittest
import warnings
from typing import Any
from unittest.mock import patch

from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.cloudformation.models import ChangeSet
from moto.cloudformation.models import Stack as NestedStack
from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform

from deploy import __main__ as program
from deploy import package, questions
from deploy import stack as stacks
from deploy.answers import Answers
from deploy.template import load
from deploy.tests.recorded import answer
from deploy.tests.resources import ROOT
from deploy.tests.test_programs import OnAws, Scripted, packed

REGION = "eu-central-1"
AUTHOMIZE = {"outcome": "succeeded", "integration": "okta"}


def said_by(nested, attribute) -> Any:
    """An output of a nested stack."""
    return next(one["OutputValue"] for one in nested.outputs if one["OutputKey"] == attribute.removeprefix("Outputs."))


def applied(apply) -> Any:
    """A change set's application. A new stack has its outputs then; of a change only the parameters are noted, for moto cannot change
    resources under conditions."""

    def whole(change) -> None:
        stack = change.stack
        if change.change_set_type == "CREATE":
            apply(change)
            stack.template_dict = change.template_dict
            stack.output_map = stack._create_output_map()
        stack.parameters = change.parameters
        stack.resource_map.resolved_parameters.update(change.parameters)

    return whole


def translate(folder) -> None:
    """The package's templates as CloudFormation's transform for SAM makes them, each in its place."""
    loader = ManagedPolicyLoader(None)
    loader.load = dict
    for name in (stacks.ONE_ORG, stacks.FLEET):
        given = {"CodeBucket": "code", "CodeKey": "key", "SecretArn": "", "AuthomizeSecretArn": ""}
        template = load(folder / name)
        given = {key: value for key, value in given.items() if key in template["Parameters"]}
        with patch.dict("os.environ", AWS_DEFAULT_REGION=REGION):
            made = transform(template, given, loader)
        (folder / name).write_text(json.dumps(made))


class InAnAccount(OnAws):
    def setUp(self) -> None:
        super().setUp()
        # The transform and moto tell of what they do not know on their own.
        self.errors = self.open.enter_context(contextlib.redirect_stderr(io.StringIO()))
        self.open.enter_context(contextlib.redirect_stdout(io.StringIO()))
        self.open.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        os.environ.pop("AWS_DEFAULT_REGION")
        os.environ["AWS_REGION"] = REGION
        (self.folder / "Cargo.toml").write_text((ROOT / "Cargo.toml").read_text())
        self.open.enter_context(patch.object(program, "ROOT", self.folder))
        self.open.enter_context(patch.object(stacks, "DELAY_S", 0))
        self.invoked: list[tuple[str, Any]] = []
        path = self

        def invoke(backend, function, qualifier, body, headers, response_headers) -> bytes:
            path.invoked.append((function, json.loads(body)))
            return json.dumps(AUTHOMIZE if "-Loader-" in function else answer("succeeded")).encode()

        self.open.enter_context(patch.object(LambdaSimpleBackend, "invoke", invoke))
        # moto knows neither the account's limit, nor what a nested stack says, nor outputs after a change set.
        self.open.enter_context(patch.object(questions, "concurrency", return_value="false"))
        self.open.enter_context(patch.object(NestedStack, "get_cfn_attribute", said_by, create=True))
        self.open.enter_context(patch.object(ChangeSet, "apply", applied(ChangeSet.apply)))
        self.build(b"one")

    def build(self, code) -> None:
        self.package = packed(self.folder / "dist", code)
        translate(self.package)

    def make(self, command, *lines, arguments=()) -> str:
        """A target of make, at whose questions these lines are typed; what it said."""
        terminal = Scripted(*lines)
        with patch.object(program, "Terminal", lambda: terminal):
            self.assertEqual(program.main([command, *arguments]), 0, self.errors.getvalue()[-500:])
        self.assertEqual(terminal.typed, [], "a question was not asked")
        return "\n".join(terminal.said)

    def client(self, name) -> Any:
        return program.session(Answers.read(), Scripted()).client(name)

    def code(self) -> Any:
        """Where CloudFormation takes the code from."""
        (told,) = self.client("cloudformation").describe_stacks(StackName=Answers.read().stack)["Stacks"]
        return next(one["ParameterValue"] for one in told["Parameters"] if one["ParameterKey"] == "CodeKey")

    def logged(self, group) -> None:
        logs = self.client("logs")
        logs.create_log_stream(logGroupName=group, logStreamName="one")
        line = json.dumps({"timestamp": "2026-11-27T09:00:00Z", "level": "INFO", "message": f"of {group}"})
        logs.put_log_events(
            logGroupName=group, logStreamName="one", logEvents=[{"timestamp": int(time.time() * 1000), "message": line}]
        )

    def look_around(self, org, stack) -> None:
        """What one asks a stack, whichever it is."""
        self.assertIn("every stream can be read", self.make("check", arguments=org))
        self.make("invoke", arguments=[*org, "--event", '{"mode": "full"}'])
        self.make("invoke", arguments=["--which", "loader"])
        self.make(
            "invoke", arguments=["--which", "loader", "--event", '{"integration": "okta", "accept_shrink": true}']
        )
        functions = [re.findall(r"-(Function|Loader)-", function)[0] for function, _ in self.invoked]
        self.assertEqual(functions, ["Function", "Function", "Loader", "Loader"])
        bucket = next(one["Name"] for one in self.client("s3").list_buckets()["Buckets"] if "-code-" not in one["Name"])
        self.client("s3").put_object(Bucket=bucket, Key="okta/status/okta.html", Body=b"")
        self.assertIn("okta, for five minutes", self.make("status"))
        for which, group in (("collector", f"/aws/lambda/{stack}"), ("loader", f"/aws/lambda/{stack}-loader")):
            self.logged(group)
            self.assertIn(f"of {group}", self.make("logs", arguments=["--which", which]))

    def upgrade(self) -> None:
        """Another build is deployed, the same one is not."""
        before = self.code()
        self.assertEqual(before, package.key(self.package))
        self.build(b"two")
        self.assertNotIn("Nothing has changed.", self.make("upgrade"))
        self.assertNotEqual(self.code(), before)
        self.assertEqual(self.code(), package.key(self.package))
        self.assertIn("Nothing has changed.", self.make("upgrade"))

    def test_one_org_from_a_fresh_account_to_leaving(self) -> None:
        self.make("configure", "acme.okta.com", "", "", "0oa1", "s3cr3t", "", "")
        token = self.client("secretsmanager").create_secret(Name="authomize/token", SecretString="{}")["ARN"]
        said = self.make("deploy", "", "ada@acme.com", "", "authomize/token")
        self.assertIn("Next: make check", said)
        answers = Answers.read()
        self.assertEqual((answers.region, answers.parameters["AuthomizeSecretArn"]), (REGION, token))
        self.look_around([], "okta-authomize")
        self.upgrade()
        self.assertIn("Removed. The data is still in s3://", self.make("destroy", "yes"))
        self.assertTrue(self.client("secretsmanager").describe_secret(SecretId="okta/acme"))

    def test_a_fleet_from_its_deployment_to_leaving(self) -> None:
        Answers(stack="okta-fleet").write()
        self.make("configure", "acme.okta.com", "", "", "0oa1", "s3cr3t", "Acme", "")
        self.make("configure", "beta.okta.com", "", "token", "t", "Beta", "")
        token = self.client("secretsmanager").create_secret(Name="authomize/token", SecretString="{}")["ARN"]
        aws = program.session(Answers.read(), Scripted())
        bucket, key = stacks.upload(aws, self.package, REGION)
        parameters = {"CodeBucket": bucket, "CodeKey": key, "AuthomizeSecretArn": token, "OneRunAtATime": "false"}
        stack = stacks.Stack(aws, "okta-fleet", lambda text: None)
        stack.deploy(stacks.url_of(bucket, f"{key}/fleet.yaml", REGION), parameters)
        nested = stack.outputs()["Log"].removeprefix("/aws/lambda/")
        self.look_around(["--secret-id", "okta/beta"], nested)
        self.assertEqual([event.get("secret_id") for _, event in self.invoked], ["okta/beta", "okta/beta", None, None])
        self.upgrade()
        self.assertIn("Removed. The data is still in s3://", self.make("destroy", "yes"))


if __name__ == "__main__":
    unittest.main()
