-- id: threat-insight
-- title: ThreatInsight names an address
-- severity: high
-- why: Okta has seen the address attack other orgs, or this one.
-- do: Security > General > ThreatInsight: log and enforce; look for successes from the address.
-- false positives: A shared proxy that others misuse.
-- reference: Okta customer-detections: threat_insight_password_spray
-- reference: Okta customer-detections: threat_insight_high_unknown_users
-- reference: SigmaHQ okta: okta_security_threat_detected
-- reference: Panther: okta_threatinsight_security_threat_detected
-- reference: Elastic: Okta ThreatInsight Threat Suspected Promotion
-- reference: MITRE ATT&CK T1110.003
-- reference: MITRE ATT&CK T1110.004
select event_id as id, coalesce(ip, actor) as name, detail, published as seen_at
from (
  select e.event_id, e.ip, e.actor, e.published,
    case e.event_type when 'security.threat.detected' then coalesce(e.threat_detections, e.reason, e.display_message, e.event_type) else e.event_type || ' of ' || e.actor || ' let through, although suspected' end || e.place as detail,
    row_number() over (partition by coalesce(e.ip, e.actor), e.event_type, cast(e.published as date) order by e.published, e.event_id) as of_the_day
  from told_events e
  where e.event_type = 'security.threat.detected' or lower(coalesce(e.threat_suspected, '')) = 'true' and coalesce(e.result, '') in ('SUCCESS', 'ALLOW')
) first
where of_the_day = 1
