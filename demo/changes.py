"""Changes in the org since the run before, told from the batches: each record names the event that caused it."""

import gzip
import json
from collections import Counter
from typing import Any

from demo.summary import many

SHOWN = 25


def tell(aws, manifests) -> Any:
    """Lines of text: what happened in the System Log, and what became of it."""
    records = [record for manifest in manifests for batch in manifest["batches"] for record in lines(aws, batch)]
    events = {record["id"]: record["source"] for record in records if record["stream"] == "activity"}
    changed = [record for record in records if record.get("cause")]
    if not events and not changed:
        return ["  Nothing has changed in the org."]
    told = [f"  {many(len(events), 'event')} in the System Log: {kinds(events.values())}"]
    shown = {}
    for record in changed:
        cause = events.get(record["cause"], {}).get("eventType", "an earlier event")
        shown[record["stream"], record["id"]] = f"  {sign(record)} {record['stream']:<19} {name(record):<45} {cause}"
    told += list(shown.values())[:SHOWN]
    if len(shown) > SHOWN:
        told.append(f"    and {len(shown) - SHOWN} more")
    return told


def lines(aws, batch) -> Any:
    return map(json.loads, gzip.decompress(aws.read(batch["key"])).splitlines())


def kinds(events) -> str:
    counted = Counter(event["eventType"] for event in events).most_common()
    more = f", and {len(counted) - 6} other kinds" if len(counted) > 6 else ""
    return ", ".join(f"{kind} × {number}" for kind, number in counted[:6]) + more


def sign(record) -> str:
    return "-" if record["op"] == "delete" else "+"


def name(record) -> str:
    """The name that people use, where the record says so, else the id."""
    source = record.get("source", {})
    profile = source.get("profile", {})
    called = profile.get("login") or profile.get("name") or source.get("label") or source.get("name")
    status = f" ({source['status']})" if called and source.get("status") else ""
    return f"{called or record['id']}{status}"
