"""Which findings can be judged yet. While a stream is read for the first time, what is missing from it means nothing."""

import functools
import json
import re
from datetime import datetime, timedelta, timezone

from findings import catalog, views, ways
from findings.bucket import GROWING_STREAMS, Starts
from findings.catalog import Finding
from findings.columns import streams
from findings.dialect import DuckDb
from findings.store import Store

SLOW_STREAMS = frozenset({"factors", "group_owners", "user_grants"})
"""Those that cost a request an object, and so may be read long after the others."""
LONGEST_WAIT = timedelta(days=1)
"""A first snapshot that has not ended by then is not waited for."""
LONGEST_RUN = timedelta(minutes=16)
"""An invocation ends within 15 minutes."""
EXPECTED = frozenset({"succeeded", "partial", "syncing"})
"""Outcomes of streams that a snapshot may still complete."""


def unread(store: Store, prefix: str, integration: str, starts: Starts, committed_at: datetime) -> frozenset[str]:
    """Streams of which a first complete snapshot is still to come."""
    begun = {*starts.begun, *starts.announced}
    outcomes = _outcomes(store, prefix, integration)
    if (
        not outcomes
        and not store.is_copy
        and datetime.now(timezone.utc).replace(tzinfo=None) - committed_at < LONGEST_RUN
    ):
        # The first run writes its status when it ends: until then any stream may still come.
        begun |= {stream.name for stream in streams()}
    for stream, outcome in outcomes.items():
        if outcome in EXPECTED:
            begun.add(stream)
        else:
            begun.discard(stream)
    return frozenset(begun - starts.snapshots.keys() - GROWING_STREAMS)


def _outcomes(store: Store, prefix: str, integration: str) -> dict[str, str]:
    """By stream how it went last, as the status says; nothing where there is none."""
    try:
        told = json.loads(store.read(f"{prefix}/status/{integration}.json") or b"{}")
        return {
            name: stream["outcome"]
            for name, stream in told.get("streams", {}).items()
            if isinstance(stream.get("outcome"), str)
        }
    except (ValueError, AttributeError, TypeError):
        return {}


def is_first_snapshot_done(missing: frozenset[str], began: datetime, now: datetime) -> bool:
    return not missing - SLOW_STREAMS or now - began > LONGEST_WAIT


def slow_ones_unread(finding: Finding, starts: Starts) -> frozenset[str]:
    """Streams of a finding that may begin long after the first snapshot, and were never complete."""
    return frozenset(streams_of(finding) & SLOW_STREAMS - starts.snapshots.keys())


@functools.cache
def _relations() -> dict[str, str]:
    return views.selects(DuckDb)


def streams_of(finding: Finding) -> frozenset[str]:
    """The streams that a finding's rows come from."""
    return _streams_of_text(finding.select)


def _streams_of_text(text: str) -> frozenset[str]:
    selects = _relations()
    of_relation = {stream.view: stream.name for stream in streams()} | {
        items.name: stream.name for stream in streams() for items in stream.lists
    }
    found: set[str] = set()
    seen: set[str] = set()
    left = [text]
    while left:
        for word in set(re.findall(r"\w+", left.pop())) - seen:
            seen.add(word)
            if word in of_relation:
                found.add(of_relation[word])
            elif word == ways.TABLE:
                # Owners, which are read late, make few of the ways: the others are not to wait for them.
                found |= _streams_of_text(selects["path_edges"]) - SLOW_STREAMS
            elif word in selects:
                left.append(catalog.PARAMETER.sub("0", selects[word]))
    return frozenset(found - GROWING_STREAMS)
