-- id: session-roaming
-- title: A session changed its device or place
-- severity: high
-- why: A stolen cookie works where it was not issued.
-- do: End the user's sessions; bind sessions to a device or address where the org has the feature.
-- false positives: VPNs that come and go.
-- reference: Okta customer-detections: user_denied_access_due_to_session_binding
-- reference: MITRE ATT&CK T1539
select e.event_id as id, coalesce(e.actor_name, e.actor_id, '?') as name, e.event_type || coalesce(' from ' || e.ip, '') as detail, e.published as seen_at
from recent_events e
where e.event_type in ('security.session.detect_client_roaming', 'user.session.context.change')
