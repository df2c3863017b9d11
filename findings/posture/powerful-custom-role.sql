-- id: powerful-custom-role
-- title: Custom roles that reach as far as a super admin
-- severity: high
-- why: Who may reset factors or passwords, or manage apps or memberships everywhere, can become anybody.
-- do: Security > Administrators: limit the resource set (Resources), or take the permission out (Roles).
-- false positives: A role for the help desk whose resource set is bounded by a rule elsewhere.
-- reference: SpecterOps OktaHound: Okta_ResetFactors, Okta_ResetPassword, Okta_AddMember, Okta_ManageApp
-- reference: MITRE ATT&CK T1098.003
select a.holder_id || ':' || a.assignment_id as id, a.holder_name as name,
  a.role_name || ' on ' || a.reaches || ': ' || array_join(array_sort(array_agg(distinct p.permission)), ', ') as detail, max(a.granted_at) as seen_at
from effective_admins a
join role_permissions p on p.role_id = a.custom_role_id
join current_role_assignments r on r.principal_id = coalesce(a.group_id, a.holder_id) and r.assignment_id = a.assignment_id
join resource_set_resources s on s.resource_set_id = r.resource_set_id and s.resource_id is null
where a.in_effect and (
  (p.permission in ('okta.users.manage', 'okta.users.credentials.manage', 'okta.users.credentials.resetFactors',
      'okta.users.credentials.resetPassword', 'okta.users.credentials.manageTemporaryAccessCode', 'okta.users.groupMembership.manage')
    and s.resource_orn like '%:users')
  or (p.permission in ('okta.groups.manage', 'okta.groups.members.manage') and s.resource_orn like '%:groups')
  or (p.permission in ('okta.apps.manage', 'okta.apps.clientCredentials.read') and s.resource_orn like '%:apps'))
group by a.holder_id, a.holder_name, a.role_name, a.reaches, a.assignment_id
