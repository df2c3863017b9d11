"""A round of a fleet: one message for every org whose secret carries the tag, and what is to be said of them all.

It is the code of a function in fleet.yaml, whose only libraries are Python's own and Lambda's boto3: `python -m deploy.inline` puts it
there. A message names a secret by its ARN, and its group in the queue is that org's: SQS hands on a group's next message when the last
one is done with, so that an org's runs never overlap and no org waits for another. Nothing is remembered between rounds: how an org
fares is read in the collector's lines of metrics.
"""

import datetime
import functools
import hashlib
import json
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import boto3

TAG = {"Key": "okta-authomize", "Value": "collect"}
# A run ends after 15 minutes, and after an error SQS keeps the org's next message for 16.
LONGEST_RUN_S = 960
MESSAGES_PER_REQUEST = 10
HOUR_S = 3_600
# How long an org may not be well: with errors or streams that cannot be read; with runs that are merely cut short; with commits that
# the loader has not loaded; with a state that may expire.
NOT_WELL_S, PARTIAL_S, NOT_LOADED_S, STALE_S = 3 * HOUR_S, 24 * HOUR_S, 3 * HOUR_S, 14 * 24 * HOUR_S
MOST_NAMED = 500
Client = Callable[[str], Any]
# By ARN: the org's name, and since when it could have been run, in seconds since 1970.
Orgs = dict[str, tuple[str, float]]
# By ARN: the newest line of a run.
Lines = dict[str, dict[str, Any]]
GAUGES = (
    ("orgs", "Count"),
    ("orgs_not_run", "Count"),
    ("orgs_newly_not_run", "Count"),
    ("orgs_sick", "Count"),
    ("orgs_newly_sick", "Count"),
    ("oldest_run_seconds", "Seconds"),
)


class Round:
    """One round at `now`, in seconds since 1970, with `client(service)` for AWS and `settings` as in the environment."""

    def __init__(self, client: Client, settings: Mapping[str, str], now: float) -> None:
        self._client = client
        self._settings = settings
        self._now = now
        self._every = 60 * int(settings["SCHEDULE_MINUTES"])
        # Three rounds, or three of the longest runs.
        self.not_run_s = 3 * max(self._every, LONGEST_RUN_S)
        # What has become so within two rounds is news.
        self.news_s = 2 * self._every

    def orgs(self) -> Orgs:
        """The tagged secrets: ARN -> (name, since when it is to be collected). Secrets Manager's own filters compare beginnings, and
        neither key with value."""
        filters = [{"Key": "tag-key", "Values": [TAG["Key"]]}, {"Key": "tag-value", "Values": [TAG["Value"]]}]
        pages = self._client("secretsmanager").get_paginator("list_secrets").paginate(Filters=filters)
        secrets = [
            one
            for page in pages
            for one in page["SecretList"]
            if TAG in one.get("Tags", []) and "DeletedDate" not in one
        ]
        queue = self._client("sqs").get_queue_attributes(
            QueueUrl=self._settings["QUEUE_URL"], AttributeNames=["CreatedTimestamp"]
        )
        deployed = float(queue["Attributes"]["CreatedTimestamp"])
        changed = {one["ARN"]: one.get("LastChangedDate") or one.get("CreatedDate") for one in secrets}
        return {one["ARN"]: (one["Name"], max(deployed, seconds(changed[one["ARN"]]))) for one in secrets}

    def send(self, orgs: Iterable[str], at: str) -> None:
        """Sends each org's message of the round `at`. The same round again sends nothing new. The order is another one each time, for
        the first are the first to be served."""
        orgs = sorted(orgs)
        random.Random(at).shuffle(orgs)
        for first in range(0, len(orgs), MESSAGES_PER_REQUEST):
            entries = [
                {
                    "Id": str(number),
                    "MessageBody": json.dumps({"secret_id": org}),
                    "MessageGroupId": digest(org),
                    "MessageDeduplicationId": digest(f"{org} {at}"),
                }
                for number, org in enumerate(orgs[first : first + MESSAGES_PER_REQUEST])
            ]
            answer = self._client("sqs").send_message_batch(QueueUrl=self._settings["QUEUE_URL"], Entries=entries)
            if failed := answer.get("Failed"):
                raise RuntimeError(
                    f"SQS did not take {len(failed)} messages: {failed[0].get('Code')}: {failed[0].get('Message')}"
                )

    def lines(self, orgs: Orgs) -> Lines:
        """The newest line of metrics of each org, with the time `at` of it, as far back as counts."""
        known = {name: org for org, (name, _) in orgs.items()} | {org: org for org in orgs}
        since = self._now - self.not_run_s - self.news_s - self._every
        pages = (
            self._client("logs")
            .get_paginator("filter_log_events")
            .paginate(
                logGroupName=self._settings["LOG_GROUP"],
                startTime=int(since * 1_000),
                filterPattern='{ $.message = "metrics" }',
            )
        )
        found: dict[str, Any] = {}
        for event in (event for page in pages for event in page["events"]):
            line, at = parsed(event["message"]), event["timestamp"] / 1_000
            org = known.get(str(line.get("secret")))
            if org and line.get("message") == "metrics" and at >= found.get(org, {"at": 0})["at"]:
                found[org] = {**line, "at": at}
        return found

    def unfinished(self, lines: Lines) -> list[str]:
        """Orgs of which another run would get further by now."""
        wait = {org: line.get("retry_after_seconds") for org, line in lines.items()}
        return [
            org
            for org, line in lines.items()
            if line.get("continue") or (wait[org] is not None and line["at"] + wait[org] <= self._now)
        ]

    def silence(self, orgs: Orgs, lines: Lines) -> dict[str, float]:
        """For how many seconds each org was not run."""
        return {
            org: max(0.0, self._now - max(since, lines.get(org, {"at": 0})["at"])) for org, (_, since) in orgs.items()
        }

    def troubles(self, since: float, line: dict[str, Any]) -> Iterator[tuple[str, float, float]]:
        """What is wrong with an org by its newest line: (text, seconds for which it is so, seconds from which it counts)."""
        passed = self._now - line["at"]
        well = line.get("freshness_seconds")
        unwell = self._now - since if well is None else well + passed
        if line["outcome"] in ("error", "degraded"):
            yield f"not well for {told(unwell)}: {reason(line)}", unwell, NOT_WELL_S
        if line["outcome"] == "partial":
            yield f"every run for {told(unwell)} was cut short", unwell, PARTIAL_S
        lag = line.get("load_lag_seconds") or 0
        if lag:
            yield f"what was committed {told(lag + passed)} ago is not loaded", lag + passed, NOT_LOADED_S
        if line.get("load_outcome") in ("degraded", "held"):
            # The line does not say since when: it is named, and not counted.
            yield f"the last load was {line['load_outcome']}", 0, 0
        age = line.get("state_age_seconds") or 0
        if self._settings.get("DATA_EXPIRES") == "true":
            yield f"the state of a stream is {told(age + passed)} old", age + passed, STALE_S

    def told(self) -> tuple[dict[str, float], dict[str, list[str]]]:
        """The numbers of the round, and what is to be said of each org in trouble, by its name."""
        orgs = self.orgs()
        lines = self.lines(orgs)
        silence = self.silence(orgs, lines)
        not_run = {org for org, quiet in silence.items() if quiet >= self.not_run_s}
        sick: set[str] = set()
        newly: set[str] = set()
        words: dict[str, list[str]] = {}
        for org, (name, since) in orgs.items():
            if org in not_run:
                words[name] = [f"not run for {told(silence[org])}"]
            elif org in lines:
                over = [one for one in self.troubles(since, lines[org]) if one[1] >= one[2]]
                counted = [age - limit for _, age, limit in over if limit]
                sick |= {org} if counted else set()
                newly |= {org} if any(since_s < self.news_s for since_s in counted) else set()
                if over:
                    words[name] = [text for text, _, _ in over]
        gauges: dict[str, float] = {
            "orgs": len(orgs),
            "orgs_not_run": len(not_run),
            "orgs_newly_not_run": sum(silence[org] < self.not_run_s + self.news_s for org in not_run),
            "orgs_sick": len(sick),
            "orgs_newly_sick": len(newly),
            "oldest_run_seconds": int(max(silence.values(), default=0)),
        }
        return gauges, words

    def publish(self, gauges: dict[str, float], words: dict[str, list[str]]) -> None:
        """Names the orgs in trouble to whom alarms go; nothing where there are none."""
        if not words:
            return
        named = [f"{name}: {'; '.join(words[name])}" for name in sorted(words)]
        more = [f"and {len(named) - MOST_NAMED} more"] if len(named) > MOST_NAMED else []
        text = [f"Of {gauges['orgs']} orgs {len(named)} are in trouble.", "", *named[:MOST_NAMED], *more, "", FIRST]
        subject = f"Okta orgs in trouble: {len(named)} of {gauges['orgs']}"
        self._client("sns").publish(TopicArn=self._settings["TOPIC_ARN"], Subject=subject, Message="\n".join(text))


FIRST = (
    "First: read the status pages of these orgs in the bucket (make status); they name the remedies. Of an org without one, the collector's "
    "log names the error (make logs). How and where: okta-authomize, docs/operations.md, At an alarm."
)


def parsed(text: str) -> dict[str, Any]:
    """A line of the log; nothing where it is none of the collector's own."""
    try:
        line = json.loads(text)
    except ValueError:
        return {}
    return line if isinstance(line, dict) else {}


def reason(line: dict[str, Any]) -> str:
    if line.get("errorType"):
        return line["errorType"]
    bad = {name: stream["outcome"] for name, stream in (line.get("streams") or {}).items()}
    return (
        ", ".join(f"{name} {how}" for name, how in sorted(bad.items()) if how in ("unavailable", "held", "failed"))
        or line["outcome"]
    )


def told(duration_s: float) -> str:
    """A duration for people, such as `5 h`."""
    for unit, length in (("d", 24 * HOUR_S), ("h", HOUR_S)):
        if duration_s >= 2 * length:
            return f"{duration_s / length:.0f} {unit}"
    return f"{duration_s / 60:.0f} min"


def seconds(time_or_none: datetime.datetime | None) -> float:
    return time_or_none.timestamp() if time_or_none else 0.0


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def emf(stack: str, gauges: dict[str, float], now: float) -> dict[str, Any]:
    """The gauges in CloudWatch's embedded metric format."""
    metrics = [{"Name": name, "Unit": unit} for name, unit in GAUGES]
    directive = {"Namespace": "OktaAuthomize", "Dimensions": [["stack"]], "Metrics": metrics}
    return {
        "_aws": {"Timestamp": int(now * 1_000), "CloudWatchMetrics": [directive]},
        "message": "round",
        "stack": stack,
        **gauges,
    }


def run(event: dict[str, Any], client: Client, settings: Mapping[str, str], now: float) -> dict[str, float] | None:
    """`{"round": "orgs"}` sends every org's message and measures, `unfinished` sends those that would get further, where rounds are
    rarer than runs are long, and `summary` names the orgs in trouble."""
    kind = event.get("round", "orgs")
    at = event.get("at") or datetime.datetime.fromtimestamp(now, datetime.timezone.utc).isoformat()
    # To the minute: both schedules may begin the same one.
    at = at[:16]
    one = Round(client, settings, now)
    if kind == "unfinished":
        if 60 * int(settings["SCHEDULE_MINUTES"]) > LONGEST_RUN_S:
            one.send(one.unfinished(one.lines(one.orgs())), at)
        return None
    if kind == "orgs":
        # First, so that nothing that goes wrong in measuring stops an org.
        one.send(one.orgs(), at)
    gauges, words = one.told()
    if kind == "summary":
        one.publish(gauges, words)
    else:
        print(json.dumps(emf(settings["STACK_NAME"], gauges, now)), flush=True)
    return gauges


def handler(event: dict[str, Any], context: object) -> dict[str, float] | None:
    return run(event, functools.cache(boto3.client), os.environ, time.time())
