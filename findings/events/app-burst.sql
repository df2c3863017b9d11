-- id: app-burst
-- title: Many apps in minutes by one session
-- severity: medium
-- why: Nobody opens that many apps by hand: a script goes through the dashboard.
-- do: End the session, ask the user, look at what was taken from the apps.
-- false positives: Auto-launched apps at sign-in; a test of all apps after a change.
-- reference: Okta customer-detections: rapid_application_access
-- reference: MITRE ATT&CK T1538
-- parameter: burst_minutes = 5
-- parameter: least_apps = 10
with uses as (
  select e.session_id, e.actor_name, t.target_id, e.published, floor(to_unixtime(e.published) / ({burst_minutes} * 60)) as span
  from recent_events e join event_targets t on t.event_id = e.event_id and t.target_type = 'AppInstance'
  where e.event_type = 'user.authentication.sso' and e.result = 'SUCCESS' and e.session_id is not null and e.session_id not in ('unknown', '')
)
select u.session_id as id, coalesce(max(u.actor_name), '?') as name, cast(count(distinct v.target_id) as varchar) || ' apps within {burst_minutes} minutes' as detail, max(u.published) as seen_at
from (select session_id, span, max(actor_name) as actor_name, min(published) as published from uses group by session_id, span) u
join uses v on v.session_id = u.session_id and v.published >= u.published and v.published <= u.published + interval '{burst_minutes}' minute
group by u.session_id
having count(distinct v.target_id) >= {least_apps}
