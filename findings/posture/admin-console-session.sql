-- id: admin-console-session
-- title: Sessions of the Admin Console last too long
-- severity: medium
-- why: A console that is left open is an admin for whoever sits down, or steals the cookie.
-- do: Security > General > Admin Console session: DISA asks for 15 minutes idle, 12 hours in all.
-- false positives: None known.
-- reference: DISA Okta IDaaS STIG V1R2 V-273187
-- reference: MITRE ATT&CK T1539
-- parameter: console_idle_minutes = 15
-- parameter: console_minutes = 720
select s.setting_id as id, 'Admin Console' as name, 'idle ' || coalesce(cast(s.session_idle_minutes as varchar), '?') || ' minutes, at most ' || coalesce(cast(s.session_lifetime_minutes as varchar), '?') as detail, s.changed_at as seen_at
from current_org_settings s
where s.session_idle_minutes > {console_idle_minutes} or s.session_lifetime_minutes > {console_minutes}
