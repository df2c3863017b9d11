"""A reader's newest state of one commit log, the references in it that lead nowhere, and what cannot be so.

A reader needs two rules: apply a manifest's lines in the order of its batches, then forget what its complete
snapshots did not repeat, but for what they except.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from conformance.commit_log import Snapshot

GROWING_STREAMS = frozenset({"activity", "usage"})
"""Streams whose lines are never replaced, so they have no newest state."""

DEFINED_KIND = {
    "new_users": "account",
    "new_service_accounts": "account",
    "new_groupings": "grouping",
    "new_privileges": "privilege",
    "new_assets": "asset",
    "new_git_repos": "asset",
}
"""Bundle key to the kind of thing that the `uniqueId` of its items defines."""

PATCHED_KIND = {
    "update_users": "account",
    "update_service_accounts": "account",
    "update_groupings": "grouping",
    "update_privileges": "privilege",
    "update_assets": "asset",
}

SOURCE_KIND = {"User": "account", "Grouping": "grouping"}
"""A permission's `sourceType` to the kind that its `sourceUniqueId` names."""

REFERENCES = {
    "new_accounts_association": (("sourceId", "account"), ("targetId", "grouping")),
    "new_groupings_association": (("sourceId", "grouping"), ("targetId", "grouping")),
    "new_privileges_grants": (("sourceId", "privilege"), ("targetId", "privilege")),
    "new_assets_inheritance": (("sourceId", "asset"), ("targetId", "asset")),
    "new_permissions": (("privilegeId", "privilege"), ("assetId", "asset")),
}
"""Bundle key to (field, kind it must name)."""

API_PATH = "/api/v1/"
"""In links that are for programs."""

ASSET_STREAMS = ("applications", "groups", "idps")
"""Streams each of whose records is an asset."""

STREAM_IDS = ("0oa", "00g")
"""How the ids of their records begin."""

CUSTOM_ROLE = "okta:role:cr0"
"""How the privilege of a custom role begins."""

Defined = set[tuple[str, str]]
"""(kind, uniqueId) of everything some line defines."""


class Place(NamedTuple):
    """Where a line stands: manifest file, object key, line counted from 1, record id."""

    manifest: str
    key: str = "-"
    line: int = 0
    record: str = "-"


class Sent(NamedTuple):
    """A record as last sent, in the manifest of this sequence."""

    sequence: int
    place: Place
    bundle: dict[str, Any]


class NewestState:
    """Records by stream and id, and their ids by each `:`-separated part."""

    def __init__(self) -> None:
        self._records: dict[str, dict[str, Sent]] = defaultdict(dict)
        self._ids_by_part: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._patched: Defined = set()
        self.complete_streams: set[str] = set()

    def apply(self, sequence: int, place: Place, line: dict[str, Any]) -> None:
        """Take one line; lines come in the order of their batches."""
        stream, record = line["stream"], line["id"]
        bundle = line.get("bundle", {})
        if line["op"] == "delete":
            self._forget(stream, record)
            return
        self._patched.update(_ids(bundle, PATCHED_KIND))
        if stream in GROWING_STREAMS:
            return
        self._records[stream][record] = Sent(sequence, place, bundle)
        for part in record.split(":"):
            self._ids_by_part[stream, part].add(record)

    def forget_unrepeated(self, snapshot: Snapshot) -> None:
        """A complete snapshot: what it covers, was last sent before `since_sequence` and is not excepted is gone."""
        stream, records = snapshot.stream, self._records[snapshot.stream]
        covered = records if snapshot.scope is None else self._ids_by_part.get((stream, snapshot.scope), ())
        unrepeated = [each for each in covered if records[each].sequence < snapshot.since_sequence]
        for record in unrepeated:
            if snapshot.excepted.isdisjoint(record.split(":")):
                self._forget(stream, record)
        if snapshot.scope is None:
            self.complete_streams.add(stream)

    def counts(self) -> dict[str, int]:
        """Records held, by stream."""
        return {stream: len(records) for stream, records in self._records.items()}

    def dangling(self) -> Iterator[tuple[Place, str]]:
        """Every reference of the newest state that names what a line of it should define and none does."""
        for place, key, field, kind, target in self._undefined():
            if not self._is_unlisted(kind, target):
                yield place, f"{key}.{field}: no {kind} {target!r} is defined"

    def left_out(self) -> Iterator[str]:
        """Ids of apps, groups and IdPs that sets and targets name and the org does not list: a loader leaves these out."""
        yield from sorted({target for _, _, _, kind, target in self._undefined() if self._is_unlisted(kind, target)})

    def _undefined(self) -> Iterator[tuple[Place, str, str, str, str]]:
        defined = self._defined()
        for sent in self._sent():
            for key, field, kind, target in _references(sent.bundle):
                if (kind, target) not in defined:
                    yield sent.place, key, field, kind, target

    def _is_unlisted(self, kind: str, target: str) -> bool:
        """Whether it is an asset that only its own stream defines, and that stream has no record of it."""
        is_of_stream = kind == "asset" and target.startswith(STREAM_IDS)
        return is_of_stream and not any(target in self._records.get(stream, ()) for stream in ASSET_STREAMS)

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """What the newest state says that is not so of any org: two names of one thing, a role that nobody holds."""
        yield from self._renamed()
        yield from self._empty_roles()
        for sent in self._sent():
            yield from ((sent.place, problem) for problem in _odd_items(sent.bundle))

    def _renamed(self) -> Iterator[tuple[Place, str]]:
        """Things that two records define with different names or kinds: references define nothing."""
        first: dict[tuple[str, str], tuple[object, ...]] = {}
        for sent in self._sent():
            for key in sent.bundle.keys() & DEFINED_KIND.keys():
                for item in _items(sent.bundle, key):
                    said = (item.get("name", item.get("originName")), item.get("type"), item.get("originType"))
                    known = first.setdefault((key, str(item.get("uniqueId"))), said)
                    if known != said:
                        yield sent.place, f"{key} {item.get('uniqueId')!r} is {said} here and {known} elsewhere"

    def _empty_roles(self) -> Iterator[tuple[Place, str]]:
        """Groupings of roles without a member."""
        held = {
            item.get("targetId")
            for sent in self._sent()
            for key in ("new_accounts_association", "new_groupings_association")
            for item in _items(sent.bundle, key)
        }
        for sent in self._sent():
            for item in _items(sent.bundle, "new_groupings"):
                if item.get("isRole") is True and item.get("uniqueId") not in held:
                    yield sent.place, f"nobody is in the role {item.get('uniqueId')!r}"

    def patched_but_undefined(self) -> int:
        """How many things were patched that the newest state does not define (gone since, or not read yet)."""
        return len(self._patched - self._defined())

    def _forget(self, stream: str, record: str) -> None:
        if self._records[stream].pop(record, None):
            for part in record.split(":"):
                self._ids_by_part[stream, part].discard(record)

    def _sent(self) -> Iterator[Sent]:
        for records in self._records.values():
            yield from records.values()

    def _defined(self) -> Defined:
        return {each for sent in self._sent() for each in _ids(sent.bundle, DEFINED_KIND)}


def _odd_items(bundle: dict[str, Any]) -> Iterator[str]:
    for item in _items(bundle, "new_assets"):
        if API_PATH in str(item.get("href", "")):
            yield f"new_assets.href {item['href']!r} leads to the JSON API"
    for item in _items(bundle, "new_permissions"):
        if str(item.get("privilegeId")).startswith(CUSTOM_ROLE) and "assetId" not in item:
            yield f"the custom role {item['privilegeId']!r} is over the whole org"
    for item in _items(bundle, "new_users"):
        if "hasMFA" in item:
            yield "new_users.hasMFA is said where no factors are read"


def _items(bundle: dict[str, Any], key: str) -> Iterator[dict[str, Any]]:
    items = bundle.get(key)
    if isinstance(items, list):
        yield from (item for item in items if isinstance(item, dict))


def _ids(bundle: dict[str, Any], kinds: dict[str, str]) -> Iterator[tuple[str, str]]:
    for key in bundle.keys() & kinds.keys():
        for item in _items(bundle, key):
            if isinstance(unique_id := item.get("uniqueId"), str):
                yield kinds[key], unique_id


def _references(bundle: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """(bundle key, field, kind, id) of what the bundle's items name."""
    for key in bundle.keys() & REFERENCES.keys():
        for item in _items(bundle, key):
            for field, kind in _named(key, item):
                if isinstance(target := item.get(field), str):
                    yield key, field, kind, target


def _named(key: str, item: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from REFERENCES[key]
    source_type = item.get("sourceType")
    if isinstance(source_type, str) and source_type in SOURCE_KIND:
        yield "sourceUniqueId", SOURCE_KIND[source_type]
