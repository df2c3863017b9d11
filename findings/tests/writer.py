"""A bucket written as the contract says, and what a reader that knows no order of application sees of it."""

import gzip
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

PREFIX = "okta"
ORG = "https://acme.okta.com"
BEGAN = datetime(2026, 11, 23, 18)
STREAMS = ("users", "group_memberships", "role_assignments")
IDS = ("a", "b", "c", "a:b", "a:c", "b:c", "c:a")
SCOPES = ("a", "b", "c")


class Bucket:
    """One integration's history in a folder."""

    def __init__(self, folder: Path, integration: str = "acme", prefix: str = PREFIX) -> None:
        self.folder = folder
        self.integration = integration
        self.prefix = prefix
        self.sequence = 0
        self._previous: str | None = None

    def key_of(self, sequence: int) -> str:
        return f"{self.prefix}/manifests/{self.integration}/{sequence:012}.json"

    def batch_keys(self, sequence: int) -> list[str]:
        return [batch["key"] for batch in json.loads((self.folder / self.key_of(sequence)).read_text())["batches"]]

    def commit(
        self,
        batches: list[tuple[str, list[dict]]],
        snapshots: Sequence[dict[str, Any]] = (),
        at: datetime | None = None,
    ) -> int:
        self.sequence += 1
        entries = [self._batch(number, stream, lines) for number, (stream, lines) in enumerate(batches)]
        committed_at = at or BEGAN + timedelta(minutes=self.sequence)
        manifest: dict[str, Any] = {
            "schema": 1,
            "sequence": self.sequence,
            "previous_sha256": self._previous,
            "integration": self.integration,
            "org": ORG,
            "owner": None,
            "run": f"run{self.sequence}",
            "request_id": "q",
            "committed_at": f"{committed_at.isoformat(timespec='milliseconds')}Z",
            "mode": "incremental",
            "batches": entries,
            "snapshots": list(snapshots),
            "gap": None,
            "cursor": {},
        }
        stored = json.dumps(manifest).encode()
        self._put(self.key_of(self.sequence), stored)
        self._previous = hashlib.sha256(stored).hexdigest()
        return self.sequence

    def _batch(self, number: int, stream: str, lines: list[dict]) -> dict[str, Any]:
        body = gzip.compress("".join(f"{json.dumps(line)}\n" for line in lines).encode(), 1)
        key = f"{self.prefix}/data/{stream}/integration={self.integration}/date=2026-11-23/run{self.sequence}-{number}.jsonl.gz"
        self._put(key, body)
        return {
            "stream": stream,
            "key": key,
            "records": len(lines),
            "bytes": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
        }

    def _put(self, key: str, content: bytes) -> None:
        file = self.folder / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def upsert(stream: str, id: str, source: dict, **more: Any) -> dict:
    return {
        "schema": 1,
        "stream": stream,
        "op": "upsert",
        "id": id,
        "observed_at": "2026-11-23T18:00:00.000Z",
        "bundle": {},
        "source": source,
    } | more


def delete(stream: str, id: str, **more: Any) -> dict:
    return {"schema": 1, "stream": stream, "op": "delete", "id": id, "observed_at": "2026-11-23T18:00:00.000Z"} | more


def complete(stream: str, since: int, scope: str | None = None, spared: tuple[str, ...] = ()) -> dict:
    snapshot: dict[str, Any] = {"stream": stream, "since_sequence": since, "complete": True}
    return snapshot | ({"scope": scope} if scope else {}) | ({"except": list(spared)} if spared else {})


@dataclass
class Commit:
    batches: list[tuple[str, list[dict]]] = field(default_factory=list)
    snapshots: list[dict] = field(default_factory=list)


def random_history(seed: int) -> list[Commit]:
    """Up to twelve commits that send, repeat, delete and forget; snapshots go back up to four manifests, and some spare."""
    random = Random(seed)
    return [_commit(random, sequence) for sequence in range(1, random.randint(2, 12) + 1)]


def _commit(random: Random, sequence: int) -> Commit:
    made = Commit()
    for _ in range(random.randint(0, 3)):
        stream = random.choice(STREAMS)
        made.batches.append((stream, [_line(random, stream) for _ in range(random.randint(0, 5))]))
    if random.random() < 0.3:
        events = [_event(sequence, number) for number in range(random.randint(1, 4))]
        made.batches.append(("activity", events))
    for _ in range(random.randint(0, 2)):
        snapshot = complete(
            random.choice(STREAMS),
            max(1, sequence - random.randint(0, 3)),
            random.choice([None, *SCOPES]),
            (random.choice(SCOPES),) if random.random() < 0.3 else (),
        )
        snapshot["complete"] = random.random() < 0.7
        made.snapshots.append(snapshot)
    return made


def _line(random: Random, stream: str) -> dict:
    id = random.choice(IDS)
    cause = {"cause": f"event{random.randint(1, 9)}"} if random.random() < 0.3 else {}
    if random.random() < 0.35:
        return delete(stream, id, **cause)
    # Few values, so that many lines repeat what was known; and the same members in another order.
    source = {"version": random.randint(1, 2), "name": "é"}
    return upsert(stream, id, source if random.random() < 0.7 else dict(reversed(source.items())), **cause)


def _event(sequence: int, number: int) -> dict:
    published = f"2026-11-2{sequence % 4}T1{number}:00:00.000Z"
    return upsert(
        "activity",
        f"e{sequence}-{number}",
        {"uuid": f"e{sequence}-{number}", "published": published, "eventType": "user.session.start"},
    )


def write(bucket: Bucket, commit: Commit) -> int:
    return bucket.commit(commit.batches, commit.snapshots)


State = dict[tuple[str, str], Any]
"""(stream, id) to the source of what is there."""


def state(history: list[Commit]) -> State:
    """What is there after the last commit: a record is, if its last line is an upsert that no snapshot, then or later, found missing."""
    last: dict[tuple[str, str], tuple[int, dict]] = {}
    for sequence, commit in enumerate(history, start=1):
        for stream, lines in commit.batches:
            for line in lines:
                last[stream, line["id"]] = sequence, line
    return {
        key: line["source"]
        for key, (sent, line) in last.items()
        if line["op"] == "upsert" and not _is_forgotten(history, key, sent)
    }


def _is_forgotten(history: list[Commit], key: tuple[str, str], sent: int) -> bool:
    stream, id = key
    parts = id.split(":")
    return any(
        each["complete"]
        and each["stream"] == stream
        and sequence >= sent
        and sent < each["since_sequence"]
        and each.get("scope", parts[0]) in parts
        and not set(each.get("except", ())) & set(parts)
        for sequence, commit in enumerate(history, start=1)
        for each in commit.snapshots
    )


def rows(history: list[Commit], streams: tuple[str, ...] = STREAMS) -> list[tuple]:
    """(stream, id, sequence, op) of each change, by comparing the states."""
    found: list[tuple[Any, ...]] = []
    before: dict[Any, Any] = {}
    for sequence in range(1, len(history) + 1):
        after = {key: value for key, value in state(history[:sequence]).items() if key[0] in streams}
        for key in sorted(before.keys() | after.keys()):
            if key not in after:
                found.append((*key, sequence, "delete"))
            elif key not in before or before[key] != after[key]:
                found.append((*key, sequence, "upsert"))
        before = after
    return sorted(found)
