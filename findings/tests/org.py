"""Random orgs, and who can become what in them by an independent reading of the same rules, on a graph of networkx."""

from datetime import timedelta
from itertools import count
from random import Random
from typing import Any

import networkx

from findings.tests.stage import NOW, Stage

Records = dict[tuple[str, str], dict[str, Any]]
GOALS = ("SUPER_ADMIN", "ORG_ADMIN")
ROLES = (
    "SUPER_ADMIN",
    "ORG_ADMIN",
    "APP_ADMIN",
    "USER_ADMIN",
    "HELP_DESK_ADMIN",
    "GROUP_MEMBERSHIP_ADMIN",
    "READ_ONLY_ADMIN",
    "API_ACCESS_MANAGEMENT_ADMIN",
    "REPORT_ADMIN",
    "CUSTOM",
)
PERMISSIONS = (
    "okta.users.manage",
    "okta.users.credentials.resetPassword",
    "okta.users.credentials.resetFactors",
    "okta.users.read",
    "okta.users.userprofile.manage",
    "okta.apps.clientCredentials.read",
    "okta.apps.manage",
    "okta.groups.manage",
    "okta.groups.members.manage",
    "okta.identityProviders.manage",
)
STATUSES = ("ACTIVE",) * 5 + ("DEPROVISIONED", "SUSPENDED", "LOCKED_OUT", "STAGED", "PASSWORD_EXPIRED")
CANNOT = frozenset({"DEPROVISIONED", "SUSPENDED", "STAGED", "PROVISIONED"})


class Org:
    """Records that change; `records` is what a reader has now."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.records: Records = {}
        self._numbers = count()
        self.users = [f"00u{n}" for n in range(7)]
        self.groups = [f"00g{n}" for n in range(6)]
        self.apps = [f"0oa{n}" for n in range(4)]
        self.idps = [f"0oi{n}" for n in range(2)]
        for _ in range(150):
            self.change()

    def change(self) -> tuple[str, str]:
        """Something is made, changed, or goes; gives its place."""
        pick = self.random.choice
        place, source = pick(
            (
                self._user,
                self._user,
                self._group,
                self._group,
                self._app,
                self._idp,
                self._membership,
                self._membership,
                self._membership,
                self._owner,
                self._role,
                self._role,
                self._role,
                self._link,
                self._rule,
                self._custom,
                self._set,
            )
        )()
        if place in self.records and self.random.random() < 0.15:
            del self.records[place]
        else:
            self.records[place] = source
        return place

    def _user(self) -> tuple[tuple[str, Any], dict[Any, Any]]:
        id = self.random.choice(self.users)
        return ("users", id), {"id": id, "status": self.random.choice(STATUSES), "profile": {"login": id}}

    def _group(self) -> tuple[tuple[str, Any], dict[Any, Any]]:
        id = self.random.choice(self.groups)
        return ("groups", id), {
            "id": id,
            "type": self.random.choice(("OKTA_GROUP", "OKTA_GROUP", "APP_GROUP", "BUILT_IN")),
            "profile": {"name": id},
        }

    def _app(self) -> tuple[tuple[str, Any], dict[Any, Any]]:
        id = self.random.choice(self.apps)
        oauth = {
            "client_id": self.random.choice((id, f"c{id}")),
            "token_endpoint_auth_method": self.random.choice(
                ("client_secret_basic", "client_secret_post", "private_key_jwt")
            ),
        }
        settings = {
            "application_type": self.random.choice(("service", "web")),
            "grant_types": self.random.choice((["client_credentials"], ["authorization_code"])),
        }
        return ("applications", id), {
            "id": id,
            "name": self.random.choice(("oidc", "other")),
            "label": id,
            "status": self.random.choice(("ACTIVE", "ACTIVE", "INACTIVE")),
            "credentials": {"oauthClient": oauth},
            "settings": {"oauthClient": settings},
        }

    def _idp(self) -> tuple[tuple[str, Any], dict[Any, Any]]:
        id, draw = self.random.choice(self.idps), self.random.random
        users = {
            "exclude": self.random.sample(self.users, 2) if draw() < 0.3 else [],
            **({"excludeAdmins": draw() < 0.5} if draw() < 0.4 else {}),
        }
        link = {
            "action": self.random.choice(("AUTO", "DISABLED")),
            "filter": {
                "groups": {"include": self.random.sample(self.groups, 2) if draw() < 0.4 else []},
                "users": users,
            }
            if draw() < 0.7
            else None,
        }
        return ("idps", id), {
            "id": id,
            "name": id,
            "status": self.random.choice(("ACTIVE", "ACTIVE", "INACTIVE")),
            "policy": {"accountLink": link},
        }

    def _membership(self) -> tuple[tuple[str, str], dict[Any, Any]]:
        group, user = self.random.choice(self.groups), self.random.choice(self.users)
        return ("group_memberships", f"{group}:{user}"), {
            "group_id": group,
            "user_id": user,
            "rules": self.random.choice(([], ["0pr1"])),
        }

    def _owner(self) -> tuple[tuple[str, str], dict[Any, Any]]:
        group, owner = self.random.choice(self.groups), self.random.choice([*self.users, *self.groups])
        return ("group_owners", f"{group}:{owner}"), {
            "group_id": group,
            "id": owner,
            "type": "USER" if owner.startswith("00u") else "GROUP",
            "displayName": owner,
        }

    def _link(self) -> tuple[tuple[str, str], dict[Any, Any]]:
        idp, user = self.random.choice(self.idps), self.random.choice(self.users)
        return ("idp_users", f"{idp}:{user}"), {"idp_id": idp, "id": user}

    def _rule(self) -> tuple[tuple[str, Any], dict[Any, Any]]:
        id = f"0pr{self.random.randrange(3)}"
        groups = self.random.sample(self.groups, 1)
        return ("group_rules", id), {
            "id": id,
            "name": id,
            "status": self.random.choice(("ACTIVE", "INACTIVE")),
            "conditions": {
                "expression": {"value": self.random.choice(('user.department=="x"', 'isMemberOfAnyGroup("00g1")'))}
            },
            "actions": {"assignUserToGroups": {"groupIds": groups}},
        }

    def _custom(self) -> tuple[tuple[str, Any], dict[Any, Any]]:
        id = f"cr0{self.random.randrange(2)}"
        return ("roles", id), {
            "id": id,
            "label": id,
            "permissions": [{"label": label} for label in self.random.sample(PERMISSIONS, 3)],
        }

    def _set(self) -> tuple[tuple[str, Any], dict[Any, Any]]:
        id, pick = f"iam{self.random.randrange(2)}", self.random.choice
        places = (
            "apps",
            f"apps:{pick(self.apps)}",
            "apps:oidc",
            f"apps:oidc:{pick(self.apps)}",
            "users",
            f"users:{pick(self.users)}",
            "groups",
            f"groups:{pick(self.groups)}",
            f"groups:{pick(self.groups)}:contained_resources",
        )
        return ("resource_sets", id), {
            "id": id,
            "label": id,
            "resources": [{"id": str(n), "orn": f"orn:okta:directory:00o1:{pick(places)}"} for n in range(2)],
            "bindings": [],
        }

    def _role(self) -> tuple[tuple[str, str], Any]:
        pick = self.random.choice
        principal, type = pick(
            (
                [pick(self.users), "User"],
                [pick(self.groups), "Group"],
                [pick([*self.apps, *(f"c{app}" for app in self.apps)]), "Client"],
            )
        )
        id, role = f"ra{self.random.randrange(12)}", pick(ROLES)
        source: dict[str, Any] = {
            "id": id,
            "principal_id": principal,
            "principal_type": type,
            "type": role,
            "label": role,
            "targets": [],
            **({"status": pick(("ACTIVE", "ACTIVE", "INACTIVE"))} if self.random.random() < 0.8 else {}),
        }
        if role == "CUSTOM":
            source |= {"role": f"cr0{self.random.randrange(2)}", "resource-set": f"iam{self.random.randrange(2)}"}
        elif role == "APP_ADMIN" and self.random.random() < 0.5:
            source["targets"] = [pick(({"id": pick(self.apps), "name": "oidc"}, {"name": pick(("oidc", "other"))}))]
        elif role in ("USER_ADMIN", "HELP_DESK_ADMIN", "GROUP_MEMBERSHIP_ADMIN") and self.random.random() < 0.5:
            source["targets"] = [{"id": pick(self.groups), "profile": {"name": "x"}}]
        return ("role_assignments", f"{principal}:{id}"), source


def lengths(records: Records) -> dict[tuple[str, str], int]:
    """(principal, goal) to the number of steps."""
    graph = _Reading(records).graph
    found = {}
    for goal in GOALS:
        if goal in graph:
            for principal, steps in networkx.single_source_shortest_path_length(graph.reverse(), goal).items():
                if principal != goal:
                    found[principal, goal] = steps
    return found


class _Reading:
    """Every step there is, of everybody: nobody is left out because nothing leads on from there."""

    def __init__(self, records: Records) -> None:
        self.of = {
            stream: {id: source for (own, id), source in records.items() if own == stream}
            for stream in {stream for stream, _ in records}
        }
        self.users = {id for id, user in self._all("users").items() if user["status"] not in CANNOT}
        self.groups = self._all("groups")
        self.apps = {id: app for id, app in self._all("applications").items() if app["status"] == "ACTIVE"}
        self.idps = {id: idp for id, idp in self._all("idps").items() if idp["status"] == "ACTIVE"}
        self.members = {(m["group_id"], m["user_id"]) for m in self._all("group_memberships").values()}
        self.held = [
            (node, role)
            for role in self._all("role_assignments").values()
            if role.get("status", "ACTIVE") == "ACTIVE"
            for node in self._nodes(role)
        ]
        holders = {node for node, _ in self.held}
        self.admins = holders | {user for group, user in self.members if group in holders}
        self.graph = networkx.DiGraph()
        self._steps()

    def _all(self, stream: str) -> dict[str, dict]:
        return self.of.get(stream, {})

    def _nodes(self, role: dict) -> list[str]:
        id = role["principal_id"]
        if role["principal_type"] == "Client":
            return [
                app
                for app, source in self.apps.items()
                if id in (app, source["credentials"]["oauthClient"]["client_id"])
            ]
        return [id] if id in (self.users if role["principal_type"] == "User" else self.groups) else []

    def _add(self, source: str, target: str) -> None:
        if source != target:
            self.graph.add_edge(source, target)

    def _steps(self) -> None:
        for node, role in self.held:
            if role["type"] in GOALS:
                self._add(node, role["type"])
            self._powers(node, role)
        for group, user in self.members:
            if user in self.users and group in self.groups:
                self._add(user, group)
        for owner in self._all("group_owners").values():
            if owner["id"] in self.users | self.groups.keys() and owner["group_id"] in self.groups:
                self._add(owner["id"], owner["group_id"])
        for link in self._all("idp_users").values():
            if link["idp_id"] in self.idps and link["id"] in self.users:
                self._add(link["idp_id"], link["id"])
        for id, idp in self.idps.items():
            link = idp["policy"]["accountLink"]
            if link["action"] == "AUTO":
                for user in self.users:
                    if self._passes(link["filter"] or {}, user):
                        self._add(id, user)

    def _passes(self, filter: dict, user: str) -> bool:
        include = filter.get("groups", {}).get("include") or []
        people = filter.get("users", {})
        return (
            (not include or any((group, user) in self.members for group in include))
            and user not in people.get("exclude", [])
            and not (people.get("excludeAdmins") and user in self.admins)
        )

    def _powers(self, node: str, role: dict) -> None:
        kind, targets = role["type"], role["targets"]
        every = lambda *_: True
        ids = {target.get("id") for target in targets}
        names = {target["name"] for target in targets if "id" not in target and "name" in target}
        people = lambda user: not targets or any((group, user) in self.members for group in ids)
        group = lambda id: not targets or id in ids
        if kind == "ORG_ADMIN":
            self._resets(node, every)
            self._adds(node, every)
            self._idps(node)
            self._writes(node, every)
        elif kind == "APP_ADMIN":
            self._reads(node, lambda id: not targets or id in ids or self.apps[id]["name"] in names)
        elif kind in ("API_ACCESS_MANAGEMENT_ADMIN", "READ_ONLY_ADMIN"):
            self._reads(node, every)
        elif kind == "USER_ADMIN":
            self._resets(node, people)
            self._adds(node, group)
            self._writes(node, people)
        elif kind == "HELP_DESK_ADMIN":
            self._resets(node, people)
        elif kind == "GROUP_MEMBERSHIP_ADMIN":
            self._adds(node, group)
        elif kind == "CUSTOM":
            self._custom(node, role)

    def _custom(self, node: str, role: dict) -> None:
        permissions = {each["label"] for each in self._all("roles").get(role["role"], {}).get("permissions", [])}
        places = [
            each["orn"].split(":", 4)[4]
            for each in self._all("resource_sets").get(role["resource-set"], {}).get("resources", [])
        ]
        if "okta.identityProviders.manage" in permissions:
            self._idps(node)
        for place in places:
            first, *rest = place.split(":")
            if first == "apps" and "okta.apps.clientCredentials.read" in permissions:
                self._reads(
                    node,
                    lambda id, rest=rest: (
                        not rest or id == rest[-1] or len(rest) == 1 and self.apps[id]["name"] == rest[0]
                    ),
                )
            people = None
            if first == "users":
                people = lambda user, rest=rest: not rest or user == rest[0]
            elif first == "groups" and rest[1:] == ["contained_resources"]:
                people = lambda user, rest=rest: (rest[0], user) in self.members
            if people and permissions & {
                "okta.users.manage",
                "okta.users.credentials.resetPassword",
                "okta.users.credentials.resetFactors",
            }:
                self._resets(node, people)
            if people and permissions & {"okta.users.manage", "okta.users.userprofile.manage"}:
                self._writes(node, people)
            if (
                first == "groups"
                and len(rest) < 2
                and permissions & {"okta.groups.manage", "okta.groups.members.manage"}
            ):
                self._adds(node, lambda id, rest=rest: not rest or id == rest[0])

    def _resets(self, node: str, reaches) -> None:
        for user in self.users - self.admins:
            if reaches(user):
                self._add(node, user)

    def _adds(self, node: str, reaches) -> None:
        for id, group in self.groups.items():
            if group["type"] == "OKTA_GROUP" and id not in self.admins and reaches(id):
                self._add(node, id)

    def _idps(self, node: str) -> None:
        for id in self.idps:
            self._add(node, id)

    def _reads(self, node: str, reaches) -> None:
        for id, app in self.apps.items():
            client, oauth = app["credentials"]["oauthClient"], app["settings"]["oauthClient"]
            if (
                (oauth["application_type"] == "service" or "client_credentials" in oauth["grant_types"])
                and client["token_endpoint_auth_method"].startswith("client_secret")
                and reaches(id)
            ):
                self._add(node, id)

    def _writes(self, node: str, reaches) -> None:
        if not any(reaches(user) for user in self.users - self.admins):
            return
        for rule in self._all("group_rules").values():
            if rule["status"] == "ACTIVE" and "user." in rule["conditions"]["expression"]["value"]:
                for group in rule["actions"]["assignUserToGroups"]["groupIds"]:
                    if group in self.groups:
                        self._add(node, group)


def staged(records: Records) -> Stage:
    stage = Stage()
    for (stream, id), source in records.items():
        stage.record(stream, id, source, NOW - timedelta(days=1))
    return stage
