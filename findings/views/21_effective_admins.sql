-- Every admin role that somebody holds: users directly or through a group, and service apps; with role, scope and path.
select case a.principal_type when 'Client' then 'App' else 'User' end as holder_type,
  coalesce(m.user_id, a.principal_id) as holder_id,
  coalesce(p.user_name, c.app_label, m.user_id, a.principal_id) as holder_name,
  coalesce(p.status, c.status) as holder_status,
  case a.principal_type when 'Client' then coalesce(c.status, 'ACTIVE') = 'ACTIVE' else coalesce(p.can_sign_in, true) end as in_effect,
  a.role_type, coalesce(a.role_label, a.role_type) as role_name, a.custom_role_id, r.reaches,
  case a.principal_type when 'Group' then 'group ' || coalesce(g.group_name, a.principal_id) else 'direct' end as path,
  case a.principal_type when 'Group' then a.principal_id end as group_id, g.group_type, a.assignment_id, a.created as granted_at
from current_role_assignments a
join role_scopes r on r.id = a.id
left join current_group_memberships m on m.group_id = a.principal_id and a.principal_type = 'Group'
left join current_groups g on g.group_id = a.principal_id and a.principal_type = 'Group'
left join people p on p.user_id = coalesce(m.user_id, a.principal_id) and a.principal_type in ('User', 'Group')
left join current_applications c on c.app_id = a.principal_id and a.principal_type = 'Client'
where coalesce(a.assignment_status, 'ACTIVE') = 'ACTIVE'
  and (a.principal_type in ('User', 'Client') or a.principal_type = 'Group' and m.user_id is not null)
