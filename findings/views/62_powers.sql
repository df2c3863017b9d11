-- What each role lets its holder do that may lead on, and over what: `scope` is all, app, app_kind, user, people (of a group) or group.
select h.id, h.holder_id, h.holder_type, h.holder_name, h.role_name, h.cause, h.changed_at, w.power, 'all' as scope, cast(null as varchar) as scope_id
from role_holders h
join (values ('ORG_ADMIN', 'resets'), ('ORG_ADMIN', 'manages_members'), ('ORG_ADMIN', 'manages_idp'), ('ORG_ADMIN', 'writes'),
  ('API_ACCESS_MANAGEMENT_ADMIN', 'reads_secret'), ('READ_ONLY_ADMIN', 'reads_secret')) as w (role_type, power) on w.role_type = h.role_type
union all
select h.id, h.holder_id, h.holder_type, h.holder_name, h.role_name, h.cause, h.changed_at, w.power,
  case when t.assignment_id is null then 'all' when w.power <> 'reads_secret' then w.scope when t.target_id is null then 'app_kind' else 'app' end,
  case when w.power = 'reads_secret' then coalesce(t.target_id, t.target_app_name) else t.target_id end
from role_holders h
join (values ('APP_ADMIN', 'reads_secret', 'app'), ('USER_ADMIN', 'resets', 'people'), ('USER_ADMIN', 'manages_members', 'group'), ('USER_ADMIN', 'writes', 'people'),
  ('HELP_DESK_ADMIN', 'resets', 'people'), ('GROUP_MEMBERSHIP_ADMIN', 'manages_members', 'group')) as w (role_type, power, scope) on w.role_type = h.role_type
left join role_targets t on t.principal_id = h.told_id and t.assignment_id = h.assignment_id
union all
select h.id, h.holder_id, h.holder_type, h.holder_name, h.role_name, h.cause, h.changed_at, w.power,
  case when w.power = 'manages_idp' or s.place = w.kind then 'all'
    when w.power = 'reads_secret' and regexp_like(s.place, '^apps:[^:]+:[^:]+$') then 'app' when w.power = 'reads_secret' then 'app_or_kind'
    when s.place like 'users:%' then 'user' when s.place like 'groups:%:contained_resources' then 'people' else 'group' end,
  case when s.place like 'groups:%:contained_resources' then regexp_extract(s.place, '^groups:([^:]+)', 1) else regexp_extract(s.place, '([^:]+)$', 1) end
from role_holders h
join role_permissions p on p.role_id = h.custom_role_id
join (values ('okta.apps.clientCredentials.read', 'reads_secret', 'apps'), ('okta.users.manage', 'resets', 'users'), ('okta.users.credentials.manage', 'resets', 'users'),
  ('okta.users.credentials.manageTemporaryAccessCode', 'resets', 'users'), ('okta.users.credentials.resetFactors', 'resets', 'users'), ('okta.users.credentials.resetPassword', 'resets', 'users'),
  ('okta.users.credentials.expirePassword', 'resets', 'users'), ('okta.users.manage', 'writes', 'users'), ('okta.users.userprofile.manage', 'writes', 'users'),
  ('okta.groups.manage', 'manages_members', 'groups'), ('okta.groups.members.manage', 'manages_members', 'groups'), ('okta.identityProviders.manage', 'manages_idp', '')) as w (permission, power, kind)
  on w.permission = p.permission
left join (
  select r.resource_set_id, regexp_extract(r.resource_orn, '^orn:[^:]*:[^:]*:[^:]*:(.*)$', 1) as place from resource_set_resources r
) s on s.resource_set_id = h.resource_set_id
where w.power = 'manages_idp'
  or w.power = 'reads_secret' and (s.place = 'apps' or s.place like 'apps:%')
  or w.power in ('resets', 'writes') and (s.place = 'users' or s.place like 'users:%' or s.place like 'groups:%:contained_resources')
  or w.power = 'manages_members' and (s.place = 'groups' or regexp_like(s.place, '^groups:[^:]+$'))
