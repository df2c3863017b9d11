-- id: device-token-many-names
-- title: One device tries many names
-- severity: high
-- why: A browser belongs to one person, or few; one that tries names is a tool.
-- do: Block the address; look for successes with the same device token.
-- false positives: A kiosk, or a classroom.
-- reference: Elastic: Okta Authentication for Multiple Users with the Same Device Token Hash
-- reference: Elastic: Multiple Okta User Authentication Events with Same Device Token Hash Behind a Proxy
-- reference: MITRE ATT&CK T1110.003
-- reference: MITRE ATT&CK T1110.004
-- parameter: least_proxied = 3
-- parameter: least_names = 10
with suspects as (
  -- A window has no more names than its token has at all.
  select e.dt_hash
  from recent_events e
  where (e.is_proxy or e.result = 'FAILURE') and e.dt_hash is not null and e.dt_hash not in ('', '-', 'unknown') and (e.event_type like 'user.authentication%' or e.event_type = 'user.session.start') and coalesce(e.actor_name, '') <> 'system@okta.com'
  group by e.dt_hash
  having count(distinct case when e.is_proxy then lower(coalesce(e.actor_name, e.actor_id)) end) >= {least_proxied} or count(distinct case when e.result = 'FAILURE' then lower(coalesce(e.actor_name, e.actor_id)) end) >= {least_names}
), tried as (
  select e.dt_hash, lower(coalesce(e.actor_name, e.actor_id)) as name, floor(to_unixtime(e.published) / 300) as moment, max(e.ip) as ip, min(e.published) as published, max(case when e.is_proxy then 1 else 0 end) as from_proxy,
    max(case when e.result = 'FAILURE' then 1 else 0 end) as failed, min(e.event_id) as event_id
  from recent_events e
  where e.dt_hash in (select s.dt_hash from suspects s) and (e.event_type like 'user.authentication%' or e.event_type = 'user.session.start') and coalesce(e.actor_name, '') <> 'system@okta.com'
  group by e.dt_hash, lower(coalesce(e.actor_name, e.actor_id)), floor(to_unixtime(e.published) / 300)
), windows as (
  select dt_hash, moment - s.step as began, count(distinct name) as names, count(distinct case when from_proxy = 1 then name end) as proxied, count(distinct case when failed = 1 then name end) as failing,
    max(ip) as ip, max(published) as ended, slice(array_agg(distinct event_id), 1, 100) as evidence
  from tried cross join (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11)) as s (step)
  group by dt_hash, moment - s.step
  having count(distinct case when from_proxy = 1 then name end) >= {least_proxied} or count(distinct case when failed = 1 then name end) >= {least_names}
), counted as (select w.*, lag(w.began) over (partition by w.dt_hash order by w.began) as before from windows w)
select dt_hash as id, coalesce(ip, dt_hash) as name, 'one device token, ' || cast(names as varchar) || ' names, ' || cast(failing as varchar) || ' of them refused' || case when proxied > 0 then ', through a proxy' else '' end as detail, ended as seen_at, evidence
from counted
where before is null or before < began - 12
