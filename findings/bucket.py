"""One integration's commit log in a copy of the bucket, verified as crates/reader verifies it.

A batch that no manifest names does not exist: only what manifests name is opened.
"""

import hashlib
import json
import re

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

SCHEMA = 1
GROWING_STREAMS = frozenset({"activity", "usage"})
"""Streams of which nothing is ever replaced or forgotten."""

NAME = re.compile(r"\d{12}\.json", re.ASCII)
STREAM_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


class Unreadable(Exception):
    """Nothing can be read; the message says what to do."""


class Batch(NamedTuple):
    """A committed batch: `ordinal` is its place in its manifest, from 0."""

    sequence: int
    ordinal: int
    stream: str
    key: str
    records: int


class Snapshot(NamedTuple):
    """A complete snapshot: records of `stream` last sent before manifest `since_sequence` are gone.

    With `scope` only those with that id among the `:`-separated parts of theirs; those with an id of `spared` stay.
    """

    sequence: int
    stream: str
    since_sequence: int
    scope: str | None
    spared: tuple[str, ...]


class Log:
    """What the manifests say, and where they break the contract."""

    def __init__(self, bucket: Path, prefix: str, integration: str) -> None:
        self.bucket = bucket
        self.prefix = prefix
        self.integration = integration
        self.org: str | None = None
        self.commits: list[tuple[int, datetime]] = []
        """(sequence, UTC time without zone), oldest first."""
        self.batches: list[Batch] = []
        self.snapshots: list[Snapshot] = []
        self.violations: list[str] = []
        self._named: dict[str, int] = {}

    @classmethod
    def read(cls, bucket: Path, prefix: str, integration: str) -> "Log":
        """Every manifest, from the first. Raises `Unreadable` where there is none."""
        log = cls(bucket, prefix, integration)
        folder = bucket / prefix / "manifests" / integration
        if not bucket.is_dir():
            raise Unreadable(f"{bucket}: no such directory; --dir names a copy of the bucket, e.g. of `aws s3 sync`")
        files = sorted(entry for entry in folder.iterdir() if _visible(entry)) if folder.is_dir() else []
        log.violations += [f"{log.key(entry)}: is not a manifest's key" for entry in files if not _is_manifest(entry)]
        manifests = [entry for entry in files if _is_manifest(entry)]
        if not manifests:
            raise Unreadable(_nothing(bucket, prefix, integration))
        previous, expected = None, 1
        for file in manifests:
            sequence = int(file.stem)
            if sequence != expected:
                log.fault(sequence, f"missing before it: manifests {expected} to {sequence - 1}")
                previous = ...
            stored = file.read_bytes()
            log._manifest(sequence, stored, previous)
            previous, expected = hashlib.sha256(stored).hexdigest(), sequence + 1
        return log

    def key(self, file: Path) -> str:
        return file.relative_to(self.bucket).as_posix()

    def fault(self, sequence: int, text: str) -> None:
        self.violations.append(f"manifest {sequence}: {text}")

    def _manifest(self, sequence: int, stored: bytes, previous: Any) -> None:
        try:
            document = json.loads(stored)
            if not isinstance(document, dict):
                raise ValueError("not an object")
        except ValueError as error:
            return self.fault(sequence, f"is not a manifest: {error}")
        if not _is_one(document.get("schema")):
            return self.fault(sequence, f"schema is {json.dumps(document.get('schema'))}, not 1")
        self._identity(sequence, document, previous)
        try:
            committed_at = utc(document.get("committed_at"))
            batches = [_batch_entry(entry) for entry in document.get("batches", [])]
            snapshots = [_snapshot_entry(entry) for entry in document.get("snapshots", [])]
        except (TypeError, ValueError, KeyError) as error:
            return self.fault(sequence, f"is not a manifest: {error}")
        self.commits.append((sequence, committed_at))
        for ordinal, entry in enumerate(batches):
            self._batch(sequence, ordinal, entry)
        for entry in snapshots:
            self._snapshot(sequence, entry)
        return None

    def _identity(self, sequence: int, document: dict[str, Any], previous: Any) -> None:
        if document.get("sequence") != sequence:
            self.fault(sequence, f"says it is manifest {document.get('sequence')}")
        if document.get("integration") != self.integration:
            self.fault(sequence, f"says its integration is {document.get('integration')!r}")
        org = document.get("org")
        if self.org is not None and org != self.org:
            self.fault(sequence, f"says its org is {org!r}, the one before said {self.org!r}")
        self.org = org if isinstance(org, str) else self.org
        if previous is not ... and document.get("previous_sha256") != previous:
            self.fault(sequence, "previous_sha256 is not the SHA-256 of the manifest before")

    def _batch(self, sequence: int, ordinal: int, entry: dict[str, Any]) -> None:
        stream, key = entry["stream"], entry["key"]
        below = f"{self.prefix}/data/{stream}/integration={self.integration}/"
        if not key.startswith(below) or not key.endswith(".jsonl.gz") or ".." in key.split("/"):
            return self.fault(sequence, f"{key}: does not lie under {below}, or does not end in .jsonl.gz")
        if key in self._named:
            return self.fault(sequence, f"{key}: was named before, by manifest {self._named[key]}")
        self._named[key] = sequence
        try:
            with (self.bucket / key).open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256") if hasattr(hashlib, "file_digest") else _digest(file)
                size = file.tell()
        except FileNotFoundError:
            return self.fault(sequence, f"{key}: does not exist")
        if size != entry["bytes"]:
            self.fault(sequence, f"{key}: is {size} bytes, not {entry['bytes']}")
        if sha256.hexdigest() != entry["sha256"]:
            self.fault(sequence, f"{key}: SHA-256 is {sha256.hexdigest()}, not {entry['sha256']}")
        self.batches.append(Batch(sequence, ordinal, stream, key, entry["records"]))
        return None

    def _snapshot(self, sequence: int, entry: dict[str, Any]) -> None:
        if not entry["complete"]:
            return None
        stream, since = entry["stream"], entry["since_sequence"]
        if stream in GROWING_STREAMS:
            return self.fault(sequence, f"takes records away from {stream}, which only grows")
        if since > sequence:
            return self.fault(sequence, f"completes a snapshot of {stream} since manifest {since}, which is yet to come")
        self.snapshots.append(Snapshot(sequence, stream, since, entry["scope"], entry["except"]))
        return None


def utc(text: Any) -> datetime:
    """RFC 3339 as UTC without a zone; raises `ValueError`."""
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is not a time")
    # Python 3.10 takes neither Z nor other than three or six digits of a second.
    match = re.fullmatch(r"(.{10})[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", text)
    if not match:
        raise ValueError(f"{text!r} is not a time (RFC 3339)")
    date, time, fraction, zone = match.groups()
    zone = "+00:00" if zone in "Zz" else zone
    moment = datetime.fromisoformat(f"{date}T{time}.{(fraction or '0')[:6]:0<6}{zone}")
    return moment.astimezone(timezone.utc).replace(tzinfo=None)


def _batch_entry(entry: Any) -> dict[str, Any]:
    for field, kind in (("stream", str), ("key", str), ("records", int), ("bytes", int), ("sha256", str)):
        if not isinstance(entry.get(field), kind) or isinstance(entry[field], bool):
            raise ValueError(f"a batch's {field} is {entry.get(field)!r}")
    if not STREAM_NAME.fullmatch(entry["stream"]):
        raise ValueError(f"a batch's stream is {entry['stream']!r}")
    return entry


def _snapshot_entry(entry: Any) -> dict[str, Any]:
    scope, spared, since = entry.get("scope"), entry.get("except"), entry.get("since_sequence")
    if not isinstance(entry.get("stream"), str) or not isinstance(entry.get("complete"), bool):
        raise ValueError(f"unreadable snapshot {entry}")
    if isinstance(since, bool) or not isinstance(since, int) or since < 0 or not isinstance(scope, str | None):
        raise ValueError(f"unreadable snapshot {entry}")
    if spared is not None and (not isinstance(spared, list) or not all(isinstance(each, str) for each in spared)):
        raise ValueError(f"unreadable snapshot {entry}")
    return {**entry, "scope": scope, "except": tuple(sorted(set(spared or ())))}


def _is_one(schema: Any) -> bool:
    return schema == SCHEMA and isinstance(schema, int) and not isinstance(schema, bool)


def _visible(entry: Path) -> bool:
    return not entry.name.startswith(".")


def _is_manifest(entry: Path) -> bool:
    return bool(NAME.fullmatch(entry.name)) and int(entry.stem) > 0


def _digest(file: Any) -> Any:
    digest = hashlib.sha256()
    while piece := file.read(1 << 20):
        digest.update(piece)
    return digest


def integrations(bucket: Path, prefix: str) -> Iterator[str]:
    """Those that have committed something under `prefix`."""
    for folder in sorted((bucket / prefix / "manifests").glob("*")):
        if folder.is_dir():
            yield folder.name


def _nothing(bucket: Path, prefix: str, integration: str) -> str:
    there = ", ".join(integrations(bucket, prefix))
    hint = f"there are: {there} (choose with --integration)" if there else "is --prefix right, and is this the bucket's top?"
    return f"{bucket}: no manifests of integration {integration!r} under {prefix!r}; {hint}"
