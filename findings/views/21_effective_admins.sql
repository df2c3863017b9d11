-- Every admin role that somebody holds: users directly or through a group, and service apps; with role, scope and path.
with assigned as (
  select a.principal_id, a.principal_type, a.assignment_id, a.role_type, a.custom_role_id, a.created as granted_at,
    coalesce(a.role_label, a.role_type) as role_name, r.reaches
  from current_role_assignments a
  join role_scopes r on r.id = a.id
  where coalesce(a.assignment_status, 'ACTIVE') = 'ACTIVE'
)
select 'User' as holder_type, a.principal_id as holder_id, coalesce(p.user_name, a.principal_id) as holder_name,
  p.status as holder_status, coalesce(p.can_sign_in, true) as in_effect, a.role_type, a.role_name, a.custom_role_id, a.reaches,
  'direct' as path, cast(null as varchar) as group_id, cast(null as varchar) as group_type, a.assignment_id, a.granted_at
from assigned a left join people p on p.user_id = a.principal_id
where a.principal_type = 'User'
union all
select 'User', m.user_id, coalesce(p.user_name, m.user_id), p.status, coalesce(p.can_sign_in, true), a.role_type, a.role_name,
  a.custom_role_id, a.reaches, 'group ' || coalesce(g.group_name, a.principal_id), a.principal_id, g.group_type,
  a.assignment_id, a.granted_at
from assigned a
join current_group_memberships m on m.group_id = a.principal_id
left join current_groups g on g.group_id = a.principal_id
left join people p on p.user_id = m.user_id
where a.principal_type = 'Group'
union all
select 'App', a.principal_id, coalesce(c.app_label, a.principal_id), c.status, coalesce(c.status, 'ACTIVE') = 'ACTIVE', a.role_type,
  a.role_name, a.custom_role_id, a.reaches, 'direct', cast(null as varchar), cast(null as varchar), a.assignment_id, a.granted_at
from assigned a left join current_applications c on c.app_id = a.principal_id
where a.principal_type = 'Client'
