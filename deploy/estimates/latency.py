"""Simulates how long a change in Okta takes to its commit and to its alert, by the schedule alone and with Okta's event bus.

Usage: python -m deploy.estimates.latency, which prints the table of docs/operations.md
"""

import heapq
import random
from typing import Any

from deploy.estimates.costs import table

SEED = 7
DAYS = 20
CHANGES_PER_HOUR = 12
BURST_CHANCE, BURST_CHANGES, BURST_SECONDS = 0.05, 60, 30
# Assumed, in seconds. Until the System Log offers an event; until Log Streaming has delivered it; a run that finds something, with
# requests of 150 ms and a commit (the function's own part of it was measured as under 0.1 s).
LOGGED = (0.5, 3.0)
STREAMED = (1.0, 10.0)
RUN = (1.0, 3.0)
# From the commit to the watch: S3's event and the queue. Its wake-up, warm, of an org of up to 1,000 users (bench/watch.py).
QUEUED = (0.5, 3.0)
WOKEN = (2.0, 15.0)
# A message that met a run under way is gone before it is visible again (template.yaml: WakeQueue).


def changes(rng) -> list[Any]:
    """Times of changes, most of them alone, some in bursts."""
    at, found = 0.0, []
    while (at := at + rng.expovariate(CHANGES_PER_HOUR / 3_600)) < DAYS * 86_400:
        burst = BURST_CHANGES if rng.random() < BURST_CHANCE else 1
        found += [at + rng.uniform(0, BURST_SECONDS) * (burst > 1) for _ in range(burst)]
    return sorted(found)


def simulate(schedule_seconds, window_seconds) -> tuple[list[Any], list[Any], Any]:
    """Latencies of all changes to their commits and to their alerts, and how many runs began; `window_seconds` is `None` without the bus."""
    rng = random.Random(SEED)
    events = [(at + rng.uniform(*LOGGED), at) for at in changes(rng)]
    starts = [(n * schedule_seconds, "schedule") for n in range(int(DAYS * 86_400 / schedule_seconds) + 2)]
    if window_seconds is not None:
        closes = -1.0
        # A window opens with a message that finds none open, and ends in one run.
        for arrives in sorted(at + rng.uniform(*STREAMED) for _, at in events):
            if arrives > closes:
                closes = arrives + window_seconds
                starts.append((closes, "bus"))
    heapq.heapify(starts)
    events.sort()
    latencies, alerts, runs, free_at, next_event, watching = [], [], 0, 0.0, 0, 0.0
    while starts and next_event < len(events):
        begins, _ = heapq.heappop(starts)
        if begins < free_at:
            continue
        runs += 1
        free_at = begins + rng.uniform(*RUN)
        committed = []
        while next_event < len(events) and events[next_event][0] <= begins:
            committed.append(events[next_event][1])
            next_event += 1
        latencies += [free_at - changed for changed in committed]
        if committed:
            # One wake-up at a time: the next one waits for it.
            watching = max(watching, free_at + rng.uniform(*QUEUED)) + rng.uniform(*WOKEN)
            alerts += [watching - changed for changed in committed]
    return sorted(latencies), sorted(alerts), runs


def at(latencies, share) -> Any:
    return latencies[min(int(share * len(latencies)), len(latencies) - 1)]


def told() -> Any:
    rows = []
    for label, schedule, window in (
        ("schedule of 5 minutes", 300, None),
        ("schedule of 1 minute", 60, None),
        ("5 minutes and the bus, window of 20 s", 300, 20),
        ("5 minutes and the bus, window of 5 s", 300, 5),
    ):
        latencies, alerts, runs = simulate(schedule, window)
        told = (at(latencies, 0.5), at(latencies, 0.95), at(alerts, 0.5), at(alerts, 0.95))
        rows.append([label, *(f"{seconds:.0f} s" for seconds in told), f"{runs / DAYS:,.0f}"])
    return table(["way", "p50", "p95", "to the alert, p50", "to the alert, p95", "runs a day"], rows)


def main() -> None:
    print(told())


if __name__ == "__main__":
    main()
