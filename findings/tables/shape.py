"""The columns of each table. All but `id`, `op`, `sequence`, `changed_at`, `cause` and `observed_at` are taken from `source`,
so that a table can be given new columns from its own rows."""

import hashlib

from findings.columns import Items, Stream, streams
from findings.dialect import DuckDb

BASE = {
    "id": "varchar",
    "op": "varchar",
    "sequence": "bigint",
    "changed_at": "timestamp",
    "cause": "varchar",
    "observed_at": "timestamp",
}
SOURCE = {"source": "varchar"}
COMMITS = "commits"
"""The table of manifests: `sequence` and `changed_at` of each."""
COMMIT_COLUMNS = {"id": "varchar", "op": "varchar", "sequence": "bigint", "changed_at": "timestamp"}
DAYS = frozenset({"activity"})
"""Streams whose tables are divided by days."""
OFTEN = (
    "app.oauth2.as.authorize",
    "app.oauth2.as.authorize.code",
    "app.oauth2.as.token.grant.access_token",
    "app.oauth2.as.token.grant.id_token",
    "app.oauth2.authorize.code",
    "app.oauth2.token.grant.access_token",
    "app.oauth2.token.grant.id_token",
    "application.user_membership.add",
    "application.user_membership.remove",
    "group.user_membership.add",
    "group.user_membership.remove",
    "policy.evaluate_sign_on",
    "system.push.send_factor_verify_push",
    "user.account.update_profile",
    "user.authentication.auth",
    "user.authentication.auth_via_AD_agent",
    "user.authentication.auth_via_IDP",
    "user.authentication.auth_via_LDAP_agent",
    "user.authentication.auth_via_mfa",
    "user.authentication.auth_via_radius",
    "user.authentication.sso",
    "user.authentication.verify",
    "user.session.access_admin_app",
    "user.session.end",
    "user.session.start",
)
"""Types of events of which most of a log consists."""
SQL_TYPES = {"id": "varchar", "text": "varchar", "time": "timestamp", "integer": "bigint", "boolean": "boolean"}


def often() -> str:
    """`OFTEN` as a list in SQL."""
    listed = ", ".join(f"'{type}'" for type in OFTEN)
    return f"({listed})"


def list_type(items: Items) -> str:
    return f"struct({', '.join(f'{column.name} {SQL_TYPES[column.kind]}' for column in items.columns)})[]"


def columns(stream: Stream) -> dict[str, str]:
    """Every column of a stream's table with its type in DuckDB, in order."""
    own = {column.name: SQL_TYPES[column.kind] for column in stream.columns}
    lists = {items.name: list_type(items) for items in stream.lists}
    return BASE | own | lists | SOURCE


def typed(stream: Stream, rows: str) -> str:
    """A select of a table's columns from rows of `BASE` and `SOURCE`."""
    picked = [column for column in stream.columns if column.kind != "id"]
    own = [
        f"{DuckDb.column(column, 'picked', picked.index(column) + 1 if column in picked else 0)} as {column.name}"
        for column in stream.columns
    ]
    lists = [f"{_list(items)} as {items.name}" for items in stream.lists]
    names = ", ".join([*BASE, *own, *lists, *SOURCE])
    return (
        f"select {names} from (select *, {DuckDb.picked('source', stream.columns)} as picked from ({rows}) taken) typed"
    )


def _list(items: Items) -> str:
    fields = ", ".join(
        f"{column.name} := {DuckDb.column(column, 'member', number)}"
        for number, column in enumerate(items.columns, start=1)
    )
    found = f"json_extract(source, '{DuckDb.path(items.path)}[*]')"
    members = f"list_transform({found}, lambda item: {DuckDb.picked('item', items.columns)})"
    return f"list_transform({members}, lambda member: struct_pack({fields}))"


def digest() -> str:
    """Changes where a column does."""
    told = "\n".join(f"{stream.name} {typed(stream, 'rows')}" for stream in streams())
    return hashlib.sha256(told.encode()).hexdigest()[:16]
