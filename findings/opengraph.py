"""The org as BloodHound's OpenGraph, by the published schema of its Okta extension (SOOkta v2.8.1), so that its saved searches answer.

Every edge begins and ends at a node of the file. Properties are plain values, and each node has a `name`. Owners of groups and group rules have no
kind there; see docs/findings.md for what the collector's scopes do not show.
"""

import json
from collections.abc import Iterator
from typing import Any

import duckdb

SOURCE = "Okta"
PIECE = 10_000
"""Nodes or edges that are in memory at a time."""
MISSING = (
    "Realm",
    "Device",
    "ApiServiceIntegration",
    "ApiToken",
    "AgentPool",
    "Agent",
    "AuthorizationServer",
    "Policy",
)
"""Kinds of nodes that six scopes do not show."""
# Kind to a select of id, name and the columns that become properties.
NODES = {
    "Organization": "select $org as id, $org as name",
    "User": """
        select u.user_id as id, coalesce(u.login, u.email, u.user_id) as name, u.status, p.can_sign_in as enabled, u.created::varchar as created, p.last_sign_in_at::varchar as lastLogin,
          u.password_changed::varchar as passwordChanged, m.active_factors as authenticationFactors, u.credential_provider as credentialProviderType
        from current_users u join people p using (user_id) left join mfa m using (user_id)""",
    "Group": "select group_id as id, coalesce(group_name, group_id) as name, group_type as oktaGroupType, created::varchar as created from current_groups",
    "Application": "select app_id as id, coalesce(app_label, app_id) as name, status, sign_on_mode as signOnMode, app_name as appType, created::varchar as created from current_applications",
    "IdentityProvider": "select idp_id as id, coalesce(idp_name, idp_id) as name, status, idp_type as protocolType, account_link_action as accountLinkAction, created::varchar as created from current_idps",
    "ResourceSet": "select resource_set_id as id, coalesce(resource_set_label, resource_set_id) as name from current_resource_sets",
    "Role": "select role_id as id, coalesce(role_label, role_id) as name from current_roles where role_id not like 'cr0%'",
    "CustomRole": """
        select r.role_id as id, coalesce(r.role_label, r.role_id) as name, (select list(p.permission order by p.permission) from role_permissions p where p.role_id = r.role_id) as permissions
        from current_roles r where r.role_id like 'cr0%'""",
    "RoleAssignment": "select h.id, h.role_name as name, h.role_type as type, h.changed_at::varchar as seen from role_holders h",
    "ClientSecret": "select app_id || ':secret' as id, 'Client secret of ' || coalesce(app_label, app_id) as name from current_applications where token_auth_method like 'client_secret%'",
    "JWK": "select app_id || ':' || key_id as id, 'Key ' || key_id as name, expires_at::varchar as expiresAt, status from current_application_keys where key_id is not null",
}
# Whom a standard role reaches, by the words of `powers`.
OVER_USERS = """
    select p.*, h.role_type, u.user_id as target from powers p join role_holders h using (id)
    join (
      select 'all' as scope, '' as scope_id, user_id from people
      union all select 'user', user_id, user_id from people
      union all select 'people', m.group_id, m.user_id from current_group_memberships m join people using (user_id)
    ) u on u.scope = p.scope and u.scope_id = case p.scope when 'all' then '' else p.scope_id end
    where p.power = 'resets' and u.user_id not in (select b.id from barred b)"""
OVER_GROUPS = "select p.*, h.role_type, g.group_id as target from powers p join role_holders h using (id) join current_groups g on g.group_type = 'OKTA_GROUP' and g.group_id not in (select b.id from barred b) and (p.scope = 'all' or p.scope = 'group' and p.scope_id = g.group_id) where p.power = 'manages_members'"
OVER_APPS = "select p.*, h.role_type, c.app_id as target, c.token_auth_method from powers p join role_holders h using (id) join current_applications c on p.scope = 'all' or p.scope in ('app', 'app_or_kind') and p.scope_id = c.app_id or p.scope in ('app_kind', 'app_or_kind') and p.scope_id = c.app_name where p.power = 'reads_secret'"
PERMITS = "exists (select 1 from role_holders r join role_permissions x on x.role_id = r.custom_role_id where r.id = o.id and x.permission in ({names}))"
EDGES = {
    "Contains": "select $org as source, id as target from graph_nodes where kind in ('User', 'Group', 'Application', 'IdentityProvider', 'ResourceSet', 'Role', 'CustomRole')",
    "MemberOf": "select user_id as source, group_id as target from current_group_memberships",
    "AppAssignment": "select user_id as source, app_id as target from current_application_users union select group_id, app_id from current_application_groups",
    "HasRole": "select holder_id as source, coalesce(custom_role_id, role_type) as target from role_holders",
    "HasRoleAssignment": "select holder_id as source, id as target from role_holders",
    "ScopedTo": """
        select h.id as source, coalesce(h.resource_set_id, t.target_id, case when t.assignment_id is null then $org end) as target
        from role_holders h left join role_targets t on t.principal_id = h.told_id and t.assignment_id = h.assignment_id
        union select h.id, c.app_id from role_holders h join role_targets t on t.principal_id = h.told_id and t.assignment_id = h.assignment_id and t.target_id is null join current_applications c on c.app_name = t.target_app_name""",
    "ResourceSetContains": """
        select r.resource_set_id as source, n.id as target from (select resource_set_id, regexp_extract(resource_orn, '^orn:[^:]*:[^:]*:[^:]*:(.*)$', 1) as place from resource_set_resources) r
        join graph_nodes n on n.kind = case split_part(r.place, ':', 1) when 'apps' then 'Application' when 'users' then 'User' when 'groups' then 'Group' end
          and (r.place not like '%:%' or n.id = split_part(r.place, ':', -1) and r.place not like '%contained_resources')
        union select r.resource_set_id, m.user_id from resource_set_resources r join current_group_memberships m on r.resource_orn like '%:groups:' || m.group_id || ':contained_resources'""",
    "SuperAdmin": "select holder_id as source, $org as target from role_holders where role_type = 'SUPER_ADMIN'",
    "OrgAdmin": f"select holder_id as source, target from ({OVER_USERS}) o where role_type = 'ORG_ADMIN' union select holder_id, target from ({OVER_GROUPS}) o where role_type = 'ORG_ADMIN'",
    "HelpDeskAdmin": f"select holder_id as source, target from ({OVER_USERS}) o where role_type = 'HELP_DESK_ADMIN'",
    "GroupAdmin": f"select holder_id as source, target from ({OVER_USERS}) o where role_type = 'USER_ADMIN' union select holder_id, target from ({OVER_GROUPS}) o where role_type = 'USER_ADMIN'",
    "GroupMembershipAdmin": f"select holder_id as source, target from ({OVER_GROUPS}) o where role_type = 'GROUP_MEMBERSHIP_ADMIN'",
    "AppAdmin": f"select holder_id as source, target from ({OVER_APPS}) o where role_type = 'APP_ADMIN'",
    "ResetPassword": f"select holder_id as source, target from ({OVER_USERS}) o where role_type = 'CUSTOM' and "
    + PERMITS.format(
        names="'okta.users.manage', 'okta.users.credentials.manage', 'okta.users.credentials.resetPassword', 'okta.users.credentials.expirePassword', 'okta.users.credentials.manageTemporaryAccessCode'"
    ),
    "ResetFactors": f"select holder_id as source, target from ({OVER_USERS}) o where role_type = 'CUSTOM' and "
    + PERMITS.format(
        names="'okta.users.manage', 'okta.users.credentials.manage', 'okta.users.credentials.resetFactors'"
    ),
    "AddMember": f"select holder_id as source, target from ({OVER_GROUPS}) o where role_type = 'CUSTOM'",
    "ReadClientSecret": f"select holder_id as source, target || ':secret' as target from ({OVER_APPS}) o where token_auth_method like 'client_secret%' and holder_id <> o.target",
    "SecretOf": "select app_id || ':secret' as source, app_id as target from current_applications where token_auth_method like 'client_secret%'",
    "KeyOf": "select app_id || ':' || key_id as source, app_id as target from current_application_keys where key_id is not null",
    "IdentityProviderFor": """
        select idp_id as source, user_id as target from current_idp_users
        union select i.idp_id, u.user_id from current_idps i join people u on u.can_sign_in and coalesce(i.link_excluded_users, '') not like '%"' || u.user_id || '"%'
          and not (coalesce(i.link_excludes_admins, false) and u.user_id in (select b.id from barred b))
          and (coalesce(i.link_groups, '[]') = '[]' or exists (select 1 from current_group_memberships m where m.user_id = u.user_id and i.link_groups like '%"' || m.group_id || '"%'))
        where i.status = 'ACTIVE' and i.account_link_action = 'AUTO'""",
    "IdpGroupAssignment": """select i.idp_id as source, g.group_id as target from current_idps i join current_groups g on i.link_groups like '%"' || g.group_id || '"%'""",
    "ReadPasswordUpdates": "select f.app_id as source, x.user_id as target from app_features f join current_application_users x using (app_id) where f.feature like 'PUSH_PASSWORD%'",
    "GroupPush": "select source_group_id as source, app_id as target from current_application_push_mappings where status = 'ACTIVE'",
}


def text(connection: duckdb.DuckDBPyConnection, org: str) -> Iterator[str]:
    """The file, piece by piece: help desks of a large org reach millions of people."""
    name = org.removeprefix("https://").rstrip("/")
    connection.execute("create or replace temp table graph_nodes (id varchar, kind varchar)")
    yield f'{{"metadata": {{"source_kind": "{SOURCE}"}}, "graph": {{"nodes": [\n'
    yield from _listed(piece for kind, query in NODES.items() for piece in _nodes(connection, kind, query, name))
    yield '\n], "edges": [\n'
    ids = _numbered(connection)
    yield from _listed(piece for kind, query in EDGES.items() for piece in _edges(connection, kind, query, name, ids))
    yield "\n]}}\n"


def _numbered(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The nodes' ids as JSON. Edges are sorted by their places in this list: ids themselves take several times the memory."""
    connection.execute("""
        create or replace temp table graph_ids as
        select id, row_number() over (order by id) - 1 as number from (select distinct id from graph_nodes) nodes""")
    return [json.dumps(id) for (id,) in connection.execute("select id from graph_ids order by number").fetchall()]


def _listed(pieces: Iterator[str]) -> Iterator[str]:
    for number, piece in enumerate(pieces):
        yield f",\n{piece}" if number else piece


def _nodes(connection: duckdb.DuckDBPyConnection, kind: str, query: str, org: str) -> Iterator[str]:
    given = {"org": org} if "$org" in query else None
    connection.execute(f"insert into graph_nodes select id, '{kind}' from ({query}) found", given)
    asked = connection.execute(f"select * from ({query}) found order by id", given)
    names = [column for column, *_ in asked.description]
    while rows := asked.fetchmany(PIECE):
        yield ",\n".join(_node(kind, dict(zip(names, row, strict=True))) for row in rows)


def _node(kind: str, row: dict[str, Any]) -> str:
    properties = {name: value for name, value in row.items() if name != "id" and value is not None}
    node = {"id": row["id"], "kinds": [f"Okta_{kind}", SOURCE], "properties": properties}
    return json.dumps(node, ensure_ascii=False)


def _edges(connection: duckdb.DuckDBPyConnection, kind: str, query: str, org: str, ids: list[str]) -> Iterator[str]:
    known = f"""
        select distinct s.number, t.number from ({query}) found
        join graph_ids s on s.id = found.source join graph_ids t on t.id = found.target
        where found.source <> found.target order by 1, 2"""
    asked = connection.execute(known, {"org": org} if "$org" in query else None)
    while rows := asked.fetchmany(PIECE):
        yield ",\n".join(
            f'{{"kind": "Okta_{kind}", "start": {{"value": {ids[source]}, "match_by": "id"}}, '
            f'"end": {{"value": {ids[target]}, "match_by": "id"}}, "properties": {{}}}}'
            for source, target in rows
        )
