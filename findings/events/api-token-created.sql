-- id: api-token-created
-- title: API token created
-- severity: medium
-- why: A token has all rights of its creator, for as long as it is used, from anywhere unless a network is set.
-- do: Security > API > Tokens: revoke, or restrict it to a network zone; prefer a service app with scopes.
-- false positives: Planned integrations of the old kind.
-- reference: Okta customer-detections: new_api_token_created
-- reference: Okta customer-detections: api_token_excessive_network_access
-- reference: SigmaHQ okta: okta_api_token_created
-- reference: MITRE ATT&CK T1098.001
select e.event_id as id, coalesce(max(t.target_display_name), max(t.target_name), max(t.target_id), '?') as name,
  'by ' || coalesce(e.actor_name, '?') || coalesce(' from ' || e.ip, '') || case when lower(coalesce(max(e.token_network), max(t.target_detail), 'anywhere')) like '%anywhere%' then '; from any network' else '; restricted to a network' end as detail, e.published as seen_at
from recent_events e left join event_targets t on t.event_id = e.event_id
where e.event_type in ('system.api_token.create') and e.result = 'SUCCESS'
group by e.event_id, e.event_type, e.actor_name, e.ip, e.published
