-- id: idp-key-expiring
-- title: IdP certificates that expired or soon will
-- severity: medium
-- why: Okta trusts sign-ins that are signed with it: they fail on that day, or an old key is trusted for longer than meant.
-- do: Security > Identity Providers: upload the new signing certificate and remove the old one.
-- false positives: A certificate that is kept beside its successor for the change-over.
-- reference: Okta: IdP trust credentials
-- reference: MITRE ATT&CK T1606.002
-- parameter: key_days = 30
select i.idp_id || ':' || coalesce(k.key_id, '?') as id, i.idp_name as name, 'certificate ' || coalesce(k.key_id, '?') || ' expires ' || cast(cast(k.expires_at as date) as varchar) as detail, k.expires_at as seen_at
from current_idps i join idp_keys k on k.idp_id = i.idp_id
where i.status = 'ACTIVE' and k.expires_at < (select now from clock) + interval '{key_days}' day
