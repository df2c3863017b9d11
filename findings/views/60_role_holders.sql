-- Active role assignments of whoever may act: users who can sign in, groups, active apps. A client's belongs to its app.
select a.id, a.assignment_id, a.role_type, coalesce(a.role_label, a.role_type) as role_name, a.custom_role_id, a.resource_set_id, a.principal_id as told_id, a.cause, a.changed_at,
  case a.principal_type when 'Client' then 'App' else a.principal_type end as holder_type, coalesce(c.app_id, a.principal_id) as holder_id,
  coalesce(p.user_name, g.group_name, c.app_label, a.principal_id) as holder_name
from current_role_assignments a
left join people p on p.user_id = a.principal_id and a.principal_type = 'User' and p.can_sign_in
left join current_groups g on g.group_id = a.principal_id and a.principal_type = 'Group'
left join current_applications c on a.principal_id in (c.app_id, c.client_id) and a.principal_type = 'Client' and c.status = 'ACTIVE'
where coalesce(a.assignment_status, 'ACTIVE') = 'ACTIVE' and coalesce(p.user_id, g.group_id, c.app_id) is not null
