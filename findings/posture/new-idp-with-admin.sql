-- id: new-idp-with-admin
-- title: New IdPs that an admin is linked to
-- severity: critical
-- why: An attacker's IdP with a link to an admin is a standing way in that needs no password.
-- do: Security > Identity Providers: who made it and why? Deactivate it, unlink the admin, look at the IdP's sign-ins.
-- false positives: A planned migration to a new IdP.
-- reference: SpecterOps OktaHound: Okta_IdentityProviderFor
-- reference: Okta: Cross-Tenant Impersonation: Prevention and Detection (2023)
-- reference: MITRE ATT&CK T1484.002
-- parameter: new_idp_days = 30
select i.idp_id || ':' || a.user_id as id, i.idp_name as name, 'created ' || cast(cast(i.created as date) as varchar) || '; linked to ' || a.user_name || ', who holds ' || a.roles as detail, i.created as seen_at
from current_idps i
join current_idp_users u on u.idp_id = i.idp_id
join admins a on a.user_id = u.user_id
where i.created > (select now from clock) - interval '{new_idp_days}' day
