"""A month's costs, from what was measured (bench/results.md) and AWS's list prices.

Usage: python -m deploy.estimates.costs, which prints the tables of docs/operations.md
"""

from dataclasses import dataclass
from math import ceil
from typing import Any

# List prices of us-east-1 in US dollars, without free tiers.
PER_GB_SECOND = 0.0000133334  # Lambda on arm64
PER_MILLION_INVOCATIONS = 0.20
PER_1000_PUTS = 0.005  # and listings
PER_1000_GETS = 0.0004
PER_GB_MONTH = 0.023  # S3 Standard
PER_SECRET = 0.40
PER_10000_SECRET_READS = 0.05
PER_METRIC = 0.30
PER_ALARM_METRIC = 0.10
PER_DASHBOARD = 3.00
PER_GB_OF_LOG = 0.50
PER_MILLION_FIFO = 0.50  # requests to a FIFO queue
PER_MILLION_QUEUED = 0.40  # requests to another queue
PER_MILLION_STARTS = 1.00  # of EventBridge Scheduler

DAYS = 30
MEMORY_GB = 0.25
METRICS = 15
ALARM_METRICS = 11  # metrics that the alarms of one org watch, without the loader's own

# Measured: requests of a snapshot without factors and bytes as stored, of an org of 10,000 users, 500 groups and 100 apps.
BENCH_USERS = 10_000
SNAPSHOT_REQUESTS = 1_314
SNAPSHOT_GB = 0.0030
FACTOR_REQUESTS_PER_USER = 1
FACTORS_GB_PER_10000 = 0.0002
GB_PER_EVENT = 0.0107 / 50_000
LINE_GB = 4.5e-6  # of log a run: the line of metrics and the one that it ended

# Assumed.
REQUESTS_PER_MINUTE = 300  # half of a limit of 600, of which most of a snapshot's requests share one
IDLE_SECONDS = 0.3  # one request to Okta, one secret, two of S3
EVENTS_PER_USER_AND_DAY = 20
KEPT_EVENT_DAYS = 400
COMMITTING_SHARE = 0.6  # runs that find something
OBJECTS_PER_COMMIT = 7  # three batches, manifest, cursor, status and its page
MONTHS_KEPT = 12  # of snapshots, which nothing deletes by default
# A fleet's rounds: seconds at 256 MB of one, and of each org in it; secrets a page, messages a request; Lambda's pollers of the queue,
# each of which asks three times a minute.
ROUND_SECONDS, ROUND_SECONDS_PER_ORG = 1.0, 0.005
SECRETS_PER_PAGE, MESSAGES_PER_REQUEST, POLLS = 100, 10, 5 * 3 * 60 * 24 * DAYS
GAUGES = 6  # metrics of the rounds
FLEET_ALARM_METRICS = 10  # metrics that the alarms of a fleet watch, without the loader
# The loader: memory; seconds of a load of what changed, and of a full one, a day, per 1,000 users (docs/loader.md measured 14 s for
# 10,000); objects read and written for a load.
LOADER_GB, LOAD_SECONDS, FULL_LOAD_SECONDS_PER_1000 = 1.0, 1.0, 1.4
LOAD_GETS, LOAD_PUTS = 12, 2
# The watch: memory; requests of a wake-up, of which every commit is one, were counted (listings are among the PUTs, whose price they
# have); seconds of it, and those for each million events of the 90 days that findings look at, are of bench/watch.py's processor time.
WATCH_GB, WAKE_GETS, WAKE_PUTS = 1.5, 18, 30
WAKE_SECONDS, WAKE_SECONDS_PER_MILLION, FINDINGS_DAYS = 2.0, 7.0, 90


@dataclass
class Month:
    function: float
    bucket: float
    secret: float
    log: float

    def total(self) -> Any:
        return self.function + self.bucket + self.secret + self.log


def runs(minutes) -> Any:
    return DAYS * 24 * 60 / minutes


def seconds(users, minutes) -> Any:
    """Billed seconds of a month: runs that find little, daily snapshots, weekly factors; waiting for limits is billed, too."""
    snapshot = 60 * SNAPSHOT_REQUESTS * users / BENCH_USERS / REQUESTS_PER_MINUTE
    factors = 60 * FACTOR_REQUESTS_PER_USER * users / REQUESTS_PER_MINUTE
    return runs(minutes) * IDLE_SECONDS + DAYS * snapshot + DAYS / 7 * factors


def invocations(users, minutes) -> Any:
    """Runs, and those that go on after 15 minutes."""
    return runs(minutes) + seconds(users, minutes) / 885


def stored_gb(users) -> Any:
    scale = users / BENCH_USERS
    events = users * EVENTS_PER_USER_AND_DAY * KEPT_EVENT_DAYS * GB_PER_EVENT
    snapshots = MONTHS_KEPT * (DAYS * SNAPSHOT_GB + DAYS / 7 * FACTORS_GB_PER_10000) * scale
    return events + snapshots


def org(users, minutes) -> Any:
    """The costs of one org, whichever way it is deployed."""
    function = (
        seconds(users, minutes) * MEMORY_GB * PER_GB_SECOND
        + invocations(users, minutes) * PER_MILLION_INVOCATIONS / 1e6
    )
    puts = runs(minutes) * (COMMITTING_SHARE * OBJECTS_PER_COMMIT + 1)
    gets = runs(minutes) * 2
    bucket = puts * PER_1000_PUTS / 1000 + gets * PER_1000_GETS / 1000 + stored_gb(users) * PER_GB_MONTH
    secret = PER_SECRET + runs(minutes) * PER_10000_SECRET_READS / 10_000
    return Month(function, bucket, secret, runs(minutes) * LINE_GB * PER_GB_OF_LOG)


def watching(sets) -> Any:
    return sets * METRICS * PER_METRIC + ALARM_METRICS * PER_ALARM_METRIC + PER_DASHBOARD


def rounds(orgs, minutes) -> Any:
    """A month of a fleet's rounds: the queue, the listing of secrets, the schedules and the function of them."""
    messages = runs(minutes) * orgs
    queue = messages * (2 + 1 / MESSAGES_PER_REQUEST) + POLLS
    listings = (runs(minutes) + DAYS) * ceil(orgs / SECRETS_PER_PAGE)
    starts = runs(minutes) + runs(15) + DAYS
    function = starts * PER_MILLION_INVOCATIONS / 1e6
    function += runs(minutes) * (ROUND_SECONDS + ROUND_SECONDS_PER_ORG * orgs) * MEMORY_GB * PER_GB_SECOND
    return (
        queue * PER_MILLION_FIFO / 1e6
        + listings * PER_10000_SECRET_READS / 10_000
        + starts * PER_MILLION_STARTS / 1e6
        + function
    )


def commits(orgs, minutes) -> Any:
    return orgs * runs(minutes) * COMMITTING_SHARE


def woken(orgs, minutes, gb, seconds_each, gets, puts) -> Any:
    """A month of a function that every commit wakes through a queue."""
    number = commits(orgs, minutes)
    objects = number * (gets * PER_1000_GETS + puts * PER_1000_PUTS) / 1_000
    queue = (3 * number + POLLS) * PER_MILLION_QUEUED / 1e6
    return number * seconds_each * gb * PER_GB_SECOND + number * PER_MILLION_INVOCATIONS / 1e6 + objects + queue


def loader(orgs, users, minutes) -> Any:
    full = DAYS * orgs * FULL_LOAD_SECONDS_PER_1000 * users / 1_000 * LOADER_GB * PER_GB_SECOND
    return woken(orgs, minutes, LOADER_GB, LOAD_SECONDS, LOAD_GETS, LOAD_PUTS) + full


def wake_seconds(users) -> Any:
    return WAKE_SECONDS + WAKE_SECONDS_PER_MILLION * users * EVENTS_PER_USER_AND_DAY * FINDINGS_DAYS / 1e6


def watch(orgs, users, minutes) -> Any:
    return woken(orgs, minutes, WATCH_GB, wake_seconds(users), WAKE_GETS, WAKE_PUTS)


def stacks(orgs, users, minutes) -> Any:
    return orgs * (org(users, minutes).total() + watching(1))


def fleet(orgs, users, minutes) -> Any:
    watched = (METRICS + GAUGES) * PER_METRIC + FLEET_ALARM_METRICS * PER_ALARM_METRIC + PER_DASHBOARD
    return orgs * org(users, minutes).total() + watched + rounds(orgs, minutes)


def table(header, rows) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def dollars(value) -> str:
    return f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def by_users() -> Any:
    rows = []
    for users in (1_000, 10_000, 100_000):
        month = org(users, 5)
        told = (
            month.function,
            month.bucket,
            month.secret,
            month.log,
            watching(1),
            watching(2),
            month.total() + watching(2),
        )
        rows.append([f"{users:,}", f"{seconds(users, 5):,.0f}", f"{stored_gb(users):,.1f}", *map(dollars, told)])
    header = ["users", "billed seconds", "GB after a year", "function", "bucket", "secret", "log"]
    return table([*header, "watching, `stack`", "watching, `integration`", "together"], rows)


def by_orgs() -> Any:
    rows = []
    for orgs in (1, 50, 500):
        told = (
            stacks(orgs, 1_000, 15),
            fleet(orgs, 1_000, 5),
            fleet(orgs, 1_000, 15),
            rounds(orgs, 15),
            loader(orgs, 1_000, 15),
            watch(orgs, 1_000, 15),
        )
        rows.append([f"{orgs:,}", *map(dollars, told)])
    header = [
        "orgs",
        "a stack each, 15 min",
        "fleet, 5 min",
        "fleet, 15 min",
        "of it rounds",
        "loader, 15 min, more",
        "watch, 15 min, more",
    ]
    return table(header, rows)


def main() -> None:
    print(by_users(), by_orgs(), sep="\n\n")


if __name__ == "__main__":
    main()
