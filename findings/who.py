"""Everything that one user has and can reach: admin roles, apps, groups, identity providers and factors, by which path,
since when, last used."""

from datetime import datetime

import duckdb

REACH = """
select 1 as rank, 'role' as kind, a.role_name || ' on ' || a.reaches as what, a.path, a.granted_at as since, c.last_used_at
from effective_admins a left join console_use c on c.user_id = a.holder_id where a.holder_id = $user
union all
select 2, 'app', app_label, path, assigned_at, last_used_at from effective_access where user_id = $user
union all
select 3, 'group', coalesce(g.group_name, m.group_id), coalesce('of ' || a.app_label, lower(g.group_type), 'of a group that is not read'),
  j.joined_at, cast(null as timestamp)
from current_group_memberships m
left join current_groups g on g.group_id = m.group_id
left join current_applications a on a.app_id = g.source_app_id
left join joins j on j.group_id = m.group_id and j.user_id = m.user_id
where m.user_id = $user
union all
select 4, 'idp', coalesce(i.idp_name, u.idp_id), coalesce('as ' || u.external_id, 'linked'), u.created, s.last_used_at
from current_idp_users u
left join current_idps i on i.idp_id = u.idp_id
left join idp_use s on s.user_id = u.user_id and s.idp_id = u.idp_id
where u.user_id = $user
union all
select 5, 'factor', i.factor_type || coalesce(' by ' || lower(i.provider), ''), coalesce(lower(i.factor_status), '?'), i.factor_created,
  cast(null as timestamp)
from factor_items i where i.user_id = $user
order by 1, 3, 4
"""
USED = frozenset({"role", "app", "idp"})
"""Kinds of which the log tells when they were last used."""


def text(connection: duckdb.DuckDBPyConnection, user: str) -> list[str]:
    """Lines; empty where nobody has this id or login."""
    found = connection.execute(
        "select user_id, user_name, status, last_sign_in_at from people where user_id = $user or user_name = $user",
        {"user": user},
    ).fetchone()
    if not found:
        return []
    id, name, status, last = found
    rows = connection.execute(REACH, {"user": id}).fetchall()
    lines = [f"{name} ({id}), {status}, last sign-in {_day(last)}", ""]
    for _, kind, what, path, since, used in rows:
        lines.append(
            f"  {kind:<7}{what:<48} {path:<32} since {_day(since)}"
            + (f", last used {_day(used)}" if kind in USED else "")
        )
    return [*lines, "", f"  {len(rows)} paths; what the log and Okta's objects do not tell is (not known)"]


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "(not known)"
