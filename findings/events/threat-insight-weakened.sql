-- id: threat-insight-weakened
-- title: Protection against attacks was changed
-- severity: high
-- why: ThreatInsight, lockout and attack protection stop the noise; an attacker wants it through.
-- do: Security > General: compare, restore; ask who did it.
-- false positives: Planned tuning.
-- reference: Okta: System Log event types
-- reference: MITRE ATT&CK T1556
select e.event_id as id, coalesce(e.object, e.actor) as name, e.event_type || ' by ' || e.actor || e.place as detail, e.published as seen_at
from seldom_events e
where e.event_type in ('security.attack_protection.settings.update', 'security.threat.configuration.update', 'security.session_protection.status.update') and coalesce(e.result, 'SUCCESS') not in ('FAILURE', 'DENY')
