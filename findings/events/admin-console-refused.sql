-- id: admin-console-refused
-- title: Admin Console refused
-- severity: medium
-- why: Somebody with an account that may not, or from a place that may not, wanted in.
-- do: Look at the account's other events; compare the policy of Okta Admin Console (Security > Authentication Policies > App sign-in).
-- false positives: A person who followed a link that is not for them.
-- reference: Okta customer-detections: access_to_admin_console_denied
-- reference: SigmaHQ okta: okta_unauthorized_access_to_app
-- reference: MITRE ATT&CK T1078.004
select e.event_id as id, e.actor as name, e.event_type || ' ' || coalesce(e.result, '') || coalesce(' (' || e.reason || ')', '') || e.place as detail, e.published as seen_at
from told_events e
where coalesce(e.result, '') in ('FAILURE', 'DENY')
  and (e.event_type = 'user.session.access_admin_app' or (
    e.event_type in ('app.generic.unauth_app_access_attempt', 'user.authentication.sso', 'policy.evaluate_sign_on')
    and exists (select 1 from recent_targets t where t.event_id = e.event_id and t.target_display_name = 'Okta Admin Console' and t.result in ('FAILURE', 'DENY')
      and t.event_type in ('app.generic.unauth_app_access_attempt', 'user.authentication.sso', 'policy.evaluate_sign_on'))))
