"""What plans need to know of an org, asked for all cases at once."""

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from typing import Any, NamedTuple

import duckdb

LATELY_DAYS = 30
MOST_NAMES = 10


class Role(NamedTuple):
    """An admin role that somebody holds: by `group_id`, or themselves."""

    holder_type: str
    assignment_id: str
    name: str
    type: str | None
    group_id: str | None
    group_type: str | None


class Party(NamedTuple):
    """Somebody or something that an event names."""

    id: str
    type: str


class Event(NamedTuple):
    actor: Party
    targets: tuple[Party, ...]
    ip: str | None


class Facts:
    """Each question is asked once, when it comes up first; `cases` say of which events and assignments."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, cases: Iterable[dict[str, Any]]) -> None:
        self._connection = connection
        self._cases = list(cases)

    def _rows(self, query: str, *given: object) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, list(given)).fetchall()

    @cached_property
    def roles(self) -> dict[str, list[Role]]:
        """By holder."""
        found: dict[str, list[Role]] = defaultdict(list)
        query = "select holder_id, holder_type, assignment_id, role_name, role_type, group_id, group_type from effective_admins order by all"
        for holder, *role in self._rows(query):
            found[holder].append(Role(*role))
        return found

    @cached_property
    def principals(self) -> dict[str, tuple[str, str, str | None]]:
        """Type and id of whoever a role is assigned to, and the role's type, by the assignment's id."""
        rows = self._rows("select assignment_id, principal_type, principal_id, role_type from current_role_assignments")
        return {assignment: (type, id, role) for assignment, type, id, role in rows}

    @cached_property
    def people(self) -> dict[str, tuple[str, str | None]]:
        """Name and status by id."""
        return {id: (name, status) for id, name, status in self._rows("select user_id, user_name, status from people")}

    @cached_property
    def members(self) -> dict[str, int]:
        """How many, by group."""
        return dict(self._rows("select group_id, count(*) from current_group_memberships group by 1"))

    @cached_property
    def linked(self) -> dict[str, int]:
        """Users by IdP."""
        return dict(self._rows("select idp_id, count(*) from current_idp_users group by 1"))

    @cached_property
    def app_users(self) -> dict[str, int]:
        return dict(self._rows("select app_id, count(*) from current_application_users group by 1"))

    @cached_property
    def apps_used_by(self) -> dict[str, list[str]]:
        """Who used an app lately, by app: the latest first."""
        query = f"""
            select l.app_id, coalesce(p.user_name, l.user_id) from last_use l left join people p on p.user_id = l.user_id
            where l.app_id is not null and l.last_used_at > (select now from clock) - interval '{LATELY_DAYS}' day
            qualify row_number() over (partition by l.app_id order by l.last_used_at desc) <= {MOST_NAMES} order by l.last_used_at desc"""
        found: dict[str, list[str]] = defaultdict(list)
        for app, name in self._rows(query):
            found[app].append(name)
        return found

    @cached_property
    def signed_in_lately(self) -> frozenset[str]:
        """Users."""
        query = (
            f"select user_id from people where last_sign_in_at > (select now from clock) - interval '{LATELY_DAYS}' day"
        )
        return frozenset(id for (id,) in self._rows(query))

    @cached_property
    def direct_assignments(self) -> frozenset[str]:
        """Of the assignments of apps that cases are about, those that are the user's own, as `app:user`."""
        keys = [case["key"] for case in self._cases if ":" in case["key"]]
        query = "select app_id || ':' || user_id from current_application_users where app_id || ':' || user_id in (select unnest(?)) and coalesce(assignment_scope, 'USER') = 'USER'"
        return frozenset(id for (id,) in self._rows(query, keys))

    @cached_property
    def access_left(self) -> dict[str, list[tuple[str, str]]]:
        """Of users who are deprovisioned: ("app" or "group", id) of each assignment and membership."""
        query = """
            select x.user_id, 'app', x.app_id from current_application_users x join people p on p.user_id = x.user_id and p.status = 'DEPROVISIONED'
            union all
            select m.user_id, 'group', m.group_id from current_group_memberships m join people p on p.user_id = m.user_id and p.status = 'DEPROVISIONED'
            join current_groups g on g.group_id = m.group_id and coalesce(g.group_type, '') <> 'BUILT_IN' order by all"""
        found: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for user, kind, id in self._rows(query):
            found[user].append((kind, id))
        return found

    @cached_property
    def idps(self) -> frozenset[str]:
        return frozenset(id for (id,) in self._rows("select idp_id from current_idps"))

    @cached_property
    def events(self) -> dict[str, Event]:
        """Those that are evidence of cases of attacks."""
        wanted = list({id for case in self._cases if case["kind"] == "events" for id in case["evidence"]})
        query = (
            "select event_id, actor_id, actor_type, ip, event_targets from events where event_id in (select unnest(?))"
        )
        return {
            event: Event(Party(actor or "", type or ""), _targets(targets), ip)
            for event, actor, type, ip, targets in self._rows(query, wanted)
        }


def _targets(listed: list[dict[str, Any]] | None) -> tuple[Party, ...]:
    return tuple(
        Party(target["target_id"], target["target_type"] or "") for target in listed or [] if target["target_id"]
    )
