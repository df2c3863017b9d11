"""Does what was committed to the bucket conform to what Authomize's own client accepts?

Usage: python authomize_check.py DIRECTORY [DIRECTORY ...]

Each directory is a copy of an output bucket (`aws s3 sync s3://BUCKET DIRECTORY`). Every line of every committed
batch is judged by the models of PyPI `authomize-rest-api-client`; then the newest state of each integration is
searched for references to things that nothing defines, and for what is so in no org: two names of one thing, roles
that nobody holds, custom roles over the whole org, links to the API. The exit code is 1 if anything is wrong.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conformance.bundle import MODELS, is_utc_time, item_problems, whole_problems
from conformance.commit_log import Batch, BrokenLog, Manifest, logs, manifests, parse_line, read_batch, read_snapshot
from conformance.newest_state import NewestState, Place

SHOWN_FINDINGS = 20
STREAMS = frozenset(
    {
        "users",
        "factors",
        "groups",
        "group_memberships",
        "applications",
        "application_users",
        "application_groups",
        "roles",
        "role_assignments",
        "resource_sets",
        "idps",
        "idp_users",
        "activity",
        "usage",
    }
)


class Findings:
    """The first findings in full, all of them in number."""

    def __init__(self) -> None:
        self.total = 0
        self.shown: list[str] = []
        self.by_stream: Counter[str] = Counter()

    def add(self, place: Place, stream: str, message: str) -> None:
        self.total += 1
        self.by_stream[stream] += 1
        if len(self.shown) < SHOWN_FINDINGS:
            self.shown.append(f"{place.manifest} {place.key} line {place.line} id {place.record}: {message}")


class Tally:
    """Counts and findings over all directories."""

    def __init__(self) -> None:
        self.lines: Counter[tuple[str, str]] = Counter()
        self.items: Counter[tuple[str, str]] = Counter()
        self.errors = Findings()
        self.dangling = Findings()
        self.notes: list[str] = []


class LogCheck:
    """The check of one integration's commit log."""

    def __init__(self, bucket: Path, tally: Tally) -> None:
        self._bucket = bucket
        self._tally = tally
        self._state = NewestState()
        self._items: dict[str, list[Any]] = defaultdict(list)

    def run(self, log: Path) -> None:
        """Read the log from its first manifest to its newest, then judge the whole."""
        try:
            for manifest in manifests(self._bucket, log):
                self._manifest(manifest)
        except BrokenLog as error:
            self._tally.errors.add(Place(str(log)), "log", str(error))
        for problem in whole_problems(self._items):
            self._tally.errors.add(Place(str(log)), "whole bundle", problem)
        for place, problem in self._state.dangling():
            self._tally.dangling.add(place, _stream_of(place), problem)
        for place, problem in self._state.contradictions():
            self._tally.errors.add(place, _stream_of(place), problem)
        self._tally.notes.append(self._note(log))

    def _manifest(self, manifest: Manifest) -> None:
        for entry in manifest.document["batches"]:
            try:
                batch = read_batch(self._bucket, entry)
            except BrokenLog as error:
                self._tally.errors.add(Place(manifest.key), "batch", str(error))
                continue
            self._batch(manifest, batch)
        for entry in manifest.document["snapshots"]:
            try:
                snapshot = read_snapshot(manifest, entry)
            except BrokenLog as error:
                self._tally.errors.add(Place(manifest.key), "snapshot", str(error))
                continue
            if snapshot.complete:
                self._state.forget_unrepeated(snapshot)

    def _batch(self, manifest: Manifest, batch: Batch) -> None:
        for number, text in enumerate(batch.lines, start=1):
            place = Place(manifest.key, batch.key, number)
            try:
                line = parse_line(text)
            except ValueError as error:
                self._tally.errors.add(place, batch.stream, str(error))
                continue
            self._line(manifest.sequence, place._replace(record=str(line.get("id"))), batch.stream, line)

    def _line(self, sequence: int, place: Place, stream: str, line: dict[str, Any]) -> None:
        problems = list(envelope_problems(stream, line))
        for problem in problems:
            self._tally.errors.add(place, stream, problem)
        self._tally.lines[stream, str(line.get("op"))] += 1
        bundle = line.get("bundle", {})
        if isinstance(bundle, dict):
            self._bundle(place, stream, bundle)
        if not problems:
            self._state.apply(sequence, place, line)

    def _bundle(self, place: Place, stream: str, bundle: dict[str, Any]) -> None:
        for key, items in bundle.items():
            if key not in MODELS:
                self._tally.errors.add(place, stream, f"unknown bundle key {key!r}")
            elif not isinstance(items, list):
                self._tally.errors.add(place, stream, f"bundle key {key} is not a list")
            else:
                self._keyed_items(place, stream, key, items)

    def _keyed_items(self, place: Place, stream: str, key: str, items: list[Any]) -> None:
        self._tally.items[stream, key] += len(items)
        self._items[key].extend(items)
        for item in items:
            for problem in item_problems(key, item):
                self._tally.errors.add(place, stream, problem)

    def _note(self, log: Path) -> str:
        held = self._state.counts()
        unfinished = sorted(stream for stream in held if stream not in self._state.complete_streams)
        return (
            f"{log}: newest state holds {sum(held.values())} records;"
            f" without a complete snapshot: {', '.join(unfinished) or 'none'};"
            f" patched but not defined in it: {self._state.patched_but_undefined()};"
            f" named and not listed by the org: {', '.join(self._state.left_out()) or 'none'}"
        )


def envelope_problems(stream: str, line: dict[str, Any]) -> Iterator[str]:
    """What is wrong with a line of `stream` outside the items of its bundle."""
    if stream not in STREAMS or line.get("stream") != stream:
        yield f"stream is {line.get('stream')!r} in a batch of {stream!r}"
    if type(line.get("schema")) is not int or line["schema"] != 1:
        yield f"schema is {line.get('schema')!r}, not 1"
    if not isinstance(line.get("id"), str) or not line["id"]:
        yield "id is not a non-empty string"
    if not is_utc_time(line.get("observed_at")):
        yield f"observed_at {line.get('observed_at')!r} is not an RFC 3339 date-time in UTC"
    if "cause" in line and (not isinstance(line["cause"], str) or not line["cause"]):
        yield "cause is not a non-empty string"
    match line.get("op"):
        case "upsert":
            yield from _upsert_problems(stream, line)
        case "delete":
            yield from _tombstone_problems(stream, line)
        case op:
            yield f"op is {op!r}"


def _upsert_problems(stream: str, line: dict[str, Any]) -> Iterator[str]:
    for field in ("bundle", "source") + (("ocsf",) if stream == "activity" else ()):
        if not isinstance(line.get(field), dict):
            yield f"{field} is not an object"
    if stream == "activity" and line.get("bundle"):
        yield "the bundle of activity is not empty"


def _tombstone_problems(stream: str, line: dict[str, Any]) -> Iterator[str]:
    if "source" in line:
        yield "a tombstone has a source"
    patch = {"uniqueId": line.get("id"), "status": "Deleted"}
    expected = {"update_users": [patch]} if stream == "users" else {}
    if line.get("bundle", {}) != expected:
        yield f"a tombstone of {stream} must have the bundle {expected}"


def _stream_of(place: Place) -> str:
    """The stream in an object key `{prefix}/data/{stream}/integration=…`."""
    before, _, _ = place.key.partition("/integration=")
    return before.rpartition("/")[2]


def check(directories: list[Path]) -> Tally:
    """Check every integration in every directory; each has a newest state of its own."""
    tally = Tally()
    for bucket in directories:
        found = logs(bucket)
        if not found:
            tally.errors.add(Place(str(bucket)), "log", "no manifest found: this is not a copy of a bucket")
        for log in found:
            LogCheck(bucket, tally).run(log)
    return tally


def report(tally: Tally) -> None:
    """Print counts per stream and key, findings, and the line that sums it up."""
    for (stream, op), count in sorted(tally.lines.items()):
        print(f"{stream:20} {op:28} {count:>9}")
    for (stream, key), count in sorted(tally.items.items()):
        print(f"{stream:20} {key:28} {count:>9}")
    for note in tally.notes:
        print(note)
    for title, findings in (("error", tally.errors), ("dangling", tally.dangling)):
        for text in findings.shown:
            print(f"{title}: {text}")
        for where, count in sorted(findings.by_stream.items()):
            print(f"{title} total in {where}: {count}")
    print(
        f"{tally.lines.total()} records, {tally.items.total()} bundle items,"
        f" {tally.errors.total} errors, {tally.dangling.total} dangling"
    )


def main(arguments: list[str]) -> int:
    """The exit code: 0 conforms, 1 does not, 2 wrong usage."""
    if not arguments or any(argument.startswith("-") for argument in arguments):
        print(__doc__, file=sys.stderr)
        return 2
    tally = check([Path(argument) for argument in arguments])
    report(tally)
    return 1 if tally.errors.total or tally.dangling.total else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
