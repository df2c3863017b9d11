"""make's targets for AWS.

Usage: python -m deploy configure | deploy | upgrade | check | invoke | logs | status | destroy | package
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import boto3
from boto3.session import Session
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from deploy import orgs, package, questions, run
from deploy.answers import FILE, Answers
from deploy.ask import Terminal
from deploy.configure import configure
from deploy.failure import Failure
from deploy.stack import FLEET, ONE_ORG, Outputs, Stack, upload, url_of

ROOT = Path(__file__).parents[1]
COLLECTOR, LOADER, WATCH = "collector", "loader", "watch"
# What the loader's own schedule sends: every integration is loaded.
EVERY_INTEGRATION = {"detail-type": "Scheduled Event"}


def main(arguments: list[str] | None) -> int:
    given = parse(arguments)
    terminal = Terminal()
    try:
        answers = Answers.read()
        if given.command == "package":
            return make_package(given, terminal)
        aws = session(answers, terminal)
        return COMMANDS[given.command](aws, terminal, answers, given)
    except Failure as failure:
        print(f"\nmake {given.command}: {failure}", file=sys.stderr)
    except (BotoCoreError, ClientError) as error:
        print(f"\nmake {given.command}: AWS refuses: {error}; is this shell signed in to the account?", file=sys.stderr)
    except ResponseParserError:
        print(
            f"\nmake {given.command}: what answered is not AWS: look at AWS_ENDPOINT_URL, proxies and the network",
            file=sys.stderr,
        )
    except KeyboardInterrupt:
        return 130
    return 1


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make")
    parser.add_argument("command", choices=[*COMMANDS, "package"])
    parser.add_argument("--arch", choices=["arm64", "x86_64"], default="arm64")
    parser.add_argument("--event", type=as_event, default={}, help='an event, such as {"mode": "full"}')
    parser.add_argument("--secret-id", help="the secret of the org, by name or ARN, where a stack has several")
    parser.add_argument("--which", choices=[COLLECTOR, LOADER, WATCH], default=COLLECTOR)
    parser.add_argument("--minutes", type=int, default=15)
    parser.add_argument("--follow", action="store_true")
    return parser.parse_args(arguments)


def as_event(text: str) -> dict[str, Any]:
    try:
        event = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f'{text} is no JSON ({error}); write it as \'{{"mode": "full"}}\'') from None
    if not isinstance(event, dict):
        raise argparse.ArgumentTypeError(f'{text} is no JSON object; write it as \'{{"mode": "full"}}\'')
    return event


def session(answers: Answers, terminal: Terminal) -> Session:
    """A session in the region of the stack; of a new one, in that of the shell or of its profile. AWS's library for Python looks at
    AWS_DEFAULT_REGION and the profile alone, its other programs at AWS_REGION first."""
    shell = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    aws = boto3.session.Session(region_name=answers.region or shell or None)
    if not aws.region_name:
        raise Failure(
            "no region is set: export AWS_REGION=eu-central-1, or whichever. AWS_DEFAULT_REGION does as well, and so does "
            "the region of the profile (aws configure set region eu-central-1)"
        )
    if answers.region and shell and shell != answers.region:
        terminal.say(f"The region is {answers.region}, as {FILE} has it, and not this shell's {shell}.")
    answers.region = aws.region_name
    return aws


def make_package(given: argparse.Namespace, terminal: Terminal) -> int:
    python = sys.executable
    folder = package.package(
        ROOT,
        ROOT / "target/lambda",
        given.arch,
        package.parts_list_by(python, ROOT),
        package.plain_by(python, ROOT),
        athena=package.athena_by(python, ROOT),
    )
    terminal.say(f"{folder.relative_to(ROOT)}/ and {folder.name}.zip beside it; dist/packaged.yaml is the template")
    return 0


def do_configure(aws: Session, terminal: Terminal, answers: Answers, given: Any) -> int:
    configure(aws, terminal, answers)
    return 0


def do_deploy(aws: Session, terminal: Terminal, answers: Answers, given: Any) -> int:
    stack = Stack(aws, answers.stack, terminal.say)
    if stack.template() == FLEET:
        raise Failure(
            f"the stack {stack.name} is a fleet: make configure adds an org to it, make upgrade deploys this version. "
            f"For a stack of one org write another name into {FILE}"
        )
    questions.ask_all(aws, terminal, answers)
    answers.write()
    terminal.say(f"Kept in {FILE}; make upgrade asks nothing.")
    return install(aws, terminal, answers, given, ONE_ORG)


def do_upgrade(aws: Session, terminal: Terminal, answers: Answers, given: Any) -> int:
    template = Stack(aws, answers.stack, terminal.say).template()
    if not template:
        raise Failure(
            f"there is no stack {answers.stack} in {answers.region}: make deploy, or write the name of one into {FILE}"
        )
    return install(aws, terminal, answers, given, template)


def install(aws: Session, terminal: Terminal, answers: Answers, given: Any, template: str) -> int:
    """Creates or upgrades the stack with this template of the package."""
    folder = ROOT / "dist" / f"okta-authomize-{package.version(ROOT)}-{given.arch}"
    if not folder.is_dir():
        raise Failure(f"{folder.relative_to(ROOT)} is missing: make package ARCH={given.arch}")
    bucket, key = upload(aws, folder, answers.region, answers.tags)
    stack = Stack(aws, answers.stack, terminal.say, answers.tags, answers.service_role)
    url = url_of(bucket, f"{key}/{template}", answers.region)
    if unknown := sorted(answers.parameters.keys() - stack.parameters_of(url)):
        raise Failure(
            f"{FILE} has parameters that {template} does not know: {', '.join(unknown)}; correct them, or take them out"
        )
    code = {"CodeBucket": bucket, "CodeKey": key, "Architecture": given.arch}
    stack.deploy(url, answers.parameters | code)
    check = "make check SECRET_ID=..., for each org's secret" if template == FLEET else "make check"
    terminal.say(f"The stack {answers.stack} is in place. Next: {check}")
    return 0


def do_check(aws: Session, terminal: Terminal, answers: Answers, given: Any) -> int:
    stack = outputs(aws, answers, terminal)
    event = orgs.named(aws, stack, answers.stack, given)
    return 0 if run.check(aws, stack["FunctionName"], terminal, event) else 1


def do_invoke(aws: Session, terminal: Terminal, answers: Answers, given: Any) -> int:
    stack = outputs(aws, answers, terminal)
    if given.which == LOADER:
        report = run.invoke(aws, loader_of(stack, answers, given), given.event or EVERY_INTEGRATION, "load")
    elif given.which == WATCH:
        report = run.invoke(aws, watch_of(stack, answers), given.event or EVERY_INTEGRATION, "look")
    else:
        report = run.invoke(aws, stack["FunctionName"], orgs.named(aws, stack, answers.stack, given))
    terminal.say(json.dumps(report, indent=2, ensure_ascii=False))
    return 0


def loader_of(stack: Any, answers: Answers, given: Any) -> str:
    """The name of the loader's function."""
    if given.secret_id:
        raise Failure(
            """the loader knows integrations, no secrets: EVENT='{"integration": "okta"}', as it is named in the bucket"""
        )
    if "LoaderName" not in stack:
        name = "AuthomizeSecretArn" if stack.is_fleet else "the fourth question of make deploy"
        raise Failure(
            f"the stack {answers.stack} names no loader: Authomize's secret ({name}) brings one; "
            "if it has one, an older version deployed it: make upgrade"
        )
    return stack["LoaderName"]


def watch_of(stack: Any, answers: Answers) -> str:
    """The name of the watch's function."""
    if "WatchName" not in stack:
        raise Failure(f"the stack {answers.stack} has no watch: the parameter DeployWatch brings one")
    return stack["WatchName"]


def do_logs(aws: Session, terminal: Terminal, answers: Answers, given: Any) -> int:
    group = outputs(aws, answers, terminal)["Log"] + ("" if given.which == COLLECTOR else f"-{given.which}")
    run.logs(aws, group, terminal, given.minutes, given.follow)
    return 0


def do_status(aws: Session, terminal: Terminal, answers: Answers, given: Any) -> int:
    for name, link in run.links(aws, outputs(aws, answers, terminal)).items():
        terminal.say(f"{name}, for five minutes:\n{link}")
    return 0


def do_destroy(aws: Session, terminal: Terminal, answers: Answers, given: Any) -> int:
    stack = Stack(aws, answers.stack, terminal.say, service_role=answers.service_role)
    told = stack.described()
    if not told:
        raise Failure(f"there is no stack {answers.stack} in {answers.region}")
    bucket = next((one["OutputValue"] for one in told.get("Outputs", []) if one["OutputKey"] == "BucketName"), None)
    if not terminal.agree(
        f"Remove the stack {answers.stack} in {answers.region}? The bucket with the data and the secrets stay."
    ):
        terminal.say("Nothing was removed.")
        return 1
    stack.destroy()
    data = f"The data is still in s3://{bucket}" if bucket else "A bucket with data, if it had one, is still there"
    terminal.say(f"Removed. {data}; docs/operations.md says how to be rid of it, too.")
    return 0


def outputs(aws: Session, answers: Answers, terminal: Terminal) -> Outputs:
    return Stack(aws, answers.stack, terminal.say).outputs()


COMMANDS = {
    "configure": do_configure,
    "deploy": do_deploy,
    "upgrade": do_upgrade,
    "check": do_check,
    "invoke": do_invoke,
    "logs": do_logs,
    "status": do_status,
    "destroy": do_destroy,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
