"""Scenarios: the measurements. Each gives a row or several: {"name", "requests", "floor", …}."""

import statistics
import time
from collections.abc import Iterator
from typing import Any

from bench import floor, function, org

ACTIVITY = ("activity", "usage")
ENTITIES = (
    *("users", "groups", "group_memberships", "applications", "application_users", "application_groups"),
    *("roles", "role_assignments", "resource_sets", "idps", "idp_users"),
)
STREAMS = (*ENTITIES, "factors", *ACTIVITY)
EVENTS = 50_000
FULL_SHARE = {"RATE_LIMIT_SHARE": "100"}


def all_but(*kept) -> list[Any]:
    return [stream for stream in STREAMS if stream not in kept]


class Bench:
    """The programs to measure, and how often."""

    def __init__(self, program, org_program, times) -> None:
        self.program = program
        self.org_program = org_program
        self.times = times

    def org(self, *options) -> Any:
        return org.serving(self.org_program, *options)

    def function(self, served, settings=FULL_SHARE, off=()) -> Any:
        return function.running(self.program, served, settings, off)

    def measure(self, name, served, off, least, times=None, settings=FULL_SHARE) -> Any:
        """A first run into an empty bucket, several times over; the middle one counts."""
        rows = []
        for _ in range(times or self.times):
            served.reset_counts()
            with self.function(served, settings, off) as (running, sink):
                rows.append(row(name, running.invoke(), served, sink, least))
        return sorted(rows, key=lambda row: row["cpu_s"])[len(rows) // 2] | {
            "wall_s": statistics.median(row["wall_s"] for row in rows),
            "peak_mib": max(row["peak_mib"] for row in rows),
        }


def row(name, cost, served, sink, least=None) -> dict[Any, Any]:
    counts = served.counts()
    return {
        "name": name,
        "outcome": cost.report["outcome"],
        "paths": counts["requests"],
        "requests": sum(counts["requests"].values()),
        "refused": counts["rate_limited"],
        "least": least,
        "floor": sum(least.values()) if least else None,
        "wall_s": cost.wall_s,
        "cpu_s": cost.cpu_s,
        "peak_mib": cost.peak_mib,
        "records": sink.records(),
        "bytes_out": sink.bytes_out,
    }


def usual(bench) -> Iterator[Any]:
    """The org of 10,000 users, at 0 and 20 ms."""
    log, entities = floor.together(floor.events(EVENTS)), floor.together(floor.ENTITIES)
    everything = floor.together(floor.events(EVENTS), floor.ENTITIES, floor.FACTORS)
    for latency_ms in (0, 20):
        with bench.org("--latency-ms", latency_ms) as served:
            at = f"at {latency_ms} ms"
            yield bench.measure(f"activity only, {at}", served, all_but("activity"), log)
            yield bench.measure(f"activity and usage, {at}", served, all_but(*ACTIVITY), log)
            yield bench.measure(f"entities without factors, {at}", served, ("factors", *ACTIVITY), entities)
            yield bench.measure(f"everything, {at}", served, (), everything, times=1)


def incremental(bench) -> Iterator[Any]:
    """Runs that follow a complete one: nothing new, then so many users changed."""
    with bench.org() as served, bench.function(served, off=("factors",)) as (running, sink):
        running.invoke()
        # The grants of the collector's own tokens may have to be read once.
        running.invoke()
        for changes in (0, 1, 10, 100):
            if changes:
                served.change("profiles", changes)
            served.reset_counts()
            sink.reset()
            before = sink.records()
            measured = row(f"{changes} users changed" if changes else "idle", running.invoke(), served, sink)
            yield measured | {"records": measured["records"] - before}


def costs(bench) -> Iterator[dict[Any, Any]]:
    """Requests of the run after so many changes, by kind, in orgs of every size."""
    for users in (1_000, 10_000, 100_000):
        # A first run reads the factors of each user, which takes longer than the rest of the bench where they are many.
        off = ("factors",) if users > 10_000 else ()
        with bench.org("--users", users, "--events", 0) as served, bench.function(served, off=off) as (running, _):
            running.invoke()
            running.invoke()
            for kind in ("profiles", "memberships", "assignments", "factors"):
                if kind not in off:
                    yield {
                        "users": users,
                        "kind": kind,
                        "requests": dict(cost_of_changes(served, running, kind, users)),
                    }


def cost_of_changes(served, running, kind, users) -> Iterator[tuple[Any, Any]]:
    for count in (1, 10, 100, 1_000, 10_000):
        if count <= users:
            served.change(kind, count)
            served.reset_counts()
            running.invoke()
            yield count, sum(served.counts()["requests"].values())


def troubled(bench) -> Iterator[Any]:
    """First runs over objects that Okta does not answer for, and the runs after them."""
    refused = 1_000
    everything = floor.together(floor.events(EVENTS), floor.ENTITIES, floor.FACTORS)
    with bench.org("--refused-factors", refused) as served, bench.function(served) as (running, sink):
        name = f"factors of {refused:,} users refused"
        yield row(name, running.invoke(), served, sink, everything)
        served.reset_counts()
        yield row("the run after it", running.invoke(), served, sink)


def hanging(bench) -> Any:
    """A first run over an org with a group whose members are never listed."""
    entities = floor.together(floor.ENTITIES)
    with bench.org("--hanging-group", "--latency-ms", 20) as served:
        with bench.function(served, off=("factors", *ACTIVITY)) as (running, sink):
            return row("a group among 500 that hangs", running.invoke(), served, sink, entities)


def crowds(bench) -> Iterator[Any]:
    """Orgs that are larger than memory should be."""
    users = 1_000_000
    with bench.org("--streamed", users) as served:
        pages = floor.together({"GET /api/v1/users": users // 200})
        yield bench.measure(f"{users:,} users", served, all_but("users"), pages, times=1)
        pages = floor.together({"GET /api/v1/groups": 1, "GET /api/v1/groups/{id}/users": users // 1000})
        name = f"one group of {users:,} memberships"
        yield bench.measure(name, served, all_but("group_memberships"), pages, times=1)


def backlog(bench, events=1_000_000) -> Any:
    """How long a large log keeps the entities waiting."""
    with bench.org("--events", events) as served, bench.function(served) as (running, sink):
        running.begin(seconds=180)
        while not (first := first_entity(sink)) and time.monotonic() - running.began < 170:
            time.sleep(0.02)
        return first and {"events": events, "first_entity_s": first - running.began}


def first_entity(sink) -> Any:
    """When a manifest with entities was created first."""
    for created, manifest in sink.manifests():
        if any(batch["stream"] in ENTITIES for batch in manifest["batches"]):
            return created
    return None


def limited(bench, share, per_minute=600) -> Any:
    """Two requests a group under a limit; the share's own time is what an even pace would take."""
    with bench.org("--groups-a-minute", per_minute) as served:
        settings = {"RATE_LIMIT_SHARE": str(share)}
        off = all_but("groups", "group_memberships", "role_assignments")
        measured = bench.measure(f"share {share}", served, off, None, times=1, settings=settings)
    limited_requests = sum(number for path, number in measured["paths"].items() if "/groups" in path)
    allowed_s = limited_requests / (per_minute * share / 100) * 60
    return measured | {"allowed_s": allowed_s}


def cold_starts(bench, times=20) -> Any:
    """Seconds from the start of the process to its first poll."""
    started = []
    for _ in range(times):
        with bench.function(None) as (running, _):
            started.append(running.cold_start_s)
    return started
