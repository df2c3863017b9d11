"""Rules of the conformance check, each shown by a line it must refuse beside one it must accept.

Usage: python selftest.py
"""

import contextlib
import copy
import gzip
import hashlib
import io
import json
import tempfile
import unittest
from pathlib import Path
from typing import Any

from conformance import authomize_check
from conformance.bundle import MODELS, item_problems, whole_problems

JsonObject = dict[str, Any]

GOOD: dict[str, JsonObject] = {
    "new_users": {
        "uniqueId": "00u1",
        "originId": "00u1",
        "name": "ada@acme.com",
        "status": "Enabled",
        "isExternal": False,
        "lastLoginAt": "2026-11-23T18:00:00.000Z",
        "tags": ["mfa:sms"],
        "customProperties": [{"key": "status", "value": "ACTIVE"}],
    },
    "new_groupings": {"uniqueId": "00g1", "name": "Everyone", "originType": "BUILT_IN", "type": "Group"},
    "new_privileges": {"uniqueId": "okta:use-app", "originName": "Use application", "type": "Use"},
    "new_privileges_grants": {"sourceId": "okta:role:cr01", "targetId": "okta.users.manage"},
    "new_permissions": {
        "sourceUniqueId": "00u1",
        "sourceType": "User",
        "privilegeId": "okta:use-app",
        "assetId": "0oa1",
    },
    "new_accounts_association": {"sourceId": "00u1", "targetId": "00g1"},
    "new_groupings_association": {"sourceId": "00g1", "targetId": "role:SUPER_ADMIN"},
    "new_assets": {"uniqueId": "0oa1", "name": "Payroll", "type": "Application"},
    "new_git_repos": {"uniqueId": "r1", "name": "repo", "type": "GitRepository", "isPrivate": True},
    "new_assets_inheritance": {"sourceId": "iam1", "targetId": "0oa1"},
    "new_identities": {"uniqueId": "00u1", "hireAt": "2020-02-29T00:00:00Z"},
    "new_service_accounts": {"uniqueId": "0oa2", "type": "ApplicationPrincipal", "status": "Enabled"},
    "update_users": {"uniqueId": "00u1", "hasMFA": True},
    "update_service_accounts": {"uniqueId": "0oa2", "status": "Disabled"},
    "update_identities": {"uniqueId": "00u1", "city": "Oslo"},
    "update_groupings": {"uniqueId": "00g1", "name": "Everyone"},
    "update_privileges": {"uniqueId": "okta:use-app", "originName": "Use application"},
    "update_assets": {"uniqueId": "0oa1", "name": "Payroll", "lastUsedAt": "2026-11-23T18:00:00+00:00"},
}

# (bundle key, what replaces or joins the good item's fields, a part of the refusal)
REFUSED: list[tuple[str, JsonObject, str]] = [
    ("new_users", {"managerId": "00u2"}, "new_users.managerId: unknown field"),
    ("new_users", {"customProperties": [{"key": "a", "value": "b", "kind": "c"}]}, "0.kind: unknown field"),
    ("new_privileges_grants", {"note": "x"}, "note: unknown field"),
    ("update_users", {"hasMfa": True}, "hasMfa: unknown field"),
    ("update_privileges", {"privilegeType": "Administrative"}, "privilegeType: unknown field"),
    ("new_users", {"email": None}, "new_users.email is null"),
    ("new_users", {"customProperties": [{"key": "a", "value": None}]}, "value is null"),
    ("new_users", {"tags": [None]}, "tags.0 is null"),
    ("update_assets", {"lastUsedAt": None}, "update_assets.lastUsedAt is null"),
    ("new_users", {"email": ""}, "new_users.email is an empty string"),
    ("new_users", {"uniqueId": ""}, "at least 1 character"),
    ("new_users", {"tags": [""]}, "tags.0 is an empty string"),
    ("new_users", {"customProperties": [{"key": "a", "value": ""}]}, "value is an empty string"),
    ("new_privileges", {"originName": ""}, "originName is an empty string"),
    ("update_users", {"title": ""}, "update_users.title is an empty string"),
    ("new_users", {"customProperties": [{"key": "a", "value": "x" * 65}]}, "at most 64 characters"),
    ("new_groupings", {"alternativeName": "x" * 257}, "at most 256 characters"),
    ("new_assets", {"description": "x" * 513}, "513 characters"),
    ("update_assets", {"description": "x" * 513}, "513 characters"),
    ("new_users", {"status": "ACTIVE"}, "not a valid enumeration member"),
    ("new_users", {"status": "enabled"}, "not a valid enumeration member"),
    ("update_users", {"status": "Gone"}, "not a valid enumeration member"),
    ("new_groupings", {"type": "Role"}, "not a valid enumeration member"),
    ("new_assets", {"type": "Group"}, "not a valid enumeration member"),
    ("new_git_repos", {"type": "Application"}, "not a valid enumeration member"),
    ("new_permissions", {"sourceType": "Client"}, "not a valid enumeration member"),
    ("new_privileges", {"type": "Run"}, "not a valid enumeration member"),
    ("new_privileges", {"privilegeType": "Use"}, "not a valid enumeration member"),
    ("new_service_accounts", {"type": "Robot"}, "not a valid enumeration member"),
    ("new_users", {"lastLoginAt": "yesterday"}, "invalid datetime"),
    ("new_users", {"lastLoginAt": 1763920800}, "not an RFC 3339 date-time in UTC"),
    ("new_users", {"lastLoginAt": "1763920800"}, "not an RFC 3339 date-time in UTC"),
    ("new_users", {"lastLoginAt": "2026-11-23 18:00:00Z"}, "not an RFC 3339 date-time in UTC"),
    ("new_users", {"lastLoginAt": "2026-11-23T18:00:00"}, "not an RFC 3339 date-time in UTC"),
    ("new_users", {"lastLoginAt": "2026-11-23T18:00:00+01:00"}, "not an RFC 3339 date-time in UTC"),
    ("new_users", {"lastLoginAt": "2026-02-30T18:00:00Z"}, "invalid datetime"),
    ("update_assets", {"lastUsedAt": "2026-11-23T18:00Z"}, "not an RFC 3339 date-time in UTC"),
    ("new_users", {"name": 7}, "name: 7 has the wrong type"),
    ("new_users", {"isExternal": "false"}, "isExternal: 'false' has the wrong type"),
    ("new_users", {"isExternal": 0}, "isExternal: 0 has the wrong type"),
    ("update_users", {"hasMFA": 1}, "hasMFA: 1 has the wrong type"),
    ("new_users", {"tags": "mfa:sms"}, "not a valid list"),
    ("new_users", {"customProperties": [{"key": "a", "value": True}]}, "value: True has the wrong type"),
    ("new_users", {"customProperties": {"a": "b"}}, "not a valid list"),
    ("new_users", {"customProperties": [[["key", "a"], ["value", "b"]]]}, "customProperties.0: "),
]

REQUIRED: list[tuple[str, str]] = [
    (key, name) for key, model in MODELS.items() for name, field in model.__fields__.items() if field.required
]


def line(stream: str, record: str, bundle: JsonObject | None = None, **more: Any) -> JsonObject:
    """An upsert of `record` with the good envelope, changed by `more`."""
    return {
        "schema": 1,
        "stream": stream,
        "op": "upsert",
        "id": record,
        "observed_at": "2026-11-23T18:00:00.000Z",
        "bundle": bundle or {},
        "source": {"id": record},
    } | more


def tombstone(stream: str, record: str) -> JsonObject:
    """The delete of `record`."""
    gone = line(stream, record, op="delete")
    del gone["source"], gone["bundle"]
    if stream == "users":
        gone["bundle"] = {"update_users": [{"uniqueId": record, "status": "Deleted"}]}
    return gone


def member(group: str, user: str) -> JsonObject:
    """That a user is in a group."""
    association = {"sourceId": user, "targetId": group}
    return line("group_memberships", f"{group}:{user}", {"new_accounts_association": [association]})


USER = line("users", "00u1", {"new_users": [GOOD["new_users"]]})
GROUP = line("groups", "00g1", {"new_groupings": [GOOD["new_groupings"]]})
MEMBER = line("group_memberships", "00g1:00u1", {"new_accounts_association": [GOOD["new_accounts_association"]]})
APP = line("applications", "0oa1", {"new_assets": [GOOD["new_assets"]], "new_privileges": [GOOD["new_privileges"]]})
APP_USER = line("application_users", "0oa1:00u1", {"new_permissions": [GOOD["new_permissions"]]})


class Bucket:
    """A copy of a bucket in a directory, written commit by commit."""

    def __init__(self, directory: str, integration: str = "okta") -> None:
        self.root = Path(directory)
        self.integration = integration
        self.sequence = 0
        self.previous_sha256: str | None = None

    def put_batch(self, number: int, stream: str, text: bytes) -> JsonObject:
        """Store an object of JSON Lines; the entry that a manifest would hold."""
        path = f"data/{stream}/integration={self.integration}/date=2026-11-23"
        key = f"okta/{path}/run{self.sequence}-{number}.jsonl.gz"
        stored = gzip.compress(text)
        (self.root / key).parent.mkdir(parents=True, exist_ok=True)
        (self.root / key).write_bytes(stored)
        return {
            "stream": stream,
            "key": key,
            "records": text.count(b"\n"),
            "bytes": len(stored),
            "sha256": hashlib.sha256(stored).hexdigest(),
        }

    def commit(self, *lines: JsonObject, snapshots: tuple[JsonObject, ...] = ()) -> Path:
        """Each line in a batch of its own, in the order given, then the manifest."""
        self.sequence += 1
        batches = [
            self.put_batch(number, each["stream"], json.dumps(each).encode() + b"\n")
            for number, each in enumerate(lines)
        ]
        return self.put_manifest({"batches": batches, "snapshots": list(snapshots)})

    def put_manifest(self, fields: JsonObject) -> Path:
        """Store the manifest of the present sequence."""
        head = {"schema": 1, "sequence": self.sequence, "previous_sha256": self.previous_sha256}
        path = self.root / f"okta/manifests/{self.integration}/{self.sequence:012}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(head | fields))
        self.previous_sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        return path


def snapshot(stream: str, since: int, **more: Any) -> JsonObject:
    """A complete snapshot's entry in a manifest."""
    return {"stream": stream, "since_sequence": since, "complete": True} | more


class Items(unittest.TestCase):
    """One item against its model."""

    def test_every_bundle_key_has_a_good_item_that_is_accepted(self) -> None:
        self.assertEqual(GOOD.keys(), MODELS.keys())
        for key, item in GOOD.items():
            with self.subTest(key):
                self.assertEqual(list(item_problems(key, item)), [])

    def test_what_the_contract_or_the_model_forbids_is_refused(self) -> None:
        for key, change, expected in REFUSED:
            with self.subTest(key=key, change=change):
                problems = list(item_problems(key, GOOD[key] | change))
                self.assertTrue(any(expected in problem for problem in problems), problems)

    def test_every_required_field_is_missed(self) -> None:
        self.assertGreater(len(REQUIRED), len(MODELS))
        for key, name in REQUIRED:
            with self.subTest(key=key, name=name):
                item = {field: value for field, value in GOOD[key].items() if field != name}
                problems = list(item_problems(key, item))
                self.assertIn(f"{key}.{name}: field required", problems)

    def test_lengths_are_accepted_up_to_their_limit(self) -> None:
        properties = [{"key": "a", "value": "é" * 64}]
        self.assertEqual(list(item_problems("new_users", GOOD["new_users"] | {"customProperties": properties})), [])
        longest = GOOD["new_assets"] | {"description": "é" * 512}
        self.assertEqual(list(item_problems("new_assets", longest)), [])

    def test_an_item_that_is_no_object_is_refused(self) -> None:
        items: tuple[Any, ...] = ("00u1", None, [], 7)
        for item in items:
            with self.subTest(item=item):
                self.assertEqual(len(list(item_problems("new_users", item))), 1)

    def test_the_whole_is_refused_when_one_item_is(self) -> None:
        self.assertEqual(list(whole_problems({key: [item] for key, item in GOOD.items()})), [])
        for key in ("new_users", "update_users"):
            with self.subTest(key):
                self.assertEqual(len(list(whole_problems({key: [GOOD[key], {"name": "no id"}]}))), 1)

    def test_more_patches_than_one_request_holds_are_valid(self) -> None:
        self.assertEqual(list(whole_problems({"update_users": [GOOD["update_users"]] * 10_001})), [])


class InABucket(unittest.TestCase):
    """Lines in a directory that is a copy of the bucket."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.bucket = Bucket(directory.name)

    def check(self) -> authomize_check.Tally:
        return authomize_check.check([self.bucket.root])

    def assert_conforms(self) -> None:
        tally = self.check()
        self.assertEqual((tally.errors.shown, tally.dangling.shown), ([], []))

    def assert_error(self, part: str) -> None:
        tally = self.check()
        self.assertTrue(any(part in text for text in tally.errors.shown), tally.errors.shown)

    def assert_dangling(self, *parts: str) -> None:
        tally = self.check()
        self.assertEqual(tally.errors.shown, [])
        self.assertEqual(tally.dangling.total, len(parts), tally.dangling.shown)
        for part in parts:
            self.assertTrue(any(part in text for text in tally.dangling.shown), tally.dangling.shown)


class Lines(InABucket):
    """The line around the bundle, and the log around the line."""

    def test_good_lines_of_every_shape_conform(self) -> None:
        usage = line("usage", "login:00u1:2026-11-23:1", {"update_users": [GOOD["update_users"]]})
        activity = line("activity", "e1", ocsf={"class_uid": 3002})
        self.bucket.commit(USER, GROUP, MEMBER, APP, APP_USER, usage, activity)
        self.bucket.commit(tombstone("factors", "00u1"), line("idp_users", "0oi1:00u1", cause="e1"))
        self.assert_conforms()

    def test_a_bad_envelope_is_refused(self) -> None:
        cases: list[tuple[JsonObject, str]] = [
            (USER | {"schema": 2}, "schema is 2"),
            (USER | {"schema": True}, "schema is True"),
            (USER | {"id": ""}, "id is not"),
            (USER | {"id": 7}, "id is not"),
            (USER | {"op": "update"}, "op is 'update'"),
            (USER | {"observed_at": "2026-11-23T18:00:00"}, "observed_at"),
            (USER | {"observed_at": "2026-13-23T18:00:00Z"}, "observed_at"),
            (USER | {"cause": None}, "cause is not"),
            (USER | {"bundle": None}, "bundle is not an object"),
            (USER | {"source": None}, "source is not an object"),
            (USER | {"stream": "people"}, "in a batch of 'people'"),
            (line("activity", "e1"), "ocsf is not an object"),
            (line("activity", "e1", {"new_users": [GOOD["new_users"]]}, ocsf={}), "activity is not empty"),
            (tombstone("groups", "00g1") | {"source": {}}, "a tombstone has a source"),
            (tombstone("users", "00u1") | {"bundle": {}}, "a tombstone of users"),
            (tombstone("groups", "00g1") | {"bundle": {"new_groupings": []}}, "a tombstone of groups"),
            (line("users", "00u1", {"new_user": []}), "unknown bundle key 'new_user'"),
            (line("users", "00u1", {"app": GOOD["new_assets"]}), "unknown bundle key 'app'"),
            (line("users", "00u1", {"new_users": None}), "new_users is not a list"),
            (line("users", "00u1", {"new_users": GOOD["new_users"]}), "new_users is not a list"),
            (line("users", "00u1", {"new_users": [{"name": "x"}]}), "uniqueId: field required"),
        ]
        for bad, expected in cases:
            with self.subTest(expected), tempfile.TemporaryDirectory() as directory:
                self.bucket = Bucket(directory)
                self.bucket.commit(bad)
                self.assert_error(expected)

    def test_an_error_names_manifest_key_line_and_id(self) -> None:
        self.bucket.sequence = 1
        text = json.dumps(USER) + "\n" + json.dumps(USER | {"id": "00u2", "schema": 3}) + "\n"
        entry = self.bucket.put_batch(0, "users", text.encode())
        self.bucket.put_manifest({"batches": [entry], "snapshots": []})
        self.assert_error(f"okta/manifests/okta/000000000001.json {entry['key']} line 2 id 00u2: schema is 3")

    def test_a_bad_item_is_an_error_of_its_line_and_of_the_whole_bundle(self) -> None:
        self.bucket.commit(line("users", "00u1", {"new_users": [{"name": "x"}]}))
        self.assert_error(".jsonl.gz line 1 id 00u1: new_users.uniqueId: field required")
        self.assertEqual(self.check().errors.by_stream, {"users": 1, "whole bundle": 1})

    def test_a_line_that_is_not_json_is_refused(self) -> None:
        not_a_number = json.dumps(USER | {"source": {"level": float("nan")}}).encode() + b"\n"
        for text in (b"{\n", b"[]\n", b"\n", not_a_number, b'{"id": "\xff"}\n'):
            with self.subTest(text), tempfile.TemporaryDirectory() as directory:
                self.bucket = Bucket(directory)
                self.bucket.sequence = 1
                entry = self.bucket.put_batch(0, "users", text)
                self.bucket.put_manifest({"batches": [entry], "snapshots": []})
                self.assert_error("line 1 ")

    def test_a_line_of_another_stream_than_its_batch_is_refused(self) -> None:
        self.bucket.sequence = 1
        entry = self.bucket.put_batch(0, "groups", json.dumps(USER).encode() + b"\n")
        self.bucket.put_manifest({"batches": [entry], "snapshots": []})
        self.assert_error("stream is 'users' in a batch of 'groups'")

    def test_a_batch_must_be_what_its_manifest_says(self) -> None:
        for field, value in (("records", 2), ("bytes", 1), ("sha256", "00"), ("key", "okta/none.jsonl.gz")):
            with self.subTest(field), tempfile.TemporaryDirectory() as directory:
                self.bucket = Bucket(directory)
                self.bucket.sequence = 1
                entry = self.bucket.put_batch(0, "users", json.dumps(USER).encode() + b"\n")
                self.bucket.put_manifest({"batches": [entry | {field: value}], "snapshots": []})
                self.assert_error("none.jsonl.gz" if field == "key" else "the manifest says")

    def test_a_batch_entry_without_key_or_stream_is_refused(self) -> None:
        for field in ("key", "stream"):
            with self.subTest(field), tempfile.TemporaryDirectory() as directory:
                self.bucket = Bucket(directory)
                self.bucket.sequence = 1
                entry = self.bucket.put_batch(0, "users", json.dumps(USER).encode() + b"\n")
                self.bucket.put_manifest({"batches": [entry | {field: None}], "snapshots": []})
                self.assert_error("lacks key or stream")

    def test_a_batch_that_is_not_gzip_is_refused(self) -> None:
        path = self.bucket.commit(USER)
        stored = self.bucket.root / json.loads(path.read_text())["batches"][0]["key"]
        for damaged in (b"{}", stored.read_bytes()[:-9], b""):
            with self.subTest(damaged):
                stored.write_bytes(damaged)
                self.assert_error(".jsonl.gz: ")

    def test_a_hole_in_the_log_is_refused(self) -> None:
        self.bucket.commit(USER)
        self.bucket.commit(GROUP).unlink()
        self.bucket.commit(MEMBER)
        self.assert_error("manifest 2 is expected here")

    def test_a_manifest_must_be_the_sequence_of_its_name(self) -> None:
        path = self.bucket.commit(USER)
        renumbered = path.read_text().replace('"sequence": 1', '"sequence": 2')
        path.write_text(renumbered)
        self.assert_error("manifest 1 is expected here")
        path.rename(path.with_name("000000000002.json"))
        self.assert_error("manifest 1 is expected here")
        path.with_name("000000000002.json").write_text(renumbered.replace('"sequence": 2', '"sequence": 1'))
        self.assert_error("manifest 1 is expected here")

    def test_a_rewritten_manifest_is_refused(self) -> None:
        first = self.bucket.commit(USER)
        self.bucket.commit(GROUP)
        first.write_text(first.read_text() + " ")
        self.assert_error("previous_sha256")

    def test_a_snapshot_that_cannot_be_obeyed_is_refused(self) -> None:
        cases = [
            (snapshot("users", 2), "since_sequence is not"),
            (snapshot("users", 0), "since_sequence is not"),
            (snapshot("users", 1, since_sequence="1"), "since_sequence is not"),
            (snapshot("users", 1, complete=None), "unreadable snapshot"),
            (snapshot("users", 1, scope=7), "unreadable snapshot"),
            (snapshot("users", 1) | {"stream": None}, "unreadable snapshot"),
            (snapshot("users", 1, **{"except": "00u1"}), "except is not a list of ids"),
            (snapshot("users", 1, **{"except": None}), "except is not a list of ids"),
            (snapshot("users", 1, **{"except": ["00u1", 7]}), "except is not a list of ids"),
            (snapshot("users", 1, **{"except": [""]}), "except is not a list of ids"),
            (snapshot("users", 1, **{"except": [f"00u{n}" for n in range(101)]}), "except has 101 ids"),
        ]
        for entry, expected in cases:
            with self.subTest(entry), tempfile.TemporaryDirectory() as directory:
                self.bucket = Bucket(directory)
                self.bucket.commit(USER, snapshots=(entry,))
                self.assert_error(expected)

    def test_a_manifest_that_cannot_be_read_is_refused(self) -> None:
        for fields, expected in (
            ({"batches": []}, "snapshots is not"),
            ({"batches": [1], "snapshots": []}, "batches is not"),
        ):
            with self.subTest(expected), tempfile.TemporaryDirectory() as directory:
                self.bucket = Bucket(directory)
                self.bucket.sequence = 1
                self.bucket.put_manifest(fields)
                self.assert_error(expected)
        self.bucket.commit(USER).write_text("{")
        self.assert_error("000000000002.json: Expecting property name")

    def test_a_directory_without_manifests_is_refused(self) -> None:
        self.assert_error("no manifest found")


class References(InABucket):
    """Ids that the newest state names and does not define."""

    def test_each_reference_needs_its_own_kind_of_target(self) -> None:
        permission = GOOD["new_permissions"]
        cases: list[tuple[str, JsonObject, list[str]]] = [
            ("new_accounts_association", {}, ["sourceId: no account '00u1'", "targetId: no grouping '00g1'"]),
            ("new_groupings_association", {}, ["no grouping '00g1'", "no grouping 'role:SUPER_ADMIN'"]),
            ("new_privileges_grants", {}, ["no privilege 'okta:role:cr01'", "no privilege 'okta.users.manage'"]),
            ("new_assets_inheritance", {}, ["no asset 'iam1'"]),
            (
                "new_permissions",
                {},
                ["sourceUniqueId: no account '00u1'", "no privilege 'okta:use-app'"],
            ),
            (
                "new_permissions",
                {"sourceType": "Grouping"},
                ["sourceUniqueId: no grouping '00u1'", "no privilege"],
            ),
        ]
        self.assertEqual(permission["sourceType"], "User")
        for key, change, expected in cases:
            with self.subTest(key=key, change=change), tempfile.TemporaryDirectory() as directory:
                self.bucket = Bucket(directory)
                self.bucket.commit(line("role_assignments", "x:y", {key: [GOOD[key] | change]}))
                self.assert_dangling(*expected)

    def test_what_is_so_in_no_org_is_an_error(self) -> None:
        asset, permission = GOOD["new_assets"], GOOD["new_permissions"]
        role = GOOD["new_groupings"] | {"uniqueId": "role:SUPER_ADMIN", "isRole": True}
        custom = {"sourceUniqueId": "00u1", "sourceType": "User", "privilegeId": "okta:role:cr01"}
        cases: list[tuple[JsonObject, str]] = [
            ({"new_assets": [asset | {"name": "another"}]}, "elsewhere"),
            ({"new_assets": [asset | {"type": "Other"}]}, "elsewhere"),
            ({"new_groupings": [role]}, "nobody is in the role 'role:SUPER_ADMIN'"),
            ({"new_permissions": [custom]}, "is over the whole org"),
            ({"new_assets": [asset | {"uniqueId": "0oa9", "href": "https://a.okta.com/api/v1/apps/0oa9"}]}, "JSON API"),
            ({"new_users": [{"uniqueId": "00u9", "hasMFA": False}]}, "no factors are read"),
        ]
        self.assertEqual(permission["sourceType"], "User")
        for bundle, expected in cases:
            with self.subTest(expected), tempfile.TemporaryDirectory() as directory:
                self.bucket = Bucket(directory)
                self.bucket.commit(USER, APP, line("role_assignments", "x:y", bundle))
                self.assert_error(expected)

    def test_a_role_that_somebody_holds_is_none(self) -> None:
        role = GOOD["new_groupings"] | {"uniqueId": "role:SUPER_ADMIN", "isRole": True}
        held = {
            "new_groupings": [role],
            "new_accounts_association": [{"sourceId": "00u1", "targetId": "role:SUPER_ADMIN"}],
        }
        self.bucket.commit(USER, line("role_assignments", "00u1:x", held), line("role_assignments", "00u1:y", held))
        self.assert_conforms()

    def test_a_source_type_that_the_model_refuses_is_an_error_and_no_reference(self) -> None:
        for source_type in ("Client", ["User"], None):
            with self.subTest(source_type), tempfile.TemporaryDirectory() as directory:
                self.bucket = Bucket(directory)
                permission = GOOD["new_permissions"] | {"sourceType": source_type}
                self.bucket.commit(APP, line("roles", "r", {"new_permissions": [permission]}))
                self.assert_error("new_permissions.sourceType")
                self.assertEqual(self.check().dangling.total, 0)

    def test_what_the_org_does_not_list_is_named_and_what_it_lists_must_be_defined(self) -> None:
        bundle = {
            "new_assets": [{"uniqueId": "iam1", "name": "x"}],
            "new_assets_inheritance": [GOOD["new_assets_inheritance"]],
        }
        member = line("resource_sets", "iam1", bundle)
        self.bucket.commit(member)
        self.assert_conforms()
        self.assertIn("named and not listed by the org: 0oa1", self.check().notes[0])
        self.bucket.commit(line("applications", "0oa1", {}))
        self.assert_dangling("no asset '0oa1'")

    def test_a_definition_of_another_kind_does_not_count(self) -> None:
        asset = GOOD["new_assets"] | {"uniqueId": "00g1"}
        self.bucket.commit(USER, MEMBER, line("applications", "00g1", {"new_assets": [asset]}))
        self.assert_dangling("no grouping '00g1'")

    def test_a_permission_without_asset_is_for_the_whole_org(self) -> None:
        permission = copy.copy(GOOD["new_permissions"])
        del permission["assetId"]
        self.bucket.commit(USER, APP, line("roles", "r", {"new_permissions": [permission]}))
        self.assert_conforms()

    def test_a_service_account_is_an_account(self) -> None:
        account = line("applications", "0oa2", {"new_service_accounts": [GOOD["new_service_accounts"]]})
        permission = GOOD["new_permissions"] | {"sourceUniqueId": "0oa2"}
        self.bucket.commit(account, APP, line("roles", "r", {"new_permissions": [permission]}))
        self.assert_conforms()

    def test_a_patch_defines_nothing(self) -> None:
        self.bucket.commit(GROUP, MEMBER, line("factors", "00u1", {"update_users": [GOOD["update_users"]]}))
        self.assert_dangling("no account '00u1'")

    def test_a_definition_may_come_in_a_later_manifest(self) -> None:
        self.bucket.commit(MEMBER)
        self.bucket.commit(USER, GROUP)
        self.assert_conforms()

    def test_a_batch_that_no_manifest_names_does_not_exist(self) -> None:
        self.bucket.commit(USER, MEMBER)
        self.bucket.put_batch(9, "groups", json.dumps(GROUP).encode() + b"\n")
        self.assert_dangling("no grouping '00g1'")

    def test_a_tombstone_takes_the_definition_away(self) -> None:
        self.bucket.commit(USER, GROUP, MEMBER)
        self.bucket.commit(tombstone("users", "00u1"))
        self.assert_dangling("no account '00u1'")

    def test_a_tombstone_takes_the_reference_away(self) -> None:
        self.bucket.commit(USER, GROUP, MEMBER)
        self.bucket.commit(tombstone("users", "00u1"), tombstone("group_memberships", "00g1:00u1"))
        self.assert_conforms()

    def test_lines_of_a_manifest_apply_in_the_order_of_its_batches(self) -> None:
        self.bucket.commit(USER, MEMBER, GROUP, tombstone("groups", "00g1"))
        self.assert_dangling("no grouping '00g1'")
        self.bucket.commit(tombstone("groups", "00g1"), GROUP)
        self.assert_conforms()

    def test_a_newer_upsert_replaces_the_whole_record(self) -> None:
        self.bucket.commit(USER, GROUP, MEMBER)
        self.bucket.commit(line("groups", "00g1"))
        self.assert_dangling("no grouping '00g1'")

    def test_a_complete_snapshot_forgets_what_it_did_not_repeat(self) -> None:
        self.bucket.commit(USER, GROUP, MEMBER)
        self.bucket.commit(USER, snapshots=(snapshot("users", 2), snapshot("groups", 2)))
        self.assert_dangling("no grouping '00g1'")

    def test_a_complete_snapshot_keeps_what_was_sent_since_it_began(self) -> None:
        self.bucket.commit(USER, GROUP, MEMBER)
        self.bucket.commit(APP, snapshots=(snapshot("users", 1), snapshot("groups", 1)))
        self.assert_conforms()

    def test_an_incomplete_snapshot_forgets_nothing(self) -> None:
        self.bucket.commit(USER, GROUP, MEMBER)
        self.bucket.commit(USER, snapshots=(snapshot("groups", 2, complete=False),))
        self.assert_conforms()

    def test_a_scoped_snapshot_forgets_only_ids_with_that_part(self) -> None:
        self.bucket.commit(USER, MEMBER, member("00g2", "00u1"))
        self.assert_dangling("'00g1'", "'00g2'")
        self.bucket.commit(USER, snapshots=(snapshot("group_memberships", 2, scope="00g2"),))
        self.assert_dangling("'00g1'")
        self.bucket.commit(USER, snapshots=(snapshot("group_memberships", 3, scope="00u1"),))
        self.assert_conforms()

    def test_a_complete_snapshot_leaves_what_has_an_excepted_part_as_it_is(self) -> None:
        self.bucket.commit(USER, MEMBER, member("00g2", "00u1"), member("00g10", "00u1"))
        self.bucket.commit(GROUP, snapshots=(snapshot("group_memberships", 2, **{"except": ["00g2", "00g3"]}),))
        self.assert_dangling("'00g2'")
        hundred = [f"00g{n}" for n in range(100, 200)]
        self.bucket.commit(GROUP, snapshots=(snapshot("group_memberships", 3, **{"except": hundred}),))
        self.assert_conforms()

    def test_a_part_is_excepted_only_as_a_whole(self) -> None:
        self.bucket.commit(USER, member("00g10", "00u1"))
        self.bucket.commit(USER, snapshots=(snapshot("group_memberships", 2, **{"except": ["00g1", "00g10:00u1"]}),))
        self.assert_conforms()

    def test_a_scoped_snapshot_has_exceptions_too(self) -> None:
        self.bucket.commit(USER, member("00g2", "00u1"), member("00g3", "00u1"), member("00g4", "00u1"))
        self.bucket.commit(
            USER, snapshots=(snapshot("group_memberships", 2, scope="00u1", **{"except": ["00g3", "00g4"]}),)
        )
        self.assert_dangling("'00g3'", "'00g4'")

    def test_what_was_excepted_is_forgotten_by_the_next_snapshot_that_does_not_except_it(self) -> None:
        self.bucket.commit(USER, MEMBER)
        self.bucket.commit(USER, snapshots=(snapshot("group_memberships", 2, **{"except": ["00g1"]}),))
        self.bucket.commit(USER, snapshots=(snapshot("group_memberships", 3, **{"except": []}),))
        self.assert_conforms()

    def test_each_integration_has_a_newest_state_of_its_own(self) -> None:
        self.bucket.commit(USER, MEMBER)
        Bucket(str(self.bucket.root), "other").commit(GROUP)
        self.assert_dangling("no grouping '00g1'")


class CommandLine(InABucket):
    """What a caller sees."""

    def run_on(self, *arguments: str) -> tuple[int, list[str]]:
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()):
            code = authomize_check.main(list(arguments))
        return code, out.getvalue().splitlines()

    def test_conforming_directories_end_with_zeros_and_exit_0(self) -> None:
        self.bucket.commit(USER, GROUP, MEMBER, APP, APP_USER)
        code, printed = self.run_on(str(self.bucket.root), str(self.bucket.root))
        self.assertEqual((code, printed[-1]), (0, "10 records, 12 bundle items, 0 errors, 0 dangling"))

    def test_errors_exit_1_with_the_first_twenty_and_the_total(self) -> None:
        self.bucket.commit(*[USER | {"schema": 2, "id": f"00u{number}"} for number in range(25)])
        code, printed = self.run_on(str(self.bucket.root))
        self.assertEqual((code, printed[-1]), (1, "25 records, 25 bundle items, 25 errors, 0 dangling"))
        self.assertEqual(sum(text.startswith("error: ") for text in printed), 20)
        self.assertIn("error total in users: 25", printed)

    def test_dangling_references_alone_exit_1(self) -> None:
        self.bucket.commit(USER, MEMBER)
        code, printed = self.run_on(str(self.bucket.root))
        self.assertEqual((code, printed[-1]), (1, "2 records, 2 bundle items, 0 errors, 1 dangling"))
        self.assertIn("dangling total in group_memberships: 1", printed)

    def test_no_directory_is_wrong_usage(self) -> None:
        for arguments in ((), ("--help",)):
            self.assertEqual(self.run_on(*arguments)[0], 2)

    def test_streams_that_are_not_read_to_the_end_are_named(self) -> None:
        self.bucket.commit(USER, GROUP, MEMBER, snapshots=(snapshot("users", 1), snapshot("groups", 1, scope="00g1")))
        _, printed = self.run_on(str(self.bucket.root))
        note = "newest state holds 3 records; without a complete snapshot: group_memberships, groups;"
        self.assertTrue(any(note in text for text in printed), printed)

    def test_what_is_patched_and_gone_is_counted(self) -> None:
        usage = line("usage", "login:00u1:2026-11-23:1", {"update_users": [GOOD["update_users"]]})
        for lines, count in (((usage, USER), 0), ((tombstone("users", "00u1"),), 1)):
            self.bucket.commit(*lines)
            code, printed = self.run_on(str(self.bucket.root))
            self.assertEqual(code, 0)
            self.assertIn(f"patched but not defined in it: {count};", printed[-2])


if __name__ == "__main__":
    unittest.main()
