-- id: client-secret-read
-- title: Client secret read
-- severity: medium
-- why: Whoever reads it can be the app, from anywhere.
-- do: Applications > app > General: generate a new secret, deactivate the old one; prefer private_key_jwt.
-- false positives: The developer who sets the app up; a tool that keeps apps as code.
-- reference: Okta customer-detections: oauth_client_secret_read
-- reference: MITRE ATT&CK T1528
select e.event_id as id, coalesce(e.object, e.actor) as name, e.event_type || ' by ' || coalesce(lower(e.actor_type), '?') || ' ' || e.actor || e.place as detail, e.published as seen_at
from seldom_events e
where e.event_type in ('app.oauth2.client.read_client_secret', 'system.idp.lifecycle.read_client_secret') and coalesce(e.result, 'SUCCESS') not in ('FAILURE', 'DENY')
