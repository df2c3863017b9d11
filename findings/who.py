"""Everything that one user can reach: admin roles and apps, by which path, since when, last used."""

import duckdb

REACH = """
select 'role' as kind, role_name || ' on ' || reaches as what, path, granted_at as since, cast(null as timestamp) as last_used_at
from effective_admins where holder_id = ?
union all
select 'app', app_label, path, assigned_at, last_used_at from effective_access where user_id = ?
order by 1 desc, 2, 3
"""


def text(connection: duckdb.DuckDBPyConnection, user: str) -> list[str]:
    """Lines; empty where nobody has this id or login."""
    found = connection.execute(
        "select user_id, user_name, status, last_sign_in_at from people where user_id = ? or user_name = ?", [user, user]
    ).fetchone()
    if not found:
        return []
    id, name, status, last = found
    rows = connection.execute(REACH, [id, id]).fetchall()
    lines = [f"{name} ({id}), {status}, last sign-in {_day(last)}", ""]
    for kind, what, path, since, used in rows:
        lines.append(f"  {kind:<6}{what:<48} {path:<32} since {_day(since)}" + (f", last used {_day(used)}" if kind == "app" else ""))
    return [*lines, "", f"  {len(rows)} paths"]


def _day(moment) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "(not known)"
