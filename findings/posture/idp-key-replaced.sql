-- id: idp-key-replaced
-- title: IdPs whose trusted certificate was replaced
-- severity: high
-- why: Whoever holds the key of a certificate that Okta trusts signs in as any user of the IdP (golden SAML).
-- do: Security > Identity Providers: compare the certificate with the IdP's own; if nobody replaced it, put the old one back and end the sessions that came through it.
-- false positives: A planned change of certificates.
-- reference: MITRE ATT&CK T1606.002
-- reference: Okta: Cross-Tenant Impersonation: Prevention and Detection (2023)
-- parameter: key_replaced_days = 30
select i.idp_id || ':' || coalesce(k.key_id, '?') as id, i.idp_name as name,
  'trusts certificate ' || coalesce(k.key_id, '?') || ' of ' || cast(cast(k.key_created as date) as varchar) || '; the IdP is of ' || cast(cast(i.created as date) as varchar) as detail,
  k.key_created as seen_at
from current_idps i join idp_keys k on k.idp_id = i.idp_id
where k.key_created > i.created + interval '1' day and k.key_created > (select now from clock) - interval '{key_replaced_days}' day
