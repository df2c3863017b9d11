"""Writes a bucket of an org of 100,000 users: `python3 -m bench.large_org FOLDER [USERS]`.

Groups, apps, assignments and admins are in proportion to the users, with owners, rules, IdPs and custom roles, so that there are
ways to super admin; the log has 90 days. Random, but the same every time.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from bench import watch_bucket
from bench.large_privileges import CREATED, Lines, Privileges
from bench.watch_bucket import BATCH_EVENTS, line, moment

USERS = 100_000
GROUP_USERS, APP_USERS, ADMIN_USERS = 10, 100, 100
"""Users to a group, an app and an admin."""
MEMBERSHIPS, ASSIGNMENTS, EVENTS = 4, 2, 2
"""Of a user, beside the one in Everyone."""
STATUSES = (
    ("ACTIVE",) * 90 + ("DEPROVISIONED",) * 5 + ("SUSPENDED", "LOCKED_OUT", "PASSWORD_EXPIRED", "STAGED", "PROVISIONED")
)
FACTORS = ("webauthn", "signed_nonce", "push", "token:software:totp", "sms")


class LargeOrg:
    def __init__(self, users: int = USERS) -> None:
        self._random = Random(1)
        self.users = [f"00u{number:017}" for number in range(users)]
        self.groups = ["00gEvery", *(f"00g{number:017}" for number in range(max(users // GROUP_USERS, 10)))]
        self.apps = [f"0oa{number:03}" for number in range(max(users // APP_USERS, 10))]
        self.idps = [f"0oi{number}" for number in range(5)]
        self.admins = self._random.sample(self.users, max(users // ADMIN_USERS, 10))
        self.role_groups = self._random.sample(self.groups[1:], max(len(self.groups) // 500, 3))
        self._privileges = Privileges(self, self._random)

    def objects(self) -> Iterator[tuple[str, Lines]]:
        """(stream, lines) of a first snapshot."""
        yield "users", [self._user(user) for user in self.users]
        yield "factors", [self._factors(user) for user in self.users]
        yield "groups", [self._group(number, group) for number, group in enumerate(self.groups)]
        yield "group_memberships", [self._membership(*pair) for pair in sorted(self._pairs())]
        yield "group_owners", list(self._privileges.owners())
        yield "group_rules", list(self._privileges.rules())
        yield "applications", [self._app(number, app) for number, app in enumerate(self.apps)]
        yield "application_users", list(self._app_users())
        yield "application_groups", list(self._app_groups())
        yield "application_keys", [self._key(app) for app in self.apps]
        yield "application_tokens", list(self._tokens())
        yield "user_grants", list(self._privileges.grants())
        yield "roles", [self._privileges.role(number) for number in range(8)]
        yield "resource_sets", [self._privileges.set(number) for number in range(20)]
        yield "role_assignments", list(self._privileges.assignments())
        yield "idps", [self._privileges.idp(number, idp) for number, idp in enumerate(self.idps)]
        yield "idp_users", list(self._privileges.links())

    def _user(self, user: str) -> Any:
        profile = {"login": f"p{user}@acme.example", "email": f"p{user}@acme.example", "firstName": "Ada"}
        profile |= {"lastName": user, "department": self._random.choice(("Finance", "Sales", "Engineering"))}
        seen = f"2026-{self._random.choice(('03', '09', '10', '11', '11'))}-01T00:00:00.000Z"
        source = {"id": user, "status": self._random.choice(STATUSES), "created": CREATED, "lastLogin": seen}
        return line("users", user, source | {"profile": profile})

    def _factors(self, user: str) -> Any:
        kinds = self._random.sample(FACTORS, self._random.randint(0, 3))
        items = [
            {"id": f"{kind}{user}", "factorType": kind, "provider": "OKTA", "status": "ACTIVE", "created": CREATED}
            for kind in kinds
        ]
        return line("factors", user, {"user_id": user, "factors": items})

    def _group(self, number: int, group: str) -> Any:
        type = "OKTA_GROUP" if number % 4 else "APP_GROUP" if number else "BUILT_IN"
        return line(
            "groups", group, {"id": group, "type": type, "created": CREATED, "profile": {"name": f"Group {number}"}}
        )

    def _pairs(self) -> set[tuple[str, str]]:
        """Everyone, and groups of which some are far larger than most."""
        pairs = {("00gEvery", user) for user in self.users}
        pairs |= {(self._own(number % 2 == 1), user) for user in self.users for number in range(MEMBERSHIPS)}
        return pairs | {(group, self._random.choice(self.admins)) for group in self.role_groups for _ in range(10)}

    def _own(self, is_large: bool) -> str:
        if is_large:
            return self.groups[min(int(self._random.paretovariate(0.4)), len(self.groups) - 1)]
        return self._random.choice(self.groups[1:])

    def _membership(self, group: str, user: str) -> Any:
        rules = [f"0pr{self._random.randrange(100)}"] if self._random.random() < 0.3 else []
        return line("group_memberships", f"{group}:{user}", {"group_id": group, "user_id": user, "rules": rules})

    def _app(self, number: int, app: str) -> Any:
        source: dict[str, Any] = {"id": app, "label": f"App {number}", "name": f"kind{number % 50}", "status": "ACTIVE"}
        source |= {"signOnMode": "SAML_2_0", "features": [], "created": CREATED}
        if number % 3 == 0:
            service = number % 30 == 0
            grants = ["client_credentials"] if service else ["authorization_code"]
            client = {"client_id": app, "token_endpoint_auth_method": "client_secret_basic", "pkce_required": True}
            oauth = {"application_type": "service" if service else "web", "grant_types": grants}
            source |= {"signOnMode": "OPENID_CONNECT", "credentials": {"oauthClient": client}}
            source["settings"] = {"oauthClient": oauth | {"redirect_uris": [f"https://app{number}.acme.example/"]}}
        return line("applications", app, source)

    def _app_users(self) -> Iterator[Any]:
        for user in self.users:
            for app in self._random.sample(self.apps, ASSIGNMENTS):
                scope = "GROUP" if self._random.random() < 0.7 else "USER"
                source = {"app_id": app, "id": user, "scope": scope, "status": "ACTIVE", "created": CREATED}
                yield line("application_users", f"{app}:{user}", source | {"credentials": {"userName": user}})

    def _app_groups(self) -> Iterator[Any]:
        for app in self.apps:
            for group in self._random.sample(self.groups[1:], 2):
                yield line("application_groups", f"{app}:{group}", {"app_id": app, "id": group})

    def _key(self, app: str) -> Any:
        source = {"app_id": app, "kid": f"k{app}", "kty": "RSA", "use": "sig", "created": CREATED}
        return line("application_keys", f"{app}:k{app}", source | {"expiresAt": "2029-01-01T00:00:00.000Z"})

    def _tokens(self) -> Iterator[Any]:
        for number in range(len(self.users) // 50):
            app, user = self._random.choice(self.apps), self._random.choice(self.users)
            source = {"app_id": app, "id": f"oar{number}", "userId": user, "clientId": app, "status": "ACTIVE"}
            yield line("application_tokens", f"{app}:oar{number}", source | {"created": CREATED})


def write(folder: Path, users: int = USERS) -> None:
    org, log = LargeOrg(users), watch_bucket.Log(folder)
    streams = []
    batches = []
    for stream, lines in org.objects():
        streams.append(stream)
        batches += [(stream, lines[begin : begin + BATCH_EVENTS]) for begin in range(0, len(lines), BATCH_EVENTS)]
    log.commit(batches, [{"stream": stream, "since_sequence": 1, "complete": True} for stream in streams], moment(0, 1))
    events = watch_bucket.Org(users * EVENTS, users)
    for first in range(0, users * EVENTS, watch_bucket.COMMIT_EVENTS):
        last = min(first + watch_bucket.COMMIT_EVENTS, users * EVENTS)
        made = [events.event_of_a_day(number) for number in range(first, last)]
        parts = [("activity", made[begin : begin + BATCH_EVENTS]) for begin in range(0, len(made), BATCH_EVENTS)]
        uses = [events.use(number, log.sequence + 1) for number in range(first, last, 5)]
        log.commit([*parts, ("usage", uses)], [], moment(last, users * EVENTS))


if __name__ == "__main__":
    write(Path(sys.argv[1]), *(int(word) for word in sys.argv[2:]))
