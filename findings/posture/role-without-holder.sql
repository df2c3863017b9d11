-- id: role-without-holder
-- title: Roles and resource sets that nobody holds
-- severity: info
-- why: Leftovers hide what is in use; the next member of the empty group is an admin without a grant.
-- do: Security > Administrators: delete the role (Roles), the resource set (Resources), or the assignment of the empty group (Admins).
-- false positives: A role that is being prepared.
-- reference: Okta: custom admin roles
-- reference: MITRE ATT&CK T1098.003
select r.role_id as id, coalesce(r.role_label, r.role_id) as name, 'custom role that nobody is given' as detail, r.created as seen_at
from current_roles r
where r.role_id like 'cr0%'
  and not exists (select 1 from current_role_assignments a where a.custom_role_id = r.role_id)
  and not exists (select 1 from resource_set_bindings b where b.bound_role_id = r.role_id)
union all
select s.resource_set_id, coalesce(s.resource_set_label, s.resource_set_id), 'resource set without a binding', s.created
from current_resource_sets s
where not exists (select 1 from resource_set_bindings b where b.resource_set_id = s.resource_set_id)
  and not exists (select 1 from current_role_assignments a where a.resource_set_id = s.resource_set_id)
union all
select a.id, coalesce(g.group_name, a.principal_id), coalesce(a.role_label, a.role_type) || ' of a group without members', a.created
from current_role_assignments a
join current_groups g on g.group_id = a.principal_id
where a.principal_type = 'Group'
  and not exists (select 1 from current_group_memberships m where m.group_id = a.principal_id)
