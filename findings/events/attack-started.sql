-- id: attack-started
-- title: Okta sees an attack on the org
-- severity: high
-- why: ThreatInsight sees credentials being tried against the org as a whole.
-- do: Security > General > ThreatInsight: log and enforce. The event names no address: look at password-spray and for successes in the same hours.
-- false positives: A load test.
-- reference: MITRE ATT&CK T1110
select e.event_id as id, e.actor as name, e.event_type || e.place as detail, e.published as seen_at
from seldom_events e
where e.event_type in ('security.attack.start')
