-- id: blinding
-- title: Log stream or network zone switched off
-- severity: critical
-- why: Attackers switch off what would tell of them, or the block that keeps them out.
-- do: Reports > Log Streaming, Security > Networks: switch it on again; look at what the actor did before and after.
-- false positives: Planned work on the log pipeline.
-- reference: Okta customer-detections: log_stream_tampering
-- reference: SigmaHQ okta: okta_network_zone_deactivated_or_deleted
-- reference: MITRE ATT&CK T1685.002
-- reference: MITRE ATT&CK T1556.009
select e.event_id as id, coalesce(max(t.target_display_name), max(t.target_name), max(t.target_id), '?') as name,
  e.event_type || ' by ' || coalesce(e.actor_name, '?') || coalesce(' from ' || e.ip, '') as detail, e.published as seen_at
from recent_events e left join event_targets t on t.event_id = e.event_id
where e.event_type in ('system.log_stream.lifecycle.deactivate', 'system.log_stream.lifecycle.delete', 'zone.deactivate', 'zone.delete', 'zone.remove_blacklist', 'security.zone.remove_blacklist', 'network_zone.rule.disabled') and e.result = 'SUCCESS'
group by e.event_id, e.event_type, e.actor_name, e.ip, e.published
