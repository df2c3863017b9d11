-- id: password-report-read
-- title: The report on password health was read
-- severity: medium
-- why: It lists every account with its oldest passwords; in October 2023 it was taken from Okta's own customers.
-- do: Ask the admin who read it.
-- false positives: An audit of one's own.
-- reference: SigmaHQ okta: okta_password_health_report_query
-- reference: MITRE ATT&CK T1087.004
select event_id as id, actor as name, request_uri || place as detail, published as seen_at
from (
  select e.*, row_number() over (partition by e.actor, e.ip, cast(e.published as date) order by e.published, e.event_id) as of_the_day
  from told_events e
  where lower(coalesce(e.request_uri, '')) like '%/reports/password-health/%'
) first
where of_the_day = 1
