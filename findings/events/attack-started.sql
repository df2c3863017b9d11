-- id: attack-started
-- title: Okta sees an attack on the org
-- severity: high
-- why: Okta tells that credentials are being tried against the org as a whole.
-- do: Security > General > ThreatInsight: log and enforce; look for successes from the same addresses.
-- false positives: A load test.
-- reference: MITRE ATT&CK T1110
select e.event_id as id, coalesce(e.actor_name, e.actor_id, '?') as name, e.event_type || coalesce(' from ' || e.ip, '') as detail, e.published as seen_at
from recent_events e
where e.event_type in ('security.attack.start')
