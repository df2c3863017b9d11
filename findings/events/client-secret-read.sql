-- id: client-secret-read
-- title: Client secret read by a person
-- severity: medium
-- why: Whoever reads it can be the app, from anywhere.
-- do: Applications > app > General: generate a new secret, deactivate the old one; prefer private_key_jwt.
-- false positives: The developer who sets the app up.
-- reference: Okta customer-detections: oauth_client_secret_read
-- reference: MITRE ATT&CK T1528
select e.event_id as id, coalesce(max(t.target_display_name), max(t.target_name), max(t.target_id), '?') as name,
  e.event_type || ' by ' || coalesce(e.actor_name, '?') || coalesce(' from ' || e.ip, '') as detail, e.published as seen_at
from recent_events e left join event_targets t on t.event_id = e.event_id
where e.event_type in ('app.oauth2.client.read_client_secret') and e.result = 'SUCCESS'
  and e.actor_type = 'User'
group by e.event_id, e.event_type, e.actor_name, e.ip, e.published
