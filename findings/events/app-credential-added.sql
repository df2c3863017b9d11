-- id: app-credential-added
-- title: An app got another secret or key
-- severity: medium
-- why: A second credential opens the app's rights to whoever holds it, and nobody misses the first.
-- do: Applications > app > General: ask who made it; deactivate it.
-- false positives: A rotation: the old one goes within days.
-- reference: MITRE ATT&CK T1098.001
select e.event_id as id, coalesce(e.object, e.actor) as name, e.event_type || ' by ' || e.actor || e.place as detail, e.published as seen_at
from seldom_events e
where e.event_type in ('app.oauth2.credentials.lifecycle.create', 'app.oauth2.credentials.lifecycle.activate', 'app.keys.generate', 'app.keys.clone') and coalesce(e.result, 'SUCCESS') not in ('FAILURE', 'DENY')
