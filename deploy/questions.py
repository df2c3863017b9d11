"""The four questions of `make deploy`, and the account's limit of concurrency."""

import re
from typing import Any

from boto3.session import Session
from botocore.exceptions import ClientError

from deploy.answers import Answers
from deploy.ask import Terminal
from deploy.failure import Failure
from deploy.stack import Stack, as_list

NONE = "none"
# Lambda leaves at least so much of an account's concurrency unreserved.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
LEAST_UNRESERVED = 100
# Outputs of a stack that name a function.
FUNCTION_NAMES = ("FunctionName", "LoaderName", "WatchName")


def ask_all(aws: Session, terminal: Terminal, answers: Answers) -> None:
    """Asks what the template cannot know; answers of before are the defaults."""
    parameters = answers.parameters
    answers.stack = answers.stack or "okta-authomize"
    given = terminal.ask(
        "1. Secret with the Okta credentials, its name or ARN (make configure writes one)", answers.secret, needed
    )
    answers.secret = parameters["SecretArn"] = arn_of(aws, given)
    told = terminal.ask(
        "2. E-mail address or SNS topic's ARN for alarms, or none",
        parameters.get("AlarmTopicArn") or NONE,
        wrong_with_alarms,
    )
    parameters["AlarmTopicArn"] = topic(aws, terminal, answers, told)
    ask_network(aws, terminal, parameters)
    given = terminal.ask(
        "4. Secret with Authomize's API token, its name or ARN, or none", parameters.get("AuthomizeSecretArn") or NONE
    )
    parameters["AuthomizeSecretArn"] = "" if given == NONE else arn_of(aws, given)
    wanted = 2 if parameters["AuthomizeSecretArn"] else 1
    parameters["OneRunAtATime"] = concurrency(aws, terminal, wanted, reserved(aws, answers.stack))


def needed(text: str) -> str | None:
    return None if text else "It is needed."


def wrong_with_alarms(text: str) -> str | None:
    is_one = (
        text == NONE or re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text) or re.fullmatch(r"arn:aws[a-z-]*:sns:\S+", text)
    )
    return None if is_one else "An e-mail address, a topic's ARN, or none."


def arn_of(aws: Session, name: str) -> str:
    """The whole ARN of a secret, which the template wants: what a policy allows by name alone allows more than one."""
    try:
        told = aws.client("secretsmanager").describe_secret(SecretId=name)
    except ClientError as error:
        raise Failure(
            f"the secret {name} cannot be found: {error.response['Error']['Message']}; make configure writes one"
        ) from None
    if told.get("DeletedDate"):
        raise Failure(f"the secret {name} is marked for deletion: restore it, or name another")
    return told["ARN"]


def topic(aws: Session, terminal: Terminal, answers: Answers, told: Any) -> str:
    """The ARN of the topic that alarms go to. Of an address a topic is made, beside the stack: it outlives it."""
    if told == NONE:
        return ""
    if told.startswith("arn:"):
        return told
    sns = aws.client("sns")
    arn = sns.create_topic(Name=f"{answers.stack}-alarms", Tags=as_list(answers.tags))["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="email", Endpoint=told)
    terminal.say(f"   AWS sends {told} a link: alarms arrive once it is followed.")
    return arn


def ask_network(aws: Session, terminal: Terminal, parameters: dict[str, str]) -> None:
    before = parameters.get("SubnetIds") or NONE
    given = terminal.ask(
        "3. Private subnets for one fixed address towards Okta, divided by commas, or none", before, wrong_with_subnets
    )
    if given == NONE:
        parameters["SubnetIds"] = parameters["SecurityGroupIds"] = ""
        return
    parameters["SubnetIds"] = given
    groups = terminal.ask(
        "   Security groups there, which let out port 443", parameters.get("SecurityGroupIds", ""), wrong_with_groups
    )
    parameters["SecurityGroupIds"] = groups


def wrong_with_subnets(text: str) -> str | None:
    return (
        None if text == NONE or re.fullmatch(r"subnet-[0-9a-f]+(,subnet-[0-9a-f]+)*", text) else "subnet-..., or none."
    )


def wrong_with_groups(text: str) -> str | None:
    return None if re.fullmatch(r"sg-[0-9a-f]+(,sg-[0-9a-f]+)*", text) else "sg-..., divided by commas."


def reserved(aws: Session, stack: Any) -> int:
    """How much concurrency the functions of this stack have reserved, if it is there."""
    told = Stack(aws, stack, print).described() or {}
    names = [one["OutputValue"] for one in told.get("Outputs", []) if one["OutputKey"] in FUNCTION_NAMES]
    functions = aws.client("lambda")
    return sum(
        functions.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions", 0) for name in names
    )


def concurrency(aws: Session, terminal: Terminal, wanted: int, held: int = 0) -> str:
    """Whether the account's limit lets each function reserve a concurrency of 1; what they hold already counts as free. New accounts
    have a limit of 10."""
    limit = aws.client("lambda").get_account_settings()["AccountLimit"]
    left = limit["UnreservedConcurrentExecutions"] + held
    if left - wanted >= LEAST_UNRESERVED:
        return "true"
    terminal.say(
        f"   The account has {left} unreserved concurrent executions; Lambda keeps {LEAST_UNRESERVED} of them, so none is reserved here.\n"
        "   Two runs at once are safe, but one of them reads Okta for nothing. Ask AWS for a higher limit, then make deploy again."
    )
    return "false"
