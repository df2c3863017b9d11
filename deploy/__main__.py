"""make's targets for AWS.

Usage: python -m deploy configure | deploy | upgrade | check | invoke | logs | status | destroy | package
"""

import argparse
import json
import os
import sys

from pathlib import Path

import boto3

from botocore.exceptions import BotoCoreError, ClientError

from deploy import package, questions, run
from deploy.answers import FILE, Answers
from deploy.ask import Terminal
from deploy.configure import configure
from deploy.failure import Failure
from deploy.stack import Stack, upload, url_of

ROOT = Path(__file__).parents[1]
LOADER = "loader"


def main(arguments):
    given = parse(arguments)
    terminal = Terminal()
    try:
        answers = Answers.read()
        if given.command == "package":
            return make_package(given, terminal)
        aws = boto3.session.Session(region_name=answers.region or None)
        if not aws.region_name:
            raise Failure("no region is set: export AWS_REGION=eu-central-1, or whichever")
        answers.region = aws.region_name
        return COMMANDS[given.command](aws, terminal, answers, given)
    except Failure as failure:
        print(f"\nmake {given.command}: {failure}", file=sys.stderr)
    except (BotoCoreError, ClientError) as error:
        print(f"\nmake {given.command}: AWS refuses: {error}; is this shell signed in to the account?", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


def parse(arguments):
    parser = argparse.ArgumentParser(prog="make")
    parser.add_argument("command", choices=[*COMMANDS, "package"])
    parser.add_argument("--arch", choices=["arm64", "x86_64"], default="arm64")
    parser.add_argument("--event", type=json.loads, default={}, help='an event, such as {"mode": "full"}')
    parser.add_argument("--which", choices=["collector", LOADER], default="collector")
    parser.add_argument("--minutes", type=int, default=15)
    parser.add_argument("--follow", action="store_true")
    return parser.parse_args(arguments)


def make_package(given, terminal):
    python = os.environ.get("CHECKOV_PYTHON", sys.executable)
    folder = package.package(ROOT, ROOT / "target/lambda", given.arch, package.parts_list_by(python, ROOT))
    terminal.say(f"{folder.relative_to(ROOT)}/ and {folder.name}.zip beside it; dist/packaged.yaml is the template")
    return 0


def do_configure(aws, terminal, answers, given):
    configure(aws, terminal, answers)
    return 0


def do_deploy(aws, terminal, answers, given):
    questions.ask_all(aws, terminal, answers)
    answers.write()
    terminal.say(f"Kept in {FILE}; make upgrade asks nothing.")
    return do_upgrade(aws, terminal, answers, given)


def do_upgrade(aws, terminal, answers, given):
    if not answers.secret:
        raise Failure(f"{FILE} has no answers: make deploy")
    folder = ROOT / "dist" / f"okta-authomize-{package.version(ROOT)}-{given.arch}"
    if not folder.is_dir():
        raise Failure(f"{folder.relative_to(ROOT)} is missing: make package ARCH={given.arch}")
    bucket, key = upload(aws, folder, answers.region)
    code = {"CodeBucket": bucket, "CodeKey": key, "Architecture": given.arch}
    stack = Stack(aws, answers.stack, terminal.say)
    stack.deploy(url_of(bucket, f"{key}/packaged.yaml", answers.region), answers.parameters | code)
    terminal.say(f"The stack {answers.stack} is in place. Next: make check")
    return 0


def do_check(aws, terminal, answers, given):
    return 0 if run.check(aws, outputs(aws, answers, terminal), terminal, given.event) else 1


def do_invoke(aws, terminal, answers, given):
    report = run.invoke(aws, outputs(aws, answers, terminal), given.event)
    terminal.say(json.dumps(report, indent=2, ensure_ascii=False))
    return 0


def do_logs(aws, terminal, answers, given):
    group = outputs(aws, answers, terminal)["Log"] + (f"-{LOADER}" if given.which == LOADER else "")
    run.logs(aws, group, terminal, given.minutes, given.follow)
    return 0


def do_status(aws, terminal, answers, given):
    for name, link in run.links(aws, outputs(aws, answers, terminal)).items():
        terminal.say(f"{name}, for five minutes:\n{link}")
    return 0


def do_destroy(aws, terminal, answers, given):
    stack = Stack(aws, answers.stack, terminal.say)
    told = stack.described()
    if not told:
        raise Failure(f"there is no stack {answers.stack} in {answers.region}")
    bucket = next((one["OutputValue"] for one in told.get("Outputs", []) if one["OutputKey"] == "BucketName"), None)
    if not terminal.agree(f"Remove the stack {answers.stack} in {answers.region}? The bucket with the data and the secrets stay."):
        terminal.say("Nothing was removed.")
        return 1
    stack.destroy()
    terminal.say(f"Removed. The data is still in s3://{bucket}; docs/operations.md says how to be rid of it, too.")
    return 0


def outputs(aws, answers, terminal):
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
