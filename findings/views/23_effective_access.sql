-- Which user may use which app, and by which group: one row a path. A user who was assigned by a group that the
-- reader does not know keeps a row with no group.
select u.user_id, u.app_id, coalesce(a.app_label, u.app_id) as app_label, u.assignment_status,
  case when coalesce(u.assignment_scope, 'USER') = 'GROUP' then g.group_id end as group_id,
  case when coalesce(u.assignment_scope, 'USER') = 'GROUP' then 'group ' || coalesce(n.group_name, g.group_id, '(unknown)')
    else 'direct' end as path,
  u.created as assigned_at, l.last_used_at
from current_application_users u
left join current_applications a on a.app_id = u.app_id
left join (
  select x.app_id, m.user_id, x.group_id
  from current_application_groups x join current_group_memberships m on m.group_id = x.group_id
) g on g.app_id = u.app_id and g.user_id = u.user_id and coalesce(u.assignment_scope, 'USER') = 'GROUP'
left join current_groups n on n.group_id = g.group_id
left join last_use l on l.app_id = u.app_id and l.user_id = u.user_id
