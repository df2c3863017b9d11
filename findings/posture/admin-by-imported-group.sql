-- id: admin-by-imported-group
-- title: Admins through a group that another directory masters
-- severity: high
-- why: Whoever may change the group in that directory or app makes Okta admins, past all of Okta's controls.
-- do: Assign the role to an Okta group or to people; remove it from the imported group (Security > Administrators).
-- false positives: None known: the path exists, however well the directory is kept.
-- reference: SpecterOps OktaHound: Okta_MembershipSync
-- reference: MITRE ATT&CK T1098.007
select a.holder_id as id, a.holder_name as name, a.role_name || ' by imported ' || a.path as detail, a.granted_at as seen_at
from effective_admins a
where a.in_effect and a.group_type = 'APP_GROUP'
