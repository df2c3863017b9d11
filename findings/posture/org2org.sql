-- id: org2org
-- title: Connections to another Okta org
-- severity: medium
-- why: An org2org app can carry users, groups and passwords into an org that somebody else administers.
-- do: Applications: know who administers the other org; push as few groups as it needs, and no passwords.
-- false positives: A planned hub and spoke.
-- reference: SpecterOps OktaHound: Okta_OutboundOrgSSO, Okta_UserPush, Okta_GroupPush
-- reference: PassBleed (Authomize)
-- reference: MITRE ATT&CK T1199
select a.app_id as id, a.app_label as name, 'status ' || coalesce(a.status, '?') as detail, a.created as seen_at
from current_applications a
where a.app_name = 'okta_org2org' and coalesce(a.status, 'ACTIVE') = 'ACTIVE'
