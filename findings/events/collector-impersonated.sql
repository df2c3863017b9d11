-- id: collector-impersonated
-- title: Somebody else used the collector's own client
-- severity: critical
-- why: Its secret reads the whole directory; a run of the collector takes tokens, with its own user agent, from its own network and when its schedule begins it, and never does anything else that Okta logs.
-- do: Applications > the collector's app > General: generate a new secret, deactivate the old one, put it into Secrets Manager; prefer private_key_jwt; restrict the client to a network zone.
-- false positives: The collector that somebody starts on their own machine; a move to another cloud, until most tokens come from there; a check, or a run by hand that finds nothing new.
-- reference: Okta customer-detections: oauth_client_secret_read
-- reference: MITRE ATT&CK T1528
-- reference: MITRE ATT&CK T1078.004
select u.event_id as id, e.actor as name,
  u.event_type || case when u.event_type not like 'app.oauth2.%token%' and u.event_type not like 'app.oauth2.%rate_limit%' then ', which no run does'
    when not u.is_usual_agent then ' by ' || u.agent else '' end
    || case when u.is_usual_network then '' else ' from a network that no run uses' end
    || case when o.event_id is null then '' else ' at a time at which no run begins' end || e.place as detail, u.published as seen_at
from collector_use u join told_events e on e.event_id = u.event_id
left join collector_off_times o on o.event_id = u.event_id
where u.event_type not like 'app.oauth2.%token%' and u.event_type not like 'app.oauth2.%rate_limit%' and u.event_type <> 'app.oauth2.invalid_client_credentials'
  or u.event_type like 'app.oauth2.%token%' and (not u.is_usual_agent and coalesce(u.agent, '') <> '' or not u.is_usual_network and u.as_number is not null or o.event_id is not null)
union all
select e.event_id, coalesce(e.object, '?'), 'the secret of the collector''s own client was read by ' || e.actor || e.place, e.published
from seldom_events e
where e.event_type = 'app.oauth2.client.read_client_secret' and coalesce(e.result, 'SUCCESS') = 'SUCCESS'
  and exists (select 1 from seldom_targets t join collector_use u on u.client = t.target_id where t.event_id = e.event_id and t.event_type = 'app.oauth2.client.read_client_secret')
