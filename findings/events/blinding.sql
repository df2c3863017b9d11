-- id: blinding
-- title: Log stream, event hook or network zone switched off or changed
-- severity: critical
-- why: Attackers switch off what would tell of them, or the block that keeps them out.
-- do: Reports > Log Streaming, Workflow > Event Hooks, Security > Networks: switch it on again; look at what the actor did before and after.
-- false positives: Planned work on the log pipeline or on zones.
-- reference: Okta customer-detections: log_stream_tampering
-- reference: SigmaHQ okta: okta_network_zone_deactivated_or_deleted
-- reference: Elastic: Attempt to Modify an Okta Network Zone
-- reference: MITRE ATT&CK T1685.002
-- reference: MITRE ATT&CK T1556.009
select e.event_id as id, coalesce(e.object, e.actor) as name, e.event_type || ' by ' || e.actor || e.place as detail, e.published as seen_at
from seldom_events e
where e.event_type in ('system.log_stream.lifecycle.create', 'system.log_stream.lifecycle.update', 'system.log_stream.lifecycle.activate', 'system.log_stream.lifecycle.deactivate', 'system.log_stream.lifecycle.delete', 'event_hook.deactivated', 'event_hook.deleted', 'event_hook.updated', 'zone.deactivate', 'zone.delete', 'zone.update', 'zone.remove_blacklist', 'security.zone.remove_blacklist', 'network_zone.rule.disabled') and coalesce(e.result, 'SUCCESS') not in ('FAILURE', 'DENY')
