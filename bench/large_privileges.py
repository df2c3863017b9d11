"""Who may do what in the large org: admins, owners, group rules, custom roles and IdPs, so that there are ways to super admin."""

from collections.abc import Iterator
from random import Random
from typing import Any

from bench.watch_bucket import line

CREATED = "2026-01-01T00:00:00.000Z"
ROLES = {
    "SUPER_ADMIN": 2,
    "ORG_ADMIN": 3,
    "APP_ADMIN": 15,
    "HELP_DESK_ADMIN": 30,
    "USER_ADMIN": 14,
    "GROUP_MEMBERSHIP_ADMIN": 10,
    "READ_ONLY_ADMIN": 10,
    "API_ACCESS_MANAGEMENT_ADMIN": 3,
    "REPORT_ADMIN": 5,
    "CUSTOM": 8,
}
"""How often admins hold them, in 100."""
PERMISSIONS = (
    "okta.users.credentials.resetPassword",
    "okta.users.userprofile.manage",
    "okta.groups.members.manage",
    "okta.apps.clientCredentials.read",
)

Lines = list[dict[Any, Any]]


class Privileges:
    def __init__(self, org, random: Random) -> None:
        self._org = org
        self._random = random

    def owners(self) -> Iterator[Any]:
        for group in [
            *self._org.role_groups[:3],
            *self._random.sample(self._org.groups[1:], len(self._org.groups) // 10),
        ]:
            owner = self._random.choice(self._org.users)
            yield line("group_owners", f"{group}:{owner}", {"group_id": group, "id": owner, "type": "USER"})

    def rules(self) -> Iterator[Any]:
        for number in range(max(len(self._org.groups) // 50, 3)):
            group = self._org.role_groups[0] if not number else self._random.choice(self._org.groups[1:])
            source = {
                "id": f"0pr{number}",
                "name": f"Rule {number}",
                "status": "ACTIVE",
                "conditions": {"expression": {"value": f'user.department == "D{number}"'}},
                "actions": {"assignUserToGroups": {"groupIds": [group]}},
            }
            yield line("group_rules", f"0pr{number}", source)

    def role(self, number: int) -> Any:
        permissions = [{"label": PERMISSIONS[number % len(PERMISSIONS)]}]
        source = {"id": f"cr0{number}", "label": f"Role {number}", "permissions": permissions, "created": CREATED}
        return line("roles", f"cr0{number}", source)

    def set(self, number: int) -> Any:
        place = ("users", "groups", "apps", f"groups:{self._random.choice(self._org.groups[1:])}:contained_resources")[
            number % 4
        ]
        source = {
            "id": f"iam{number}",
            "label": f"Set {number}",
            "resources": [{"orn": f"orn:okta:directory:00o1:{place}"}],
        }
        return line("resource_sets", f"iam{number}", source)

    def grants(self) -> Iterator[Any]:
        for number, user in enumerate(self._org.admins):
            source = {"user_id": user, "id": f"oag{number}", "clientId": self._random.choice(self._org.apps)}
            yield line(
                "user_grants", f"{user}:oag{number}", source | {"scopeId": "okta.users.read", "status": "ACTIVE"}
            )

    def assignments(self) -> Iterator[Any]:
        holders = [(user, "User") for user in self._org.admins] + [(group, "Group") for group in self._org.role_groups]
        holders += [(app, "Client") for app in self._org.apps[::30]]
        for number, (holder, type) in enumerate(holders):
            role = self._random.choices(list(ROLES), list(ROLES.values()))[0]
            if type == "Client" and number % 5 == 0:
                role = "SUPER_ADMIN"
            source: dict[str, Any] = {"id": f"ra{number}", "principal_id": holder, "principal_type": type, "type": role}
            source |= {"label": role, "status": "ACTIVE", "created": CREATED, "targets": self.targets(role)}
            if role == "CUSTOM":
                source |= {
                    "role": f"cr0{self._random.randrange(8)}",
                    "resource-set": f"iam{self._random.randrange(20)}",
                }
            yield line("role_assignments", f"{holder}:ra{number}", source)

    def targets(self, role: str) -> Lines:
        """Most who look after people or apps look after some of them."""
        if self._random.random() < 0.2:
            return []
        if role == "APP_ADMIN":
            return [{"name": "x", "id": app} for app in self._random.sample(self._org.apps, 3)]
        if role in ("HELP_DESK_ADMIN", "USER_ADMIN", "GROUP_MEMBERSHIP_ADMIN"):
            return [{"id": group, "profile": {"name": group}} for group in self._random.sample(self._org.groups[1:], 3)]
        return []

    def idp(self, number: int, idp: str) -> Any:
        filter = {
            "groups": {"include": self._org.role_groups[:2]} if number == 1 else {},
            "users": {"excludeAdmins": number == 0},
        }
        link = {"action": "AUTO" if number < 2 else "DISABLED", "filter": filter}
        source = {"id": idp, "name": f"IdP {number}", "type": "SAML2", "status": "ACTIVE", "created": CREATED}
        return line("idps", idp, source | {"policy": {"accountLink": link, "provisioning": {"action": "DISABLED"}}})

    def links(self) -> Iterator[Any]:
        for user in self._random.sample(self._org.users, len(self._org.users) * 3 // 10):
            idp = self._random.choice(self._org.idps)
            yield line(
                "idp_users", f"{idp}:{user}", {"idp_id": idp, "id": user, "externalId": user, "created": CREATED}
            )
