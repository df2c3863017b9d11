-- id: user-reported
-- title: A user reported a sign-in that was not theirs
-- severity: high
-- why: The user says that somebody else was at the account, and nobody knows better.
-- do: Reset password and factors, end the sessions, look at what the address did.
-- false positives: A user who forgot their own sign-in.
-- reference: Okta customer-detections: user_reported_suspicious_activity
-- reference: SigmaHQ okta: okta_suspicious_activity_enduser_report
-- reference: Panther: okta_user_reported_suspicious_activity
-- reference: MITRE ATT&CK T1078.004
select e.event_id as id, e.actor as name, e.event_type || e.place as detail, e.published as seen_at
from seldom_events e
where e.event_type in ('user.account.report_suspicious_activity_by_enduser')
