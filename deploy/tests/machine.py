"""The fleet's state machine in moto's executor, between secrets, a function that gives recorded answers, and a topic.

moto differs from Step Functions in one thing that matters here: it hands parameters of `aws-sdk` tasks on as they are written, where
Step Functions takes PascalCase for services whose own names begin in lower case.
"""

import copy
import io
import json
import threading
import time
import uuid
import zipfile

from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import boto3

from moto import mock_aws
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.core.exceptions import JsonRESTError
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk import (
    StateTaskServiceAwsSdk,
)

from deploy.template import load
from deploy.tests.resources import ROOT

ANSWERS = Path(__file__).parent / "answers"
ROUND = load(ROOT / "fleet.yaml")["Resources"]["Round"]["Properties"]
LONGEST_SECONDS = 60
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def answer(name):
    """An answer of the built function (tests/rules/fleet.rs keeps them so)."""
    return json.loads((ANSWERS / f"{name}.json").read_text(encoding="utf-8"))


def soon(definition):
    """The definition with every pause cut to a second."""
    definition = copy.deepcopy(definition)
    for states in every_states(definition):
        for state in states.values():
            for retrier in state.get("Retry", []):
                retrier.update(IntervalSeconds=1, BackoffRate=1)
                retrier.pop("JitterStrategy", None)
    return definition


def every_states(definition):
    """The states of the definition, and those within its maps."""
    yield definition["States"]
    for state in definition["States"].values():
        if "ItemProcessor" in state:
            yield from every_states(state["ItemProcessor"])


class Fleet:
    """`answers` says what each secret's runs answer, one after the other; the last one stands. Names of recorded answers, dicts, or
    `throttled`."""

    def __init__(self, answers, most_inline=None):
        self.answers = {name: list(given) for name, given in answers.items()}
        self.calls = []
        self.blocked = None
        self.inline = most_inline
        self._lock = threading.Lock()

    def __enter__(self):
        self._open = ExitStack()
        self._open.enter_context(patch.dict("os.environ", ENVIRONMENT))
        self._open.enter_context(
            mock_aws(config={"lambda": {"use_docker": False}, "stepfunctions": {"execute_state_machine": True}})
        )
        fleet = self
        self._open.enter_context(patch.object(LambdaSimpleBackend, "invoke", lambda backend, *given: fleet._invoke(*given)))
        self._open.enter_context(patch.object(StateTaskServiceAwsSdk, "_normalise_parameters", named("lower")))
        self._open.enter_context(patch.object(StateTaskServiceAwsSdk, "_normalise_response", named("upper")))
        secrets = boto3.client("secretsmanager")
        for name in self.answers:
            secrets.create_secret(Name=name, SecretString="{}", Tags=[{"Key": "okta-authomize", "Value": "collect"}])
        secrets.create_secret(Name="another/tag", SecretString="{}", Tags=[{"Key": "okta-authomize", "Value": "off"}])
        secrets.create_secret(Name="no/tag", SecretString="{}")
        self._subscribe()
        self._machine = self._make()
        return self

    def __exit__(self, *_):
        if self.blocked:
            self.blocked.set()
        self._open.close()

    def _subscribe(self):
        topic = boto3.client("sns").create_topic(Name="alarms")["TopicArn"]
        self._queue = boto3.client("sqs").create_queue(QueueName="inbox")["QueueUrl"]
        boto3.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:inbox")
        self._topic = topic

    def _make(self):
        role = boto3.client("iam").create_role(RoleName="fleet", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("bootstrap", "")
        function = boto3.client("lambda").create_function(
            FunctionName="collector", Runtime="provided.al2023", Role=role, Handler="bootstrap", Code={"ZipFile": package.getvalue()}
        )
        text = json.dumps(soon(ROUND["Definition"]))
        values = {"Partition": "aws", "FunctionArn": function["FunctionArn"], "TopicArn": self._topic}
        assert values.keys() == ROUND["DefinitionSubstitutions"].keys()
        for name, value in values.items():
            text = text.replace(f"${{{name}}}", value)
        if self.inline is not None:
            text = text.replace("$.secrets[1000]", f"$.secrets[{self.inline}]")
        return boto3.client("stepfunctions").create_state_machine(name="fleet-round", definition=text, roleArn=role)["stateMachineArn"]

    def _invoke(self, function_name, qualifier, body, headers, response_headers):
        event = json.loads(body)
        name = event["secret_id"].split(":secret:")[1].rsplit("-", 1)[0]
        with self._lock:
            self.calls.append((name, event))
            given = self.answers[name]
            now = given.pop(0) if len(given) > 1 else given[0]
        if self.blocked:
            self.blocked.wait(LONGEST_SECONDS)
        if now == "throttled":
            raise JsonRESTError("TooManyRequestsException", "Rate exceeded")
        told = answer(now) if isinstance(now, str) else now
        if "errorType" in told:
            response_headers["x-amz-function-error"] = "Unhandled"
        return json.dumps(told).encode()

    def start(self, summary=False, concurrency=2):
        given = json.dumps({"summary": summary, "concurrency": concurrency, "secrets": []})
        return boto3.client("stepfunctions").start_execution(stateMachineArn=self._machine, name=uuid.uuid4().hex, input=given)["executionArn"]

    def end(self, execution):
        """How an execution ended: its output, and the names of the states that it entered."""
        steps = boto3.client("stepfunctions")
        began = time.monotonic()
        while (told := steps.describe_execution(executionArn=execution))["status"] == "RUNNING":
            assert time.monotonic() - began < LONGEST_SECONDS, "the execution does not end"
            time.sleep(0.05)
        assert told["status"] == "SUCCEEDED", told.get("cause")
        entered = []
        for page in steps.get_paginator("get_execution_history").paginate(executionArn=execution):
            entered += [event["stateEnteredEventDetails"]["name"] for event in page["events"] if "stateEnteredEventDetails" in event]
        return json.loads(told["output"]), entered

    def round(self, **how):
        return self.end(self.start(**how))

    def runs_of(self, name):
        return sum(1 for called, _ in self.calls if called == name)

    def notices(self):
        messages = boto3.client("sqs").receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]


def named(way):
    """Gives the names of parameters or of an answer the case that Step Functions gives them."""

    def rename(task, told, *_, **__):
        if task.resource.api_name == "sfn":
            for name in list(told):
                told[getattr(name[0], way)() + name[1:]] = told.pop(name)

    return rename
