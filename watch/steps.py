"""What can be done in Okta, a step each: in the admin console, or as a request that an administrator sends.

https://developer.okta.com/docs/api/openapi/okta-management/guides/overview/
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from watch.facts import Facts

Step = dict[str, Any]
"""{"step", "console", "request": {"method", "path", "body"} or None, "affects", "undo", "used_lately": [names]}"""
PAGES = {"00u": "/admin/user/profile/view/", "00g": "/admin/group/", "0oa": "/admin/app/instance/"}
GIVEN_AGAIN = "Give the role again: Security > Administrators"


class Steps:
    """Steps of one org, with ids filled in."""

    def __init__(self, org: str, facts: Facts) -> None:
        self._console = admin_console(org)
        self.facts = facts

    def _step(
        self,
        step: str,
        page: str,
        request: tuple[str, str, Any] | None,
        undo: str,
        affects: int = 1,
        used: Sequence[str] = (),
    ) -> Step:
        method, path, body = request or (None, None, None)
        asked = {"method": method, "path": path, "body": body} if request else None
        return {
            "step": step,
            "console": f"{self._console}{page}",
            "request": asked,
            "affects": affects,
            "undo": undo,
            "used_lately": list(used),
        }

    def _of_user(self, words: str, user: str, request: tuple[str, str, Any] | None, undo: str) -> Step:
        name = self.name(user)
        used = [name] if user in self.facts.signed_in_lately else []
        return self._step(f"{words} {name}", f"/admin/user/profile/view/{quote(user)}", request, undo, used=used)

    def name(self, user: str) -> str:
        return self.facts.people.get(user, (user, None))[0] or user

    def end_sessions(self, user: str) -> Step:
        path = f"/api/v1/users/{quote(user)}/sessions?oauthTokens=true"
        return self._of_user(
            "End all sessions and tokens of", user, ("DELETE", path, None), "None: the user signs in again"
        )

    def reset_factors(self, user: str) -> Step:
        path = f"/api/v1/users/{quote(user)}/lifecycle/reset_factors"
        return self._of_user(
            "Reset all factors of",
            user,
            ("POST", path, None),
            "None: the user enrols factors again, with somebody who knows them",
        )

    def expire_password(self, user: str) -> Step:
        path = f"/api/v1/users/{quote(user)}/lifecycle/expire_password"
        return self._of_user(
            "Expire the password of",
            user,
            ("POST", path, None),
            "None: the user chooses a new password at the next sign-in",
        )

    def suspend(self, user: str) -> Step:
        path = f"/api/v1/users/{quote(user)}/lifecycle"
        if self.facts.people.get(user, ("", None))[1] == "ACTIVE":
            return self._of_user("Suspend", user, ("POST", f"{path}/suspend", None), f"POST {path}/unsuspend")
        return self._of_user(
            "Deactivate",
            user,
            ("POST", f"{path}/deactivate", None),
            f"POST {path}/activate; what deactivation takes away has to be given again",
        )

    def unlock(self, user: str) -> Step:
        status = self.facts.people.get(user, ("", None))[1]
        if status == "LOCKED_OUT":
            return self._of_user(
                "Unlock", user, ("POST", f"/api/v1/users/{quote(user)}/lifecycle/unlock", None), "None"
            )
        if status == "PASSWORD_EXPIRED":
            return self._of_user("Ask for a new password, or suspend,", user, None, "None")
        return self.suspend(user)

    def enrol(self, user: str) -> Step:
        return self._of_user("Have a phishing-resistant authenticator enrolled by", user, None, "None")

    def take_roles(self, holder: str) -> list[Step]:
        """The holder's own roles; from a group that gives one the holder is taken out, where Okta masters the group."""
        steps = []
        for role in self.facts.roles[holder]:
            if role.group_id is None or role.group_type == "APP_GROUP":
                steps.append(self.take_role(role.assignment_id))
            else:
                steps.append(self.leave_group(role.group_id, holder))
        return _once(steps)

    def take_role(self, assignment: str) -> Step:
        type, principal, role = self.facts.principals.get(assignment, ("User", "", None))
        kind, affected = {"Group": ("groups", self.facts.members.get(principal, 0))}.get(type, ("users", 1))
        path = (
            f"/oauth2/v1/clients/{quote(principal)}/roles"
            if type == "Client"
            else f"/api/v1/{kind}/{quote(principal)}/roles"
        )
        undo = f'POST {path} {{"type": "{role}"}}' if role and role != "CUSTOM" else GIVEN_AGAIN
        request = ("DELETE", f"{path}/{quote(assignment)}", None)
        return self._step(
            f"Take the role {role or ''} from {type.lower()} {self.name(principal)}",
            "/admin/access/administrators",
            request,
            undo,
            affected,
        )

    def leave_group(self, group: str, user: str) -> Step:
        path = f"/api/v1/groups/{quote(group)}/users/{quote(user)}"
        return self._step(
            f"Take {self.name(user)} out of group {group}",
            f"/admin/group/{quote(group)}",
            ("DELETE", path, None),
            f"PUT {path}",
        )

    def unassign(self, app: str, user: str) -> Step:
        path = f"/api/v1/apps/{quote(app)}/users/{quote(user)}"
        page = f"/admin/app/instance/{quote(app)}#tab-assignments"
        if f"{app}:{user}" not in self.facts.direct_assignments:
            return self._step(
                f"Take {self.name(user)} out of the group that assigns app {app}",
                page,
                None,
                "Add the user to the group again",
            )
        undo = f'POST /api/v1/apps/{app}/users {{"id": "{user}", "scope": "USER"}}'
        return self._step(f"Remove app {app} from {self.name(user)}", page, ("DELETE", path, None), undo)

    def remove_access(self, user: str) -> list[Step]:
        """What a deprovisioned user still has."""
        left = self.facts.access_left[user]
        return [self.leave_group(id, user) if kind == "group" else self._unassign(id, user) for kind, id in left]

    def _unassign(self, app: str, user: str) -> Step:
        path = f"/api/v1/apps/{quote(app)}/users/{quote(user)}"
        undo = f'POST /api/v1/apps/{app}/users {{"id": "{user}", "scope": "USER"}}'
        return self._step(
            f"Remove app {app} from {self.name(user)}",
            f"/admin/app/instance/{quote(app)}#tab-assignments",
            ("DELETE", path, None),
            undo,
        )

    def deactivate_app(self, app: str) -> Step:
        path = f"/api/v1/apps/{quote(app)}/lifecycle"
        affects, used = self.facts.app_users.get(app, 0), self.facts.apps_used_by[app]
        return self._step(
            f"Deactivate app {app}",
            f"/admin/app/instance/{quote(app)}",
            ("POST", f"{path}/deactivate", None),
            f"POST {path}/activate",
            affects,
            used,
        )

    def look_at_app(self, app: str, words: str) -> Step:
        affects, used = self.facts.app_users.get(app, 0), self.facts.apps_used_by[app]
        return self._step(
            f"{words}: app {app}",
            f"/admin/app/instance/{quote(app)}#tab-provisioning",
            None,
            "Set it back",
            affects,
            used,
        )

    def deactivate_idp(self, idp: str) -> Step:
        path = f"/api/v1/idps/{quote(idp)}/lifecycle"
        affects = self.facts.linked.get(idp, 0)
        return self._step(
            f"Deactivate IdP {idp}",
            f"/admin/access/identity-providers/edit/{quote(idp)}",
            ("POST", f"{path}/deactivate", None),
            f"POST {path}/activate",
            affects,
        )

    def delete_idp(self, idp: str) -> Step:
        affects = self.facts.linked.get(idp, 0)
        return self._step(
            f"Delete IdP {idp}",
            "/admin/access/identity-providers",
            ("DELETE", f"/api/v1/idps/{quote(idp)}", None),
            "None: it has to be made again",
            affects,
        )

    def look_at_idp(self, idp: str, words: str) -> Step:
        page = f"/admin/access/identity-providers/edit/{quote(idp)}"
        return self._step(f"{words}: IdP {idp}", page, None, "Set it back", self.facts.linked.get(idp, 0))

    def unlink(self, idp: str, user: str) -> Step:
        path = f"/api/v1/idps/{quote(idp)}/users/{quote(user)}"
        page = f"/admin/user/profile/view/{quote(user)}"
        return self._step(
            f"Unlink {self.name(user)} from IdP {idp}",
            page,
            ("DELETE", path, None),
            "Sign in through the IdP once more links again, where it may",
        )

    def delete_role(self, role: str) -> Step:
        return self._step(
            f"Delete custom role {role}",
            "/admin/access/administrators#roles",
            ("DELETE", f"/api/v1/iam/roles/{quote(role)}", None),
            "None: it has to be made again",
            0,
        )

    def delete_resource_set(self, one: str) -> Step:
        path = f"/api/v1/iam/resource-sets/{quote(one)}"
        return self._step(
            f"Delete resource set {one}",
            "/admin/access/administrators#resources",
            ("DELETE", path, None),
            "None: it has to be made again",
            0,
        )

    def revoke_token(self, token: str) -> Step:
        return self._step(
            f"Revoke API token {token}",
            "/admin/access/api/tokens",
            ("DELETE", f"/api/v1/api-tokens/{quote(token)}", None),
            "None: a new token has to be made",
        )

    def block(self, address: str) -> Step:
        bits = 128 if ":" in address else 32
        zone = {
            "type": "IP",
            "name": f"Blocked {address}",
            "usage": "BLOCKLIST",
            "gateways": [{"type": "CIDR", "value": f"{address}/{bits}"}],
        }
        return self._step(
            f"Block the address {address}",
            "/admin/access/networks",
            ("POST", "/api/v1/zones", zone),
            f'Deactivate and delete the zone "Blocked {address}"',
        )

    def look_at(self, id: str, words: str) -> Step:
        """Where an object of any kind is, by its id."""
        page = next((page for prefix, page in PAGES.items() if id.startswith(prefix)), None)
        if id in self.facts.idps:
            page = "/admin/access/identity-providers/edit/"
        return self.look(words, f"{page}{quote(id)}" if page else "/admin/dashboard")

    def look(self, words: str, page: str) -> Step:
        return self._step(words, page, None, "Set it back")


def admin_console(org: str) -> str:
    """`https://acme.okta.com` is administered at `https://acme-admin.okta.com`."""
    parts = urlsplit(org)
    name, _, rest = parts.netloc.partition(".")
    return f"{parts.scheme or 'https'}://{name}-admin.{rest}"


def _once(steps: list[Step]) -> list[Step]:
    return [step for number, step in enumerate(steps) if step not in steps[:number]]
