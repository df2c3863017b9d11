-- id: api-token-created
-- title: API token created, or freed from its network
-- severity: medium
-- why: A token has all rights of its creator, for as long as it is used, from anywhere unless a network is set.
-- do: Security > API > Tokens: revoke, or restrict it to a network zone; prefer a service app with scopes.
-- false positives: Planned integrations of the old kind.
-- reference: Okta customer-detections: new_api_token_created
-- reference: Okta customer-detections: api_token_excessive_network_access
-- reference: SigmaHQ okta: okta_api_token_created
-- reference: Panther: okta_api_key_created
-- reference: MITRE ATT&CK T1528
select e.event_id as id, coalesce(e.object, '?') as name,
  e.event_type || ' by ' || e.actor || e.place || case when lower(coalesce(e.token_network, 'anywhere')) like '%anywhere%' then '; from any network' else '; restricted to a network' end as detail, e.published as seen_at
from seldom_events e
where coalesce(e.result, 'SUCCESS') = 'SUCCESS' and (e.event_type = 'system.api_token.create' or e.event_type = 'system.api_token.update' and lower(coalesce(e.token_network, '')) like '%anywhere%')
