"""Questions to a deployed stack: a run, a check, its log, its status page."""

import datetime
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import ClientError

from demo import check as shown
from deploy.ask import Terminal
from deploy.failure import Failure

# A run ends before Lambda's 900 seconds; an answer that got lost must not start a second one.
PATIENT = Config(read_timeout=910, retries={"total_max_attempts": 1})
LINK_SECONDS = 300


def invoke(aws: Session, function: str, event: dict[str, Any] | None, what: str = "run") -> dict[str, Any]:
    """The report of one run, or of one load."""
    try:
        answer = aws.client("lambda", config=PATIENT).invoke(FunctionName=function, Payload=json.dumps(event).encode())
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        if code == "TooManyRequestsException":
            raise Failure(f"a {what} is under way: try again when it has ended, or follow it with make logs") from None
        raise Failure(f"the function {function} cannot be invoked: {message}") from None
    told = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise Failure(f"{told.get('errorType', 'error')}: {told.get('errorMessage', '')}")
    return told


def check(aws: Session, function: str, terminal: Terminal, event: dict[str, Any]) -> bool:
    """Shows a check's report as a table; whether every stream can be read."""
    report = invoke(aws, function, event | {"mode": "check"})
    terminal.say("\n".join(shown.table(report, shown.width())))
    return shown.is_open(report)


def logs(aws: Session, group: str, terminal: Terminal, minutes: int, follow: bool) -> None:
    """Shows the lines of the last minutes, and then those that come."""
    client = aws.client("logs")
    since = int((time.time() - 60 * minutes) * 1000)
    seen = set()
    while True:
        for event in events(client, group, since):
            if event["eventId"] not in seen:
                seen.add(event["eventId"])
                terminal.say(line(event))
        if not follow:
            return
        # Lines may come late: the last minutes are asked for again, and shown once.
        since = max(since, int((time.time() - 180) * 1000))
        time.sleep(3)


def events(client: Any, group: str, since: float) -> Iterator[dict[str, Any]]:
    try:
        for page in client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since):
            yield from page["events"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        raise Failure(f"there is no log group {group}: the stack does not have this function") from None


def line(event: dict[str, Any]) -> str:
    """A line for people: time, level, message, and the rest as it is. A line of metrics is told in a word."""
    text = event["message"].rstrip()
    try:
        told = json.loads(text)
    except ValueError:
        told = None
    if not isinstance(told, dict) or "message" not in told:
        at = datetime.datetime.fromtimestamp(event["timestamp"] / 1000, datetime.timezone.utc)
        return f"{at:%H:%M:%S} {text}"
    rest = {key: value for key, value in told.items() if key not in ("timestamp", "level", "message", "target", "_aws")}
    if "_aws" in told:
        rest = {key: value for key, value in rest.items() if isinstance(value, (int, float)) and value}
    fields = " ".join(f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in rest.items())
    return f"{told.get('timestamp', '')[11:19]} {told.get('level', ''):<5} {told['message']} {fields}".rstrip()


def links(aws: Session, outputs: Mapping[str, str]) -> dict[str, str]:
    """For each integration, a link to its status page that is good for five minutes."""
    bucket = outputs["BucketName"]
    prefix = outputs["Status"].removeprefix(f"s3://{bucket}/")
    # Where the bucket has a KMS key, S3 refuses the older signature, which is the default in the oldest regions.
    s3 = aws.client("s3", config=Config(signature_version="s3v4"))
    found = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for one in page.get("Contents", []):
            if one["Key"].endswith(".html"):
                name = one["Key"].removeprefix(prefix).removesuffix(".html")
                given = {"Bucket": bucket, "Key": one["Key"]}
                found[name] = s3.generate_presigned_url("get_object", Params=given, ExpiresIn=LINK_SECONDS)
    if not found:
        raise Failure("no run has written a status so far: make check")
    return found
