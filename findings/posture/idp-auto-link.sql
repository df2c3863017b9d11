-- id: idp-auto-link
-- title: IdPs that link to existing accounts by themselves
-- severity: high
-- why: Whoever administers the IdP signs in as any user of the same name, admins included.
-- do: Security > Identity Providers: set Account Link Policy to Disabled, or restrict it to groups without admins; no just-in-time provisioning.
-- false positives: An IdP of one's own that masters all users; the restriction to groups is said in the details.
-- reference: SpecterOps OktaHound: Okta_IdentityProviderFor
-- reference: Okta: Cross-Tenant Impersonation: Prevention and Detection (2023)
-- reference: MITRE ATT&CK T1484.002
select i.idp_id as id, i.idp_name as name,
  'type ' || coalesce(i.idp_type, '?') || ', account link ' || i.account_link_action || ', provisioning ' || coalesce(i.provisioning_action, '?')
    || case when i.account_link_filter is null then '' else ', limited to ' || i.account_link_filter end as detail,
  i.created as seen_at
from current_idps i
where i.status = 'ACTIVE' and i.account_link_action = 'AUTO' and i.provisioning_action = 'AUTO'
