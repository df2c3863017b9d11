-- id: path-to-super-admin
-- title: Ways to super admin that nobody granted
-- severity: high
-- why: Who reads the secret of an app, owns a group, or changes an IdP that leads to super admin is a super admin who needs one step more.
-- do: make paths prints each step with its reason and the fewest removals that close them all: take the role from the app, let it sign in with a key, restrict the IdP to groups without admins.
-- false positives: An IdP that masters all users, and its administrators, are trusted with everything: accept those. Owners of groups with a role may be barred by Okta.
-- reference: SpecterOps OktaHound: Okta_ReadClientSecret, Okta_SecretOf, Okta_AddMember, Okta_ResetFactors, Okta_IdentityProviderFor
-- reference: MITRE ATT&CK T1098.003
-- reference: MITRE ATT&CK T1078.004
select w.principal_id as id, w.name, lower(w.principal_type) || ', ' || cast(w.length as varchar) || ' steps: ' || w.way as detail, w.opened_at as seen_at
from ways w
where w.goal = 'SUPER_ADMIN' and w.kinds not in ('holds', 'member, holds')
