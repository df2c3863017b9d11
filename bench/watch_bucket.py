"""Writes a bucket of any number of events for measuring the watch: `python3 -m bench.watch_bucket FOLDER EVENTS`.

An org of 10,000 users with factors, assignments and admins, and a System Log of 90 days, without attacks, in commits of 50,000
events. Random, but the same every time.
"""

import functools
import gzip
import hashlib
import json
import random
import re
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

USERS = 10_000
APPS = 100
ADMINS = 40
ADDRESSES = 3
"""Of a person, who has one browser and a session a day."""
DAYS = 90
COMMIT_EVENTS, BATCH_EVENTS = 50_000, 10_000
BEGAN = datetime(2026, 8, 20)
EVENTS = Path(__file__).parent.parent / "findings" / "events"
TYPES = (
    "user.session.start",
    "user.authentication.sso",
    "user.authentication.auth_via_mfa",
    "policy.evaluate_sign_on",
    "user.account.update_profile",
    "group.user_membership.add",
    "user.session.access_admin_app",
)


MIX = {
    "policy.evaluate_sign_on": 25,
    "user.authentication.sso": 24,
    "user.authentication.auth_via_mfa": 14,
    "user.authentication.verify": 10,
    "user.session.start": 10,
    "system.push.send_factor_verify_push": 6,
    "user.session.end": 4,
    "app.oauth2.as.token.grant.access_token": 4,
    "user.account.update_profile": 1.5,
    "group.user_membership.add": 1,
    "user.session.access_admin_app": 0.5,
}
"""How often the types are of which most of a day consists, in 100 events: an assumption."""


@functools.cache
def _seldom() -> Any:
    """The types that findings name, and of which a log has few."""
    named = {
        word
        for file in EVENTS.glob("*.sql")
        for word in re.findall(r"'([a-z_0-9]+(?:\.[A-Za-z_0-9]+)+)'", file.read_text())
    }
    return sorted(named - MIX.keys())


class Org:
    """Its objects and events as lines of batches."""

    def __init__(self, events, users=USERS) -> None:
        self._random = random.Random(1)
        self._events = max(events, 1)
        self.users = [f"00u{number:017}" for number in range(users)]

    def objects(self) -> Iterator[tuple[str, list[Any]]]:
        """(stream, lines) of a first snapshot."""
        created = "2026-01-01T00:00:00.000Z"
        users, numbered = self.users, list(enumerate(self.users))
        yield (
            "users",
            [
                line(
                    "users",
                    user,
                    {
                        "id": user,
                        "status": "ACTIVE",
                        "created": created,
                        "lastLogin": "2026-11-01T00:00:00.000Z",
                        "profile": {
                            "login": f"p{user}@acme.example",
                            "email": f"p{user}@acme.example",
                            "firstName": "Ada",
                            "lastName": user,
                            "department": "Finance",
                        },
                    },
                )
                for user in users
            ],
        )
        factor = {"factorType": "webauthn", "provider": "FIDO", "status": "ACTIVE", "created": created}
        yield (
            "factors",
            [line("factors", user, {"user_id": user, "factors": [factor | {"id": f"f{user}"}]}) for user in users],
        )
        yield (
            "groups",
            [line("groups", "00gEvery", {"id": "00gEvery", "type": "BUILT_IN", "profile": {"name": "Everyone"}})],
        )
        yield (
            "group_memberships",
            [
                line("group_memberships", f"00gEvery:{user}", {"group_id": "00gEvery", "user_id": user})
                for user in users
            ],
        )
        yield (
            "applications",
            [
                line(
                    "applications",
                    app(number),
                    {
                        "id": app(number),
                        "label": f"App {number}",
                        "name": "x",
                        "status": "ACTIVE",
                        "signOnMode": "SAML_2_0",
                        "features": [],
                    },
                )
                for number in range(APPS)
            ],
        )
        yield (
            "application_users",
            [
                line(
                    "application_users",
                    f"{app(number)}:{user}",
                    {
                        "app_id": app(number),
                        "id": user,
                        "scope": "USER",
                        "status": "ACTIVE",
                        "created": created,
                        "credentials": {"userName": user},
                    },
                )
                for number, user in numbered
            ],
        )
        yield (
            "role_assignments",
            [
                line(
                    "role_assignments",
                    f"{user}:ra{number}",
                    {
                        "id": f"ra{number}",
                        "principal_id": user,
                        "principal_type": "User",
                        "type": "SUPER_ADMIN" if number < 5 else "HELP_DESK_ADMIN",
                        "label": "Administrator",
                        "status": "ACTIVE",
                        "created": created,
                        "targets": [],
                    },
                )
                for number, user in numbered[:ADMINS]
            ],
        )

    def event(self, number) -> Any:
        at = moment(number, self._events)
        person, uuid = self._random.randrange(len(self.users)), f"{self._random.getrandbits(128):032x}"
        user = self.users[person]
        agent = {
            "rawUserAgent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36",
            "os": "Windows 10",
            "browser": "CHROME",
        }
        place = {
            "city": "London",
            "country": "United Kingdom",
            "state": "England",
            "geolocation": {"lat": 51.5, "lon": -0.1},
        }
        source = {
            "uuid": uuid,
            "published": at,
            "eventType": TYPES[number % len(TYPES)],
            "version": "0",
            "severity": "INFO",
            "displayMessage": "Something happened",
            "actor": {"id": user, "type": "User", "alternateId": f"p{user}@acme.example", "displayName": f"Ada {user}"},
            "client": {
                "ipAddress": f"10.{person % 250}.{person // 250}.{number % ADDRESSES}",
                "device": "Computer",
                "userAgent": agent,
                "geographicalContext": place,
            },
            "outcome": {"result": "SUCCESS", "reason": None},
            "transaction": {"type": "WEB", "id": uuid[:20], "detail": {}},
            "target": [
                {"id": app(number), "type": "AppInstance", "alternateId": "App", "displayName": "App"},
                {"id": user, "type": "User", "alternateId": "x"},
            ],
            "debugContext": {
                "debugData": {"requestUri": "/api/v1/authn", "dtHash": f"{person:032x}", "url": "/api/v1/authn?"}
            },
            "authenticationContext": {"externalSessionId": f"s{user}{at[:10]}"},
            "securityContext": {"asNumber": 1234, "asOrg": "isp", "isProxy": False},
        }
        ocsf = {"class_uid": 3002, "metadata": {"uid": uuid, "version": "1.8.0"}, "unmapped": {"a": "b" * 100}}
        return line("activity", uuid, source) | {"ocsf": ocsf}

    def event_of_a_day(self, number) -> Any:
        """One of the types of a log, as often as there: what findings name and is not often is 4 events in 100."""
        made = self.event(number)
        seldom = self._random.random() < 0.04
        types = (_seldom(), None) if seldom else (list(MIX), list(MIX.values()))
        made["source"]["eventType"] = self._random.choices(*types)[0]
        return made

    def use(self, number, sequence) -> Any:
        at, user = moment(number, self._events), self.users[number % len(self.users)]
        times = {"first_used_at": at, "last_used_at": at}
        source = {"app_id": app(number), "user_id": user, "date": at[:10], "count": 1} | times
        return line("usage", f"{app(number)}:{user}:{at[:10]}:{sequence}", source)


class Log:
    """The commit log of a bucket."""

    def __init__(self, folder) -> None:
        self._folder = folder
        self._previous: str | None = None
        self.sequence = 0

    def commit(self, batches, snapshots, at) -> None:
        self.sequence += 1
        entries = []
        for number, (stream, lines) in enumerate(batches):
            body = gzip.compress("".join(f"{json.dumps(each)}\n" for each in lines).encode(), 1)
            key = f"okta/data/{stream}/integration=okta/date=2026-11-23/run{self.sequence}-{number}.jsonl.gz"
            self._put(key, body)
            entries.append(
                {
                    "stream": stream,
                    "key": key,
                    "records": len(lines),
                    "bytes": len(body),
                    "sha256": hashlib.sha256(body).hexdigest(),
                }
            )
        manifest: dict[str, Any] = {
            "schema": 1,
            "sequence": self.sequence,
            "previous_sha256": self._previous,
            "integration": "okta",
            "org": "https://acme.okta.com",
        }
        manifest |= {
            "owner": None,
            "run": f"run{self.sequence}",
            "committed_at": at,
            "mode": "incremental",
            "batches": entries,
        }
        stored = json.dumps(manifest | {"snapshots": snapshots, "gap": None, "cursor": {}}).encode()
        self._put(f"okta/manifests/okta/{self.sequence:012}.json", stored)
        self._previous = hashlib.sha256(stored).hexdigest()

    def _put(self, key, content) -> None:
        file = self._folder / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def app(number) -> str:
    return f"0oa{number % APPS:03}"


def line(stream, id, source) -> dict[Any, Any]:
    return {
        "schema": 1,
        "stream": stream,
        "op": "upsert",
        "id": id,
        "observed_at": "2026-11-23T18:00:00.000Z",
        "bundle": {},
        "source": source,
    }


def moment(number, events) -> str:
    return f"{(BEGAN + timedelta(seconds=DAYS * 86_400 * number / events)).isoformat(timespec='milliseconds')}Z"


def write_day(folder, events) -> None:
    """Writes a bucket with the objects and a day of the log."""
    org, log = Org(events * DAYS), Log(folder)
    objects = list(org.objects())
    snapshots = [{"stream": stream, "since_sequence": 1, "complete": True} for stream, _ in objects]
    log.commit(objects, snapshots, moment(0, 1))
    made = [org.event_of_a_day(number) for number in range(events)]
    batches = [("activity", made[begin : begin + BATCH_EVENTS]) for begin in range(0, len(made), BATCH_EVENTS)]
    uses = [org.use(number, log.sequence + 1) for number in range(0, events, 5)]
    log.commit([*batches, ("usage", uses)], [], moment(1 / DAYS, 1))


def write(folder, events) -> Any:
    """Writes the bucket; gives what commits 500 events more and a changed user."""
    org, log = Org(events), Log(folder)
    objects = list(org.objects())
    snapshots = [{"stream": stream, "since_sequence": 1, "complete": True} for stream, _ in objects]
    log.commit(objects, snapshots, moment(0, 1))
    for first in range(0, events, COMMIT_EVENTS):
        last = min(first + COMMIT_EVENTS, events)
        made = [org.event(number) for number in range(first, last)]
        batches = [("activity", made[begin : begin + BATCH_EVENTS]) for begin in range(0, len(made), BATCH_EVENTS)]
        uses = [org.use(number, log.sequence + 1) for number in range(first, last, 5)]
        log.commit([*batches, ("usage", uses)], [], moment(last, events))

    def more() -> None:
        user = org.users[3]
        suspended = line("users", user, {"id": user, "status": "SUSPENDED", "profile": {"login": "x"}})
        log.commit(
            [("activity", [org.event(events) for _ in range(500)]), ("users", [suspended])], [], moment(1.001, 1)
        )

    return more


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))
