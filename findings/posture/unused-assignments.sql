-- id: unused-assignments
-- title: App assignments that nobody uses
-- severity: low
-- why: Access that is not used only serves whoever takes the account over; often it is a licence too.
-- do: Applications > app > Assignments: remove; for groups, narrow the group.
-- false positives: Apps that are used without signing in through Okta each time (long sessions, mobile apps); bookmarks are left out.
-- reference: Okta Identity Security Posture Management
-- reference: MITRE ATT&CK T1078.004
-- parameter: least_window_days = 14
select x.app_id || ':' || x.user_id as id, p.user_name as name, max(x.app_label) || ', ' || min(x.path) || ', not used since ' || max(cast(cast(w.first_event_at as date) as varchar)) as detail,
  min(x.assigned_at) as seen_at
from effective_access x
join current_applications a on a.app_id = x.app_id and a.status = 'ACTIVE' and coalesce(a.sign_on_mode, '') not in ('BOOKMARK', '')
join people p on p.user_id = x.user_id and p.status = 'ACTIVE'
cross join log_window w
where x.last_used_at is null and x.assigned_at < w.first_event_at
  and w.first_event_at < (select now from clock) - interval '{least_window_days}' day
group by x.app_id, x.user_id, p.user_name
