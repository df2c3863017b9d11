-- id: app-self-service
-- title: Apps that users add for themselves
-- severity: low
-- why: Whoever takes over an account can give it more.
-- do: Applications > Self Service: ask for approval, or switch it off.
-- false positives: A catalogue of harmless apps, meant so.
-- reference: Okta: self service for apps
-- reference: MITRE ATT&CK T1078.004
select a.app_id as id, a.app_label as name, coalesce(a.app_name, '?') || ', without approval as far as the app says' as detail, a.created as seen_at
from current_applications a
where a.status = 'ACTIVE' and a.is_self_service
