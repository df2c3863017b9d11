-- id: client-many-addresses
-- title: A client took tokens at several addresses
-- severity: medium
-- why: A secret is used where its program does not run.
-- do: Ask the app's owner; rotate its secret; restrict it to a network zone.
-- false positives: A program that runs at several places, or in a cloud with changing addresses: a client with more addresses than most_addresses is left out, and so is the collector itself.
-- reference: Elastic: Multiple Client Sources Reported for OAuth Access Tokens Granted
-- reference: MITRE ATT&CK T1528
-- parameter: most_addresses = 4
with used as (
  select e.actor_id, max(e.actor_name) as actor_name, max(e.actor_display_name) as display_name, e.ip, min(e.published) as first_at, count(*) as tokens, min(e.event_id) as event_id
  from recent_events e
  where e.event_type in ('app.oauth2.as.token.grant.access_token', 'app.oauth2.token.grant.access_token') and e.result = 'SUCCESS' and e.actor_type = 'PublicClientApp' and e.ip is not null
    and coalesce(e.user_agent, '') not like 'Okta%' and lower(coalesce(e.grant_type, 'client_credentials')) = 'client_credentials'
  group by e.actor_id, e.ip
), counted as (
  select u.*, count(*) over (partition by u.actor_id) as addresses, min(u.first_at) over (partition by u.actor_id) as began, row_number() over (partition by u.actor_id order by u.first_at, u.event_id) as number
  from used u
)
select event_id as id, coalesce(display_name, actor_name, actor_id) as name, 'first token at ' || ip || ', beside ' || cast(addresses - 1 as varchar) || ' other addresses' as detail, first_at as seen_at
from counted
where number = 2 and addresses <= {most_addresses} and actor_id not in (select u.client from collector_use u)
