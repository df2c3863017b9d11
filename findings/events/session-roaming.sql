-- id: session-roaming
-- title: A session changed its device or place
-- severity: high
-- why: A stolen cookie works where it was not issued.
-- do: End the user's sessions; bind sessions to a device or address where the org has the feature.
-- false positives: VPNs that come and go: a user and a day are one case.
-- reference: Okta customer-detections: user_denied_access_due_to_session_binding
-- reference: MITRE ATT&CK T1539
select event_id as id, actor as name, event_type || place as detail, published as seen_at
from (
  select e.*, row_number() over (partition by e.actor, e.event_type, cast(e.published as date) order by e.published, e.event_id) as of_the_day
  from seldom_events e
  where e.event_type = 'security.session.detect_client_roaming'
    or e.event_type = 'user.session.context.change' and (coalesce(e.result, '') in ('FAILURE', 'DENY') or regexp_like(concat(coalesce(e.risk, ''), coalesce(e.behaviors, '')), 'HIGH|New Device=POSITIVE') or e.is_proxy)
) first
where of_the_day = 1
