"""The stack: created, upgraded and removed by CloudFormation's change sets, from a package in a bucket of code."""

import time
import uuid
from pathlib import Path
from typing import Any

import boto3
from boto3.session import Session
from botocore.exceptions import ClientError, WaiterError

from deploy import package
from deploy.answers import FILE
from deploy.ask import Say
from deploy.failure import Failure

# Of the partitions that the templates are for.
URL_SUFFIX = {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}
LONGEST_MINUTES = 30
DELAY_S = 5
ONE_ORG, FLEET = "packaged.yaml", "fleet.yaml"
# A parameter that each of a package's templates has, and no other of them.
OWN_PARAMETER = {ONE_ORG: "SecretArn", FLEET: "SummaryCron"}


class Outputs(dict[str, str]):
    """A stack's outputs, as texts; nothing of them is ever run."""

    def __init__(self, name: str, told: dict[str, Any]) -> None:
        super().__init__((output["OutputKey"], output["OutputValue"]) for output in told.get("Outputs", []))
        self._name = name
        self.is_fleet = template_of(told) == FLEET

    def __missing__(self, key: str) -> str:
        raise Failure(
            f"the stack {self._name} has no output {key}: an older version deployed it (make upgrade), "
            f"or it is none of this project's stacks (write the right name into {FILE})"
        )


def template_of(told: Any) -> str | None:
    """Which of a package's templates a described stack was made of, by its parameters; `None` if of neither."""
    names = {one["ParameterKey"] for one in told.get("Parameters", [])}
    return next((template for template, own in OWN_PARAMETER.items() if own in names), None)


class Stack:
    """One stack in one account and region. What is made takes `tags`, and is made with the role `service_role`, if there is one."""

    def __init__(
        self, aws: Session, name: str, say: Say, tags: dict[str, str] | None = None, service_role: str = ""
    ) -> None:
        self._cloudformation = aws.client("cloudformation")
        self._tags = as_list(tags)
        self._role = {"RoleARN": service_role} if service_role else {}
        self._aws = aws
        self.name = name
        self._say = say

    def described(self) -> dict[str, Any] | None:
        """CloudFormation's description of it, or `None` where there is no such stack."""
        try:
            (told,) = self._cloudformation.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            if "does not exist" in error.response["Error"]["Message"]:
                return None
            raise Failure(f"the stack {self.name} cannot be read: {error.response['Error']['Message']}") from None
        return told

    def outputs(self) -> "Outputs":
        """Its outputs; asking for one that it does not have is a failure with what to do."""
        told = self.described()
        if not told:
            raise Failure(f"there is no stack {self.name} in this account and region: make deploy")
        return Outputs(self.name, told)

    def template(self) -> str | None:
        """Which of a package's templates it was made of, or `None` where there is no such stack yet."""
        told = self.described()
        if not told or told["StackStatus"] == "REVIEW_IN_PROGRESS":
            return None
        if whole := told.get("ParentId"):
            raise Failure(
                f"the stack {self.name} is a part of the stack {whole.split('/')[1]}: write that name into {FILE}"
            )
        if not (template := template_of(told)):
            raise Failure(
                f"the stack {self.name} is none of this project's: write the name of one that is, or a new one, into {FILE}"
            )
        return template

    def deploy(self, template_url: str, parameters: dict[str, str]) -> None:
        """Creates or changes it. Parameters that are not given keep their values, and new ones their defaults."""
        there = self.described()
        is_new = not there or there["StackStatus"] == "REVIEW_IN_PROGRESS"
        if there and there["StackStatus"] == "ROLLBACK_COMPLETE":
            raise Failure(
                f"the stack {self.name} could not be created before: remove it (make destroy), then make deploy"
            )
        given: list[dict[str, Any]] = [
            {"ParameterKey": key, "ParameterValue": str(value)} for key, value in sorted(parameters.items())
        ]
        if there and not is_new:
            kept = {one["ParameterKey"] for one in there.get("Parameters", [])} - parameters.keys()
            kept &= self.parameters_of(template_url)
            given += [{"ParameterKey": key, "UsePreviousValue": True} for key in sorted(kept)]
        change = f"deploy-{uuid.uuid4().hex[:12]}"
        self._cloudformation.create_change_set(
            StackName=self.name,
            ChangeSetName=change,
            ChangeSetType="CREATE" if is_new else "UPDATE",
            TemplateURL=template_url,
            Parameters=given,
            Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
            Tags=self._tags,
            **self._role,
        )
        if not self._is_worth_it(change):
            self._say("Nothing has changed.")
            return
        self._cloudformation.execute_change_set(StackName=self.name, ChangeSetName=change)
        self._follow("stack_create_complete" if is_new else "stack_update_complete")

    def destroy(self) -> None:
        self._cloudformation.delete_stack(StackName=self.name, **self._role)
        self._follow("stack_delete_complete")

    def parameters_of(self, template_url: str) -> set[str]:
        """The parameters that a template has."""
        summary = self._cloudformation.get_template_summary(TemplateURL=template_url)
        return {one["ParameterKey"] for one in summary["Parameters"]}

    def _is_worth_it(self, change: str) -> bool:
        began = time.monotonic()
        while time.monotonic() - began < 60 * LONGEST_MINUTES:
            told = self._cloudformation.describe_change_set(StackName=self.name, ChangeSetName=change)
            reason = told.get("StatusReason", "")
            if told["Status"] == "FAILED":
                if "didn't contain changes" in reason or "No updates are to be performed" in reason:
                    self._cloudformation.delete_change_set(StackName=self.name, ChangeSetName=change)
                    return False
                raise Failure(f"CloudFormation refuses the change: {reason}")
            if told["Status"] == "CREATE_COMPLETE":
                return True
            time.sleep(2)
        raise Failure("CloudFormation does not come to an end with the change set; look at the stack in its console")

    def _follow(self, waiter: str) -> None:
        self._say("CloudFormation is at work; a first deployment takes about three minutes.")
        try:
            self._cloudformation.get_waiter(waiter).wait(
                StackName=self.name, WaiterConfig={"Delay": DELAY_S, "MaxAttempts": 12 * LONGEST_MINUTES}
            )
        except WaiterError:
            raise Failure(f"it did not end well: {self._first_failure()}") from None

    def _first_failure(self) -> str:
        """The oldest failure since the newest beginning: what came after it follows from it."""
        events = self._cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
        found = "look at the stack's events in the console"
        for event in events:
            if event["ResourceStatus"].endswith("_FAILED"):
                found = f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
            if event["ResourceType"] == "AWS::CloudFormation::Stack" and event["ResourceStatus"] in (
                "CREATE_IN_PROGRESS",
                "UPDATE_IN_PROGRESS",
            ):
                break
        return found


def as_list(tags: dict[str, str] | None) -> list[dict[str, str]]:
    return [{"Key": key, "Value": str(value)} for key, value in sorted((tags or {}).items())]


def upload(aws: Session, folder: Path, region: str, tags: dict[str, str] | None = None) -> tuple[str, str]:
    """Brings a package into this account's bucket of code, which is made where there is none. Gives the bucket and the key below which
    it stands."""
    key = package.key(Path(folder))
    account = aws.client("sts").get_caller_identity()["Account"]
    bucket = f"okta-authomize-code-{account}-{region}"
    s3 = aws.client("s3")
    make_bucket(s3, bucket, region, account, tags)
    for file in sorted(Path(folder).iterdir()):
        s3.upload_file(str(file), bucket, f"{key}/{file.name}", ExtraArgs={"ExpectedBucketOwner": account})
    return bucket, key


def make_bucket(s3: Any, bucket: str, region: str, account: str, tags: dict[str, str] | None) -> None:
    try:
        s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
        return
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise Failure(f"the bucket {bucket} cannot be used: {error.response['Error']['Message']}") from None
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=bucket, **where)
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(names, True))
    if tags:
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": as_list(tags)})


def url_of(bucket: str, key: str, region: str) -> str:
    """Where CloudFormation reads a template; the last part of the host is that of the region's partition."""
    return f"https://{bucket}.s3.{region}.{URL_SUFFIX[boto3.session.Session().get_partition_for_region(region)]}/{key}"
