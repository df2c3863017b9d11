"""The commit log of one integration, read from a directory that is a copy of the bucket.

Only what a manifest names exists: a batch without a manifest is not read.
"""

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

MANIFEST_NAME = re.compile(r"\d{12}\.json", re.ASCII)
MOST_EXCEPTED = 100


class BrokenLog(Exception):
    """The log cannot be trusted from here on; the message says why."""


class Manifest(NamedTuple):
    """One commit: its file's key in the bucket and its JSON document."""

    key: str
    sequence: int
    document: dict[str, Any]


class Batch(NamedTuple):
    """One committed object: its entry in the manifest and its lines."""

    key: str
    stream: str
    lines: list[bytes]


class Snapshot(NamedTuple):
    """What a manifest tells its reader to forget, once `complete`; what has a part in `excepted` stays."""

    stream: str
    since_sequence: int
    scope: str | None
    complete: bool
    excepted: frozenset[str]


def logs(bucket: Path) -> list[Path]:
    """The manifest directories of every integration in the bucket's copy."""
    return sorted(
        directory
        for directory in bucket.glob("**/manifests/*")
        if directory.is_dir() and any(MANIFEST_NAME.fullmatch(entry.name) for entry in directory.iterdir())
    )


def manifests(bucket: Path, log: Path) -> Iterator[Manifest]:
    """The log's manifests 1, 2, 3, …; raises `BrokenLog` at a hole, a forged link or a damaged document."""
    previous_sha256 = None
    names = sorted(entry.name for entry in log.iterdir() if MANIFEST_NAME.fullmatch(entry.name))
    for sequence, name in enumerate(names, start=1):
        stored = (log / name).read_bytes()
        document = _object(stored, name)
        if name != f"{sequence:012}.json" or document.get("sequence") != sequence:
            raise BrokenLog(f"{name}: manifest {sequence} is expected here")
        if document.get("previous_sha256") != previous_sha256:
            raise BrokenLog(f"{name}: previous_sha256 is not that of the manifest before")
        previous_sha256 = hashlib.sha256(stored).hexdigest()
        yield Manifest(str((log / name).relative_to(bucket)), sequence, document)


def read_batch(bucket: Path, entry: dict[str, Any]) -> Batch:
    """The object that a manifest's batch entry names; raises `BrokenLog` where it is not what the entry says."""
    key, stream = entry.get("key"), entry.get("stream")
    if not isinstance(key, str) or not isinstance(stream, str):
        raise BrokenLog("a batch entry lacks key or stream")
    try:
        stored = (bucket / key).read_bytes()
        text = gzip.decompress(stored)
    except (OSError, EOFError, zlib.error) as error:
        raise BrokenLog(f"{key}: {error}") from error
    lines = text.removesuffix(b"\n").split(b"\n") if text else []
    told = (entry.get("sha256"), entry.get("bytes"), entry.get("records"))
    found = (hashlib.sha256(stored).hexdigest(), len(stored), len(lines))
    if told != found:
        raise BrokenLog(f"{key}: the manifest says sha256, bytes, records {told}, the object has {found}")
    return Batch(key, stream, lines)


def read_snapshot(manifest: Manifest, entry: dict[str, Any]) -> Snapshot:
    """One entry of the manifest's `snapshots`; raises `BrokenLog` where it cannot be obeyed."""
    stream, since, scope, complete = (entry.get(field) for field in ("stream", "since_sequence", "scope", "complete"))
    if not isinstance(stream, str) or not isinstance(scope, str | None) or not isinstance(complete, bool):
        raise BrokenLog(f"unreadable snapshot {entry}")
    if type(since) is not int or not 1 <= since <= manifest.sequence:
        raise BrokenLog(f"since_sequence is not that of a manifest up to this one in {entry}")
    excepted = entry.get("except", [])
    if not isinstance(excepted, list) or not all(isinstance(each, str) and each for each in excepted):
        raise BrokenLog(f"except is not a list of ids in {entry}")
    if len(excepted) > MOST_EXCEPTED:
        raise BrokenLog(
            f"except has {len(excepted)} ids, and {MOST_EXCEPTED} are the most, in the snapshot of {stream}"
        )
    return Snapshot(stream, since, scope, complete, frozenset(excepted))


def parse_line(line: bytes) -> dict[str, Any]:
    """One JSON Lines record; raises `ValueError` (also for what JSON does not know, such as NaN)."""
    value = json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
    if not isinstance(value, dict):
        raise ValueError("the line is not a JSON object")
    return value


def _object(stored: bytes, name: str) -> dict[str, Any]:
    try:
        document = parse_line(stored)
    except ValueError as error:
        raise BrokenLog(f"{name}: {error}") from error
    for field in ("batches", "snapshots"):
        entries = document.get(field)
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise BrokenLog(f"{name}: {field} is not a list of objects")
    return document


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
