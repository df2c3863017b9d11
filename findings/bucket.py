"""One integration's commit log in a bucket, verified as crates/reader verifies it.

A batch that no manifest names does not exist: only what manifests name is opened.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import Any, NamedTuple

from findings.store import Store

SCHEMA = 1
GROWING_STREAMS = frozenset({"activity", "usage"})
"""Streams of which nothing is ever replaced or forgotten."""

READERS = 8
"""Objects that are read at a time."""

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
    bytes: int
    sha256: str


class Snapshot(NamedTuple):
    """A complete snapshot: records of `stream` last sent before manifest `since_sequence` are gone.

    With `scope` only those with that id among the `:`-separated parts of theirs; those with an id of `spared` stay.
    """

    sequence: int
    stream: str
    since_sequence: int
    scope: str | None
    spared: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        return self.scope is None and not self.spared


class Place(NamedTuple):
    """How far a history was followed: the newest manifest, and its SHA-256 as stored. The first is 0 and has none."""

    sequence: int
    sha256: str | None
    org: str | None


BEGINNING = Place(0, None, None)


class Starts(NamedTuple):
    """From which manifest on a new reader needs each stream."""

    snapshots: dict[str, int]
    """By stream: `since_sequence` of its newest complete snapshot."""
    begun: dict[str, int]
    """By stream without one: the manifest of its first batch."""
    announced: dict[str, int]
    """By stream of which a snapshot began and none was ever complete: the manifest that said so first."""

    @property
    def lowest(self) -> int:
        """Batches before this one may have expired."""
        return min([*self.snapshots.values(), *self.begun.values()], default=1)

    def see(self, sequence: int, batches: list[dict[str, Any]], snapshots: list[dict[str, Any]]) -> None:
        for each in snapshots:
            stream, is_whole = each["stream"], each["complete"] and each["scope"] is None and not each["except"]
            if is_whole and each["since_sequence"] <= sequence:
                self.snapshots[stream] = each["since_sequence"]
                self.begun.pop(stream, None)
                self.announced.pop(stream, None)
            elif each["scope"] is None and stream not in self.snapshots:
                self.announced.setdefault(stream, sequence)
        for stream in (each["stream"] for each in batches):
            if stream not in self.snapshots and stream not in GROWING_STREAMS:
                self.begun.setdefault(stream, sequence)


class Log:
    """What the manifests after a place say, and where they break the contract."""

    def __init__(self, store: Store, prefix: str, integration: str, place: Place, starts: Starts) -> None:
        self.store = store
        self.prefix = prefix
        self.integration = integration
        self.org: str | None = place.org
        self.place = place
        """The newest manifest that was read."""
        self.starts = starts
        self.commits: list[tuple[int, datetime]] = []
        """(sequence, UTC time without zone), oldest first."""
        self.batches: list[Batch] = []
        self.expired: list[Batch] = []
        """Those that are not there any more, and need not be."""
        self.snapshots: list[Snapshot] = []
        self.violations: list[str] = []
        self._named: dict[str, int] = {}

    @classmethod
    def read(
        cls,
        store: Store,
        prefix: str,
        integration: str,
        place: Place = BEGINNING,
        starts: Starts | None = None,
        most: int | None = None,
    ) -> "Log":
        """The manifests after `place`, at most so many. Raises `Unreadable` where the history has none, or is not the one that was followed."""
        log = cls(
            store,
            prefix,
            integration,
            place,
            Starts(*(dict(each) for each in starts)) if starts else Starts({}, {}, {}),
        )
        folder = f"{prefix}/manifests/{integration}/"
        keys = [
            entry.key
            for entry in store.entries(folder, after=f"{folder}{place.sequence:012}.json" if place.sequence else "")
        ]
        names = {key: key.removeprefix(folder) for key in keys if "/" not in key.removeprefix(folder)}
        log.violations += [f"{key}: is not a manifest's key" for key, name in names.items() if not _is_manifest(name)]
        manifests = {int(name[:-5]): key for key, name in names.items() if _is_manifest(name)}
        if not manifests and not place.sequence:
            raise Unreadable(_nothing(store, prefix, integration))
        log.follows(place)
        previous: Any = place.sha256
        expected = place.sequence + 1
        for sequence in sorted(sequence for sequence in manifests if sequence > place.sequence)[:most]:
            if sequence != expected:
                log.fault(sequence, f"missing before it: manifests {expected} to {sequence - 1}")
                previous = ...
            stored = store.read(manifests[sequence]) or b""
            log._manifest(sequence, stored, previous)
            previous, expected = hashlib.sha256(stored).hexdigest(), sequence + 1
            log.place = Place(sequence, previous, log.org)
        log._look_for_batches()
        return log

    def batches_before(self, place: Place, first: int) -> list[Batch]:
        """The batches of manifests `first` to `place`, which were read before and are the same still; those that are gone are left out.
        Raises `Unreadable`."""
        log = Log(self.store, self.prefix, self.integration, BEGINNING, Starts({}, {}, {}))
        wanted = place.sha256
        for sequence in range(place.sequence, first - 1, -1):
            stored = self.store.read(f"{self.prefix}/manifests/{self.integration}/{sequence:012}.json")
            if stored is None or hashlib.sha256(stored).hexdigest() != wanted:
                raise Unreadable(
                    f"{self.store}: manifest {sequence} of {self.integration} is not the one that the next one names"
                )
            log._manifest(sequence, stored, ...)
            wanted = json.loads(stored).get("previous_sha256")
        log._look_for_batches()
        if log.violations:
            raise Unreadable("; ".join(log.violations))
        return log.batches

    def fault(self, sequence: int, text: str) -> None:
        self.violations.append(f"manifest {sequence}: {text}")

    def follows(self, known: Place) -> None:
        """The manifest up to which somebody has read is still there, and the same. Raises `Unreadable`."""
        if known.sequence == 0:
            return
        stored = self.store.read(f"{self.prefix}/manifests/{self.integration}/{known.sequence:012}.json")
        if stored is None or hashlib.sha256(stored).hexdigest() != known.sha256:
            raise Unreadable(
                f"{self.store}: manifest {known.sequence} of {self.integration}, up to which the tables were made, "
                f"{'is gone' if stored is None else 'is another one now'}: restore the history, or remove {self.prefix}/tables/ to make them anew"
            )

    def _look_for_batches(self) -> None:
        """Sets apart what has expired, and finds fault with what is missing or changed."""
        lowest = self.starts.lowest
        checks = {
            batch.key: problem for batch, problem in zip(self.batches, _checked(self.store, self.batches), strict=True)
        }
        gone = [batch for batch in self.batches if checks[batch.key] is None]
        self.expired = [batch for batch in gone if batch.sequence < lowest]
        for batch in self.batches:
            if checks[batch.key] is None and batch.sequence >= lowest:
                self.fault(batch.sequence, f"{batch.key}: does not exist")
            for text in checks[batch.key] or []:
                self.fault(batch.sequence, f"{batch.key}: {text}")
        absent = set(gone)
        self.batches = [batch for batch in self.batches if batch not in absent]

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
        self.starts.see(sequence, batches, snapshots)
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
        self.batches.append(Batch(sequence, ordinal, stream, key, entry["records"], entry["bytes"], entry["sha256"]))
        return None

    def _snapshot(self, sequence: int, entry: dict[str, Any]) -> None:
        if not entry["complete"]:
            return None
        stream, since = entry["stream"], entry["since_sequence"]
        if stream in GROWING_STREAMS:
            return self.fault(sequence, f"takes records away from {stream}, which only grows")
        if since > sequence:
            return self.fault(
                sequence, f"completes a snapshot of {stream} since manifest {since}, which is yet to come"
            )
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


def _is_manifest(name: str) -> bool:
    return bool(NAME.fullmatch(name)) and int(name[:-5]) > 0


def _checked(store: Store, batches: list[Batch]) -> list[list[str] | None]:
    """What is wrong with each as stored; `None` if it is not there."""
    with ThreadPoolExecutor(READERS) as readers:
        return list(readers.map(lambda batch: _problems(store, batch), batches))


def _problems(store: Store, batch: Batch) -> list[str] | None:
    try:
        file = store.files([batch.key])[batch.key].open("rb")
    except FileNotFoundError:
        return None
    with file:
        sha256 = hashlib.file_digest(file, "sha256") if hasattr(hashlib, "file_digest") else _digest(file)
        size = file.tell()
    problems = [] if size == batch.bytes else [f"is {size} bytes, not {batch.bytes}"]
    found = sha256.hexdigest()
    return problems if found == batch.sha256 else [*problems, f"SHA-256 is {found}, not {batch.sha256}"]


def _digest(file: Any) -> Any:
    digest = hashlib.sha256()
    while piece := file.read(1 << 20):
        digest.update(piece)
    return digest


def integrations(store: Store, prefix: str) -> Iterator[str]:
    """Those that have committed something under `prefix`."""
    yield from store.folders(f"{prefix}/manifests/")


def _nothing(store: Store, prefix: str, integration: str) -> str:
    there = ", ".join(integrations(store, prefix))
    hint = (
        f"there are: {there} (choose with --integration)"
        if there
        else "is --prefix right, and is this the bucket's top?"
    )
    return f"{store}: no manifests of integration {integration!r} under {prefix!r}; {hint}"
