-- id: idp-inactive
-- title: Inactive IdPs
-- severity: low
-- why: One click makes it a way in again, with trust that nobody has looked at since.
-- do: Security > Identity Providers: delete it.
-- false positives: An IdP that is being set up.
-- reference: Okta: Cross-Tenant Impersonation: Prevention and Detection (2023)
-- reference: MITRE ATT&CK T1484.002
select i.idp_id as id, i.idp_name as name, 'inactive; last changed ' || coalesce(cast(cast(i.last_updated as date) as varchar), '?') as detail, i.last_updated as seen_at
from current_idps i
where i.status = 'INACTIVE'
