-- id: password-spray
-- title: Many names tried from one address
-- severity: high
-- why: A few passwords, tried with every name: one of them fits somewhere.
-- do: Security > Networks: add the address to a blocked zone; Security > General > ThreatInsight: log and enforce; look for a success from the address.
-- false positives: A portal or a proxy through which everybody signs in.
-- reference: Okta customer-detections: threat_insight_password_spray
-- reference: SigmaHQ okta: okta_security_threat_detected
-- reference: MITRE ATT&CK T1110.003
-- parameter: spray_minutes = 60
-- parameter: least_names = 10
select w.ip as id, w.ip as name, cast(count(distinct w.actor_name) as varchar) || ' names refused' || coalesce(', ' || max(w.country), '') as detail, max(w.published) as seen_at
from (
  select e.*, floor(to_unixtime(e.published) / ({spray_minutes} * 60)) as span
  from recent_events e
  where e.event_type in ('user.session.start', 'user.authentication.auth', 'user.authentication.verify') and e.result = 'FAILURE' and e.ip is not null
) w
group by w.ip, w.span
having count(distinct w.actor_name) >= {least_names}
union all
select e.event_id, coalesce(e.ip, e.actor_name, '?'), 'ThreatInsight: ' || coalesce(e.threat_detections, e.reason, e.display_message, e.event_type), e.published
from recent_events e
where e.event_type = 'security.threat.detected'
