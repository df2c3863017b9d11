-- id: unused-apps
-- title: Apps that nobody uses
-- severity: low
-- why: An app without use keeps its trust, its provisioning rights and its secrets.
-- do: Applications: deactivate, and delete after a while.
-- false positives: Apps of which people are signed in for longer than the log is known.
-- reference: Okta Identity Security Posture Management
-- reference: MITRE ATT&CK T1199
-- parameter: least_window_days = 14
select a.app_id as id, a.app_label as name, cast(count(distinct u.user_id) as varchar) || ' assigned, no use since ' || max(cast(cast(w.first_event_at as date) as varchar)) as detail, a.created as seen_at
from current_applications a
join current_application_users u on u.app_id = a.app_id
cross join log_window w
where a.status = 'ACTIVE' and coalesce(a.sign_on_mode, '') not in ('BOOKMARK', '') and a.created < w.first_event_at
  and w.first_event_at < (select now from clock) - interval '{least_window_days}' day
  and not exists (select 1 from last_use l where l.app_id = a.app_id)
group by a.app_id, a.app_label, a.created
