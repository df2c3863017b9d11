-- Who can become what, by one step. Left out are steps into people and groups from which nothing leads on: without a role, only owners lead on.
-- `record` is the line that says so, `cause` its event.
with leading_groups as (
  select h.holder_id as group_id from role_holders h where h.holder_type = 'Group'
  union
  select o.owner_id from current_group_owners o where upper(o.owner_type) = 'GROUP'
), leading_users as (
  select o.owner_id as user_id from current_group_owners o where upper(o.owner_type) = 'USER'
  union
  select m.user_id from current_group_memberships m join leading_groups l on l.group_id = m.group_id
  union
  select h.holder_id from role_holders h where h.holder_type = 'User'
), able as (
  select p.user_id, p.user_name from people p join leading_users l on l.user_id = p.user_id where p.can_sign_in
)
select h.holder_id as source_id, h.holder_type as source_type, h.holder_name as source_name, h.role_type as target_id, 'Role' as target_type, h.role_name as target_name,
  'holds' as kind, 'the role ' || h.role_name || ', assigned directly' as reason, h.id as record, h.cause, h.changed_at
from role_holders h where h.role_type in ('SUPER_ADMIN', 'ORG_ADMIN')
union all
select a.user_id, 'User', a.user_name, g.group_id, 'Group', coalesce(g.group_name, g.group_id), 'member',
  case when m.rules is not null and m.rules <> '[]' then 'by rule ' || m.rules when g.group_type = 'APP_GROUP' then 'by import from the directory or app that masters it'
    when m.rules is null then 'by hand, as far as is known' else 'by hand' end, m.id, m.cause, m.changed_at
from able a
join current_group_memberships m on m.user_id = a.user_id
join leading_groups l on l.group_id = m.group_id
join current_groups g on g.group_id = m.group_id
union all
select p.holder_id, p.holder_type, p.holder_name, c.app_id, 'App', coalesce(c.app_label, c.app_id), 'reads_secret', 'the role ' || p.role_name || ' reads the client secret', p.id, p.cause, p.changed_at
from powers p
join current_applications c on c.status = 'ACTIVE' and (c.application_type = 'service' or c.grant_types like '%client_credentials%') and c.token_auth_method like 'client_secret%'
  and (p.scope = 'all' or p.scope in ('app', 'app_or_kind') and p.scope_id = c.app_id or p.scope in ('app_kind', 'app_or_kind') and p.scope_id = c.app_name)
where p.power = 'reads_secret' and p.holder_id <> c.app_id and c.app_id in (select h.holder_id from role_holders h where h.holder_type = 'App')
union all
select p.holder_id, p.holder_type, p.holder_name, a.user_id, 'User', a.user_name, 'resets', 'the role ' || p.role_name || ' resets password or factors', p.id, p.cause, p.changed_at
from powers p
join able a on p.scope = 'all' or p.scope = 'user' and p.scope_id = a.user_id
  or p.scope = 'people' and exists (select 1 from current_group_memberships m where m.group_id = p.scope_id and m.user_id = a.user_id)
where p.power = 'resets' and p.holder_id <> a.user_id and a.user_id not in (select b.id from barred b)
union all
select p.holder_id, p.holder_type, p.holder_name, g.group_id, 'Group', coalesce(g.group_name, g.group_id), 'manages_members', 'the role ' || p.role_name || ' adds members', p.id, p.cause, p.changed_at
from powers p
join current_groups g on p.scope = 'all' or p.scope = 'group' and p.scope_id = g.group_id
where p.power = 'manages_members' and g.group_type = 'OKTA_GROUP' and p.holder_id <> g.group_id and g.group_id not in (select b.id from barred b) and g.group_id in (select l.group_id from leading_groups l)
union all
select o.owner_id, case upper(o.owner_type) when 'GROUP' then 'Group' else 'User' end, coalesce(a.user_name, h.group_name, o.owner_name, o.owner_id), g.group_id, 'Group', coalesce(g.group_name, g.group_id), 'owns',
  'owns the group, and so may add members; whether Okta bars owners from groups with a role is not known', o.id, o.cause, o.changed_at
from current_group_owners o
join current_groups g on g.group_id = o.group_id
left join able a on a.user_id = o.owner_id and upper(o.owner_type) = 'USER'
left join current_groups h on h.group_id = o.owner_id and upper(o.owner_type) = 'GROUP'
where coalesce(a.user_id, h.group_id) is not null and g.group_id in (select l.group_id from leading_groups l)
union all
select p.holder_id, p.holder_type, p.holder_name, i.idp_id, 'IdP', coalesce(i.idp_name, i.idp_id), 'manages_idp', 'the role ' || p.role_name || ' changes the IdP', p.id, p.cause, p.changed_at
from powers p join current_idps i on i.status = 'ACTIVE'
where p.power = 'manages_idp'
union all
select i.idp_id, 'IdP', coalesce(i.idp_name, i.idp_id), a.user_id, 'User', a.user_name, 'links', 'the user is linked to the IdP', u.id, u.cause, u.changed_at
from current_idps i join current_idp_users u on u.idp_id = i.idp_id join able a on a.user_id = u.user_id
where i.status = 'ACTIVE'
union all
select i.idp_id, 'IdP', coalesce(i.idp_name, i.idp_id), a.user_id, 'User', a.user_name, 'links', 'the IdP links accounts by itself', i.id, i.cause, i.changed_at
from current_idps i
join able a on coalesce(i.link_excluded_users, '') not like '%"' || a.user_id || '"%' and not (coalesce(i.link_excludes_admins, false) and a.user_id in (select b.id from barred b))
  and (coalesce(i.link_groups, '[]') = '[]' or exists (select 1 from current_group_memberships m where m.user_id = a.user_id and i.link_groups like '%"' || m.group_id || '"%'))
where i.status = 'ACTIVE' and i.account_link_action = 'AUTO'
  and not exists (select 1 from current_idp_users u where u.idp_id = i.idp_id and u.user_id = a.user_id)
union all
select p.holder_id, p.holder_type, p.holder_name, g.group_id, 'Group', coalesce(g.group_name, g.group_id), 'rule',
  'the role ' || p.role_name || ' writes what the rule ' || coalesce(r.rule_name, r.rule_id) || ' reads: ' || coalesce(r.expression, '?'), r.id, r.cause, r.changed_at
from powers p
join current_group_rules r on r.status = 'ACTIVE' and regexp_like(coalesce(r.expression, ''), 'user[.]')
join rule_groups t on t.rule_id = r.rule_id
join current_groups g on g.group_id = t.rule_group_id
where p.power = 'writes' and p.holder_id <> g.group_id and g.group_id in (select l.group_id from leading_groups l)
  and exists (select 1 from people u where u.can_sign_in and u.user_id not in (select b.id from barred b) and (p.scope = 'all' or p.scope = 'user' and p.scope_id = u.user_id
    or p.scope = 'people' and exists (select 1 from current_group_memberships m where m.group_id = p.scope_id and m.user_id = u.user_id)))
