-- id: admin-granted
-- title: Admin role granted
-- severity: medium
-- why: A new admin is what most attacks on an Okta org end in.
-- do: Security > Administrators: compare with a request; take it away if there is none.
-- false positives: Every rightful grant; Okta also tells of each member when a group gets a role.
-- reference: Okta customer-detections: new_super_admin_added_or_removed
-- reference: SigmaHQ okta: okta_admin_role_assigned_to_user_or_group
-- reference: SigmaHQ okta: okta_admin_role_assignment_created
-- reference: MITRE ATT&CK T1098.003
select g.event_id as id, g.target_name as name, coalesce(g.privileges, 'custom role') || ' by ' || coalesce(g.actor_name, '?') || coalesce(' from ' || g.ip, '') as detail, g.published as seen_at
from admin_grants g
