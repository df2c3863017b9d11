"""Simulates a fleet for a week: the real rounds (deploy/roster.py) and the real alarms of fleet.yaml, between a queue, a function and a
log of this file's.

Usage: python -m deploy.estimates.fleet, which prints the tables of docs/operations.md

The queue does what AWS documents of FIFO queues: one message of a group is on its way at a time; what is not deleted stays invisible
for the visibility timeout; old messages are dropped; the same deduplication id counts once in five minutes.
"""

import functools
import heapq
import itertools
import json
import random
from collections import defaultdict, deque
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from unittest.mock import patch

from deploy import roster
from deploy.estimates.cloudwatch import ALARM, INSUFFICIENT, Alarm, Metrics
from deploy.estimates.costs import table
from deploy.template import load

ROOT = Path(__file__).parents[2]
SEED = 11
START = datetime(2026, 11, 2, tzinfo=timezone.utc).timestamp()
MINUTE, HOUR, DAY = 60, 3_600, 86_400
# Seconds: of a run that finds little, of one that uses all its time, of one that Lambda ends; and what the template gives the queue.
IDLE, LONG, KILLED = (0.3, 3.0), 885, 900
QUEUE = load(ROOT / "template.yaml")["Resources"]["OrgQueue"]["Properties"]
DEDUPLICATED = 300
STACK = "okta-fleet"
# Several rounds read the same line.
PARSED = functools.cache(roster.parsed)


class Org:
    """An org, and how its runs go: `work_s` is what it still has to read; `limited` runs end early, for Okta's limit is far off."""

    def __init__(self, name, since=START, work_s=0, limited=False) -> None:
        self.arn = f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{name}-AbCdEf"
        self.name, self.since, self.work_s, self.limited = name, since, work_s, limited
        self.sick: list[tuple[float, float]] = []
        self.hangs: list[tuple[float, float]] = []
        self.tags = [roster.TAG]
        self.began: list[float] = []
        self.well_at: float | None = None

    def is_healthy(self) -> Any:
        return not self.sick and not self.hangs and self.name.startswith("okta/")

    def is_sick(self, now) -> bool:
        return any(begins <= now < ends for begins, ends in self.sick)

    def hangs_at(self, now) -> bool:
        return any(begins <= now < ends for begins, ends in self.hangs)

    def run(self, now, rng) -> tuple[Any, None] | tuple[Any, Any]:
        """One run from now on: (its duration, its line of metrics or `None` if Lambda ends it)."""
        self.began.append(now)
        if self.hangs_at(now):
            return KILLED, None
        if self.is_sick(now):
            return rng.uniform(*IDLE), self._line("error", now, errorType="CredentialsRejected")
        if self.work_s:
            duration = min(self.work_s, 60 if self.limited else LONG)
            self.work_s -= duration
            if self.work_s:
                after = {"continue": False, "retry_after_seconds": 840} if self.limited else {"continue": True}
                return duration, self._line("partial", now + duration, **after)
        else:
            duration = rng.uniform(*IDLE)
        self.well_at = now + duration
        return duration, self._line("succeeded", now + duration)

    def _line(self, outcome, at, **more) -> Any:
        line = {"message": "metrics", "secret": self.arn, "outcome": outcome, **more}
        if self.well_at is not None:
            line["freshness_seconds"] = int(at - self.well_at)
        return line


class Fleet:
    """Orgs, queue, function and log from `START` on; `client` is AWS as the rounds see it."""

    def __init__(self, orgs, minutes=15, at_once=500) -> None:
        self.orgs = {org.arn: org for org in orgs}
        self.minutes, self.at_once = minutes, at_once
        self.now, self.rng = START, random.Random(SEED)
        self.groups: dict[str, deque[Any]] = defaultdict(deque)
        self.busy: dict[str, Any] = {}
        self.running = 0
        self.seen: dict[str, Any] = {}
        self.log: deque[Any] = deque()
        self.events: list[Any] = []
        self.order = itertools.count()
        self.metrics, self.longest_queue = Metrics(), 0
        self.notices: list[Any] = []
        self.paused: list[Any] = []
        self.settings = {
            "SCHEDULE_MINUTES": str(minutes),
            "QUEUE_URL": "queue",
            "LOG_GROUP": "log",
            "STACK_NAME": STACK,
            "DATA_EXPIRES": "false",
            "TOPIC_ARN": "topic",
        }

    # AWS, as far as the rounds use it.
    def client(self, service) -> Any:
        return self

    def get_paginator(self, name) -> Any:
        pages: Any = {"list_secrets": self._secrets, "filter_log_events": self._log_events}[name]
        return type("Pages", (), {"paginate": staticmethod(pages)})

    def _secrets(self, Filters) -> Iterator[dict[Any, Any]]:
        there = [org for org in self.orgs.values() if org.since <= self.now]
        for first in range(0, len(there), 100):
            part = there[first : first + 100]
            yield {
                "SecretList": [
                    {
                        "ARN": org.arn,
                        "Name": org.name,
                        "Tags": org.tags,
                        "LastChangedDate": datetime.fromtimestamp(org.since, timezone.utc),
                    }
                    for org in part
                ]
            }

    def _log_events(self, logGroupName, startTime, filterPattern) -> Iterator[dict[Any, Any]]:
        yield {
            "events": [{"timestamp": at * 1_000, "message": text} for at, text in self.log if at * 1_000 >= startTime]
        }

    def get_queue_attributes(self, QueueUrl, AttributeNames) -> dict[Any, Any]:
        return {"Attributes": {"CreatedTimestamp": str(int(START))}}

    def send_message_batch(self, QueueUrl, Entries) -> dict[Any, Any]:
        for entry in Entries:
            if self.now - self.seen.get(entry["MessageDeduplicationId"], -DEDUPLICATED) >= DEDUPLICATED:
                self.seen[entry["MessageDeduplicationId"]] = self.now
                group = entry["MessageGroupId"]
                self.groups[group].append((self.now, json.loads(entry["MessageBody"])["secret_id"]))
                self._plan(self.now, self._serve, group)
        return {}

    def publish(self, TopicArn, Subject, Message) -> None:
        self.notices.append((self.now, Subject, Message))

    # What happens by itself.
    def _plan(self, at, what, *given) -> None:
        heapq.heappush(self.events, (at, next(self.order), what, given))

    def _serve(self, group) -> None:
        """Starts the group's next message, if none of it is on its way and there is room."""
        waiting = self.groups[group]
        while waiting and self.now - waiting[0][0] >= QUEUE["MessageRetentionPeriod"]:
            waiting.popleft()
        if not waiting or group in self.busy:
            return
        if self.running >= self.at_once:
            # Whoever waits is looked at again when a run ends.
            return
        _, secret = waiting.popleft()
        duration, line = self.orgs[secret].run(self.now, self.rng)
        self.running += 1
        self.busy[group] = self.now
        is_done = line is not None and line["outcome"] != "error"
        self._plan(self.now + duration, self._end, line)
        # What failed is not deleted: it is in the way of its group until it is visible again, and by then it is dropped.
        self._plan(self.now + (duration if is_done else QUEUE["VisibilityTimeout"]), self._free, group)

    def _end(self, line) -> None:
        self.running -= 1
        if line:
            self.log.append((self.now, json.dumps(line)))
        while self.log and self.log[0][0] < self.now - 4 * HOUR:
            self.log.popleft()
        waiting = [(queue[0][0], group) for group, queue in self.groups.items() if queue and group not in self.busy]
        self.longest_queue = max(self.longest_queue, len(waiting))
        if waiting:
            self._serve(min(waiting)[1])

    def _free(self, group) -> None:
        del self.busy[group]
        self._serve(group)

    def _round(self, kind) -> None:
        if not any(begins <= self.now < ends for begins, ends in self.paused):
            at = datetime.fromtimestamp(self.now, timezone.utc).isoformat()
            with (
                patch.object(roster, "parsed", PARSED),
                patch.object(roster, "print", lambda *_, **__: None, create=True),
            ):
                gauges = roster.run({"round": kind, "at": at}, self.client, self.settings, self.now)
            if kind == "orgs":
                self.metrics.emf(roster.emf(STACK, gauges or {}, self.now), self.now)

    def go(self, days) -> Any:
        """Lets time pass."""
        for minute in range(int(days * DAY / MINUTE)):
            at = START + minute * MINUTE
            if minute % self.minutes == 0:
                self._plan(at, self._round, "orgs")
            if minute % 15 == 0:
                self._plan(at, self._round, "unfinished")
            if minute % (24 * 60) == 7 * 60:
                self._plan(at, self._round, "summary")
        ends = START + days * DAY
        while self.events and self.events[0][0] < ends:
            self.now, _, what, given = heapq.heappop(self.events)
            what(*given)
        return self


def alarms(fleet, days) -> list[Any]:
    """Of each alarm of fleet.yaml on the rounds' metrics: (time, name, state) of its changes."""
    found = []
    for name, resource in load(ROOT / "fleet.yaml")["Resources"].items():
        if resource["Type"] == "AWS::CloudWatch::Alarm" and "OktaAuthomize" in str(resource):
            alarm = Alarm(resource["Properties"], {"AWS::StackName": STACK})
            found += [(at, name, state) for at, state in alarm.changes(fleet.metrics, START, START + days * DAY)]
    return sorted(found)


def intervals(orgs, begins=0.0, ends=float("inf")) -> list[Any]:
    """Seconds between the beginnings of two runs of these orgs, sorted."""
    found = []
    for org in orgs:
        began = [at - START for at in org.began if begins <= at - START < ends]
        found += [later - earlier for earlier, later in itertools.pairwise(began)]
    return sorted(found)


def healthy(number) -> list[Any]:
    return [Org(f"okta/{n:03}") for n in range(number)]


def told(values) -> list[Any]:
    if not values:
        return ["", ""]
    return [f"{values[len(values) // 2] / MINUTE:.1f} min", f"{values[-1] / MINUTE:.1f} min"]


CASES = {
    "all are well": lambda: healthy(500),
    "one hangs until Lambda ends it, every time": lambda: [*healthy(499), hanging()],
    "50 are new, with six hours to read each": lambda: [
        *healthy(450),
        *(Org(f"new/{n}", work_s=6 * HOUR) for n in range(50)),
    ],
    "50 end as errors": lambda: [*healthy(450), *(failing(n) for n in range(50))],
}


def hanging() -> Any:
    org = Org("okta/hangs")
    org.hangs = [(START, float("inf"))]
    return org


def failing(n) -> Any:
    org = Org(f"okta/fails-{n}")
    org.sick = [(START, float("inf"))]
    return org


def by_cases(days=0.5) -> Any:
    """What the healthy orgs see of the others in half a day, at 15 minutes."""
    rows = []
    for name, orgs in CASES.items():
        row = [name]
        for at_once in (500, 100, 10):
            fleet = Fleet(orgs(), at_once=at_once).go(days)
            well = [org for org in fleet.orgs.values() if org.is_healthy()]
            row += told(intervals(well))
        rows.append(row)
    header = ["of 500 orgs", "500 at once: p50", "longest", "100 at once: p50", "longest", "10 at once: p50", "longest"]
    return table(header, rows)


def newcomers() -> Any:
    """500 orgs that are all new at once, and whose runs all wait for limits."""
    return Fleet([Org(f"okta/{n:03}", work_s=HOUR, limited=True) for n in range(500)])


def week() -> Any:
    """500 orgs, and what befalls them."""
    orgs = healthy(449)
    orgs += [Org(f"new/{n:02}", since=START + 2 * DAY, work_s=6 * HOUR) for n in range(50)]
    orgs.append(hanging())
    for n, day in ((0, 1.0), (1, 1.5), (2, 3.0)):
        # The first is never mended.
        orgs[n].sick = [(START + day * DAY, START + (7 if n == 0 else day + 0.5) * DAY)]
    for org in orgs[100:200]:
        org.sick = [(START + 4 * DAY, START + 4 * DAY + 6 * HOUR)]
    fleet = Fleet(orgs)
    fleet.paused = [(START + 6 * DAY, START + 6 * DAY + 6 * HOUR)]
    return fleet


def clock(at) -> str:
    return f"day {int((at - START) // DAY) + 1}, {datetime.fromtimestamp(at, timezone.utc):%H:%M}"


def of_the_week(fleet) -> Any:
    rows = []
    went_off = {}
    for at, name, state in alarms(fleet, 7):
        if state in (ALARM, INSUFFICIENT):
            went_off[name] = (at, state)
        elif name in went_off:
            since, how = went_off.pop(name)
            rows.append((since, name, how, clock(at)))
    rows += [(since, name, how, "goes on") for name, (since, how) in went_off.items()]
    return table(
        ["goes off", "alarm", "as", "is over"],
        [[clock(since), f"`{name}`", how, over] for since, name, how, over in sorted(rows)],
    )


def of_the_orgs(fleet) -> str:
    """Intervals of the healthy orgs while rounds went on, and what the summaries said."""
    well = [org for org in fleet.orgs.values() if org.is_healthy()]
    half, longest = told(intervals(well, ends=6 * DAY))
    lines = [f"{clock(at)}: {subject}" for at, subject, _ in fleet.notices]
    return "\n".join(
        [f"healthy orgs: p50 {half}, longest {longest}", *lines, "", *fleet.notices[-1][2].splitlines()[:5]]
    )


def main() -> None:
    fleet = week().go(7)
    print(by_cases(), of_the_week(fleet), of_the_orgs(fleet), sep="\n\n")


if __name__ == "__main__":
    main()
