"""Writes a bucket of any size for measuring the loader: `python3 -m bench.load_bucket FOLDER USERS`.

Users with factors, a group membership and a sign-in each, and one app assignment in ten: what a load of that many users
reads, in batches as the collector writes them.
"""

import gzip
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Line = tuple[str, dict[str, Any], dict[str, Any]]
"""An id, a bundle, a source."""
BATCH = 10_000
GROUPS = 1_000
PROPERTIES = ("status", "created", "statusChanged", "passwordChanged", "profile.login", "type.id")


def user(number: int) -> Line:
    login = f"person.{number}@acme.example"
    item: dict[str, Any] = {
        "uniqueId": f"00u{number:017}",
        "originId": f"00u{number:017}",
        "name": login,
        "email": login,
    }
    item |= {"firstName": "Ada", "lastName": f"Lovelace {number}", "status": "Enabled", "department": "Finance"}
    item |= {"lastLoginAt": "2026-11-20T07:00:00.000Z"}
    item["customProperties"] = [{"key": key, "value": f"2026-01-01T00:00:00.{number:07}Z"} for key in PROPERTIES]
    source = {"id": item["uniqueId"], "status": "ACTIVE", "profile": {"login": login, "email": login, "city": "London"}}
    return item["uniqueId"], {"new_users": [item]}, source


def factors(number) -> tuple[Any, dict[Any, Any], dict[Any, Any]]:
    tags = {"tags": ["mfa:sms"]} if number % 3 == 0 else {}
    item = {"uniqueId": f"00u{number:017}", "hasMFA": True} | tags
    return item["uniqueId"], {"update_users": [item]}, {"user_id": item["uniqueId"], "factors": []}


def group(number) -> tuple[Any, dict[Any, Any], dict[Any, Any]]:
    item = {"uniqueId": f"00g{number:017}", "name": f"Group {number}", "type": "Group", "isRole": False}
    return item["uniqueId"], {"new_groupings": [item]}, {"id": item["uniqueId"]}


def membership(number) -> tuple[str, dict[Any, Any], dict[Any, Any]]:
    member, target = f"00u{number:017}", f"00g{number % GROUPS:017}"
    return f"{target}:{member}", {"new_accounts_association": [{"sourceId": member, "targetId": target}]}, {}


def app(number) -> tuple[Any, dict[Any, Any], dict[Any, Any]]:
    item = {"uniqueId": f"0oa{number:017}", "name": f"App {number}", "type": "Application"}
    privilege = {"uniqueId": "okta:use-app", "originName": "Use application", "type": "Use"}
    return item["uniqueId"], {"new_assets": [item], "new_privileges": [privilege]}, {"id": item["uniqueId"]}


def assignment(number) -> tuple[str, dict[Any, Any], dict[Any, Any]]:
    member, target = f"00u{number * 10:017}", f"0oa{number % 100:017}"
    item = {"sourceUniqueId": member, "sourceType": "User", "privilegeId": "okta:use-app", "assetId": target}
    return f"{target}:{member}", {"new_permissions": [item]}, {}


def sign_in(number) -> tuple[str, dict[Any, Any], Any]:
    at = f"2026-11-22T{number % 24:02}:{number % 60:02}:{number // 60 % 60:02}.{number % 1000:03}Z"
    item = {"uniqueId": f"00u{number:017}", "lastLoginAt": at}
    source = {"user_id": item["uniqueId"], "date": at[:10], "count": 1, "first_used_at": at, "last_used_at": at}
    return f"login:{item['uniqueId']}:2026-11-22:1", {"update_users": [item]}, source


def write(folder, stream, make, number) -> Iterator[dict[Any, Any]]:
    for first in range(0, number, BATCH):
        lines = []
        for one in range(first, min(first + BATCH, number)):
            name, bundle, source = make(one)
            line = {
                "schema": 1,
                "stream": stream,
                "op": "upsert",
                "id": name,
                "observed_at": "2026-11-23T18:00:00.000Z",
            }
            lines.append(json.dumps(line | {"bundle": bundle, "source": source}))
        body = gzip.compress(("\n".join(lines) + "\n").encode(), 1)
        key = f"okta/data/{stream}/integration=okta/date=2026-11-23/run-{stream}-{first}.jsonl.gz"
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        sha256 = hashlib.sha256(body).hexdigest()
        yield {"stream": stream, "key": key, "records": len(lines), "bytes": len(body), "sha256": sha256}


def main(folder, users) -> None:
    sizes = [("groups", group, GROUPS), ("applications", app, 100), ("users", user, users), ("factors", factors, users)]
    sizes += [("group_memberships", membership, users), ("application_users", assignment, users // 10)]
    sizes += [("usage", sign_in, users)]
    batches = [entry for stream, make, number in sizes for entry in write(folder, stream, make, number)]
    whole = [stream for stream, _, _ in sizes if stream != "usage"]
    snapshots = [{"stream": stream, "since_sequence": 1, "complete": True} for stream in whole]
    manifest: dict[str, Any] = {
        "schema": 1,
        "sequence": 1,
        "previous_sha256": None,
        "integration": "okta",
        "owner": None,
        "run": "bench",
    }
    manifest |= {"org": "https://acme.okta.com", "committed_at": "2026-11-23T18:00:00.000Z", "mode": "incremental"}
    manifest |= {"batches": batches, "snapshots": snapshots, "gap": None, "cursor": {}}
    streams = {stream: {"outcome": "succeeded", "snapshot_at": "2026-11-23T18:00:00.000Z"} for stream, _, _ in sizes}
    status = {"integration": "okta", "name": "Okta", "org": "https://acme.okta.com", "sequence": 1, "streams": streams}
    for key, content in (("manifests/okta/000000000001", manifest), ("status/okta", status)):
        path = folder / f"okta/{key}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
