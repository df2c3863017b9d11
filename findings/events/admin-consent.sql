-- id: admin-consent
-- title: An admin let an app act on the org
-- severity: high
-- why: Scopes are what an app may do without asking anybody again.
-- do: Applications > app > Okta API Scopes: compare with a request; revoke.
-- false positives: A planned integration: it is granted once.
-- reference: MITRE ATT&CK T1528
-- reference: MITRE ATT&CK T1098.003
select e.event_id as id, coalesce(e.object, '?') as name, e.event_type || coalesce(' ' || e.granted_scopes, '') || ' by ' || e.actor || e.place as detail, e.published as seen_at
from seldom_events e
where e.event_type = 'app.oauth2.admin.consent.grant' and coalesce(e.result, 'SUCCESS') = 'SUCCESS'
