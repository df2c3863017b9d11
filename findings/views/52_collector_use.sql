-- Events of the client that collects this data: the one that asks for the scopes of a collector. Of its runs come token grants alone, with the
-- user agent and from the network that it has nearly always.
select e.event_id, e.event_type, e.published, e.client, e.agent, e.as_number,
  max(e.agent_uses) over (partition by e.client) = e.agent_uses as is_usual_agent, max(e.network_uses) over (partition by e.client) = e.network_uses as is_usual_network
from (
  select v.event_id, v.event_type, v.published, v.actor_id as client, regexp_extract(v.user_agent, '^[^/ ]+', 0) as agent, v.as_number,
    count(*) over (partition by v.actor_id, regexp_extract(v.user_agent, '^[^/ ]+', 0)) as agent_uses, count(*) over (partition by v.actor_id, v.as_number) as network_uses
  from recent_events v
  where v.actor_id in (
    select g.actor_id from events g
    where g.event_type = 'app.oauth2.token.grant.access_token' and g.granted_scopes like '%okta.logs.read%' and g.granted_scopes like '%okta.idps.read%' and g.granted_scopes like '%okta.roles.read%')
) e
