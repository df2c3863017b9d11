-- id: app-key-expiring
-- title: Signing keys of apps that expired or soon will
-- severity: medium
-- why: On that day nobody signs in to the app, and in haste checks are switched off.
-- do: Applications > app > Sign On: make a new certificate, give it to the app, activate it.
-- false positives: A key that is kept beside its successor for the change-over.
-- reference: Okta: SAML signing certificates
-- reference: MITRE ATT&CK T1606.002
-- parameter: key_days = 30
select k.app_id || ':' || k.key_id as id, coalesce(a.app_label, k.app_id) as name, 'key ' || k.key_id || ' expires ' || cast(cast(k.expires_at as date) as varchar) as detail, k.expires_at as seen_at
from current_application_keys k join current_applications a on a.app_id = k.app_id and a.status = 'ACTIVE'
where coalesce(k.status, 'ACTIVE') = 'ACTIVE' and k.expires_at < (select now from clock) + interval '{key_days}' day
  and not exists (select 1 from current_application_keys o where o.app_id = k.app_id and o.key_id <> k.key_id and coalesce(o.status, 'ACTIVE') = 'ACTIVE' and o.expires_at > k.expires_at)
