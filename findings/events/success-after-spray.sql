-- id: success-after-spray
-- title: A name was let in after a spray
-- severity: critical
-- why: One of the passwords fitted.
-- do: End the user's sessions, reset password and factors, look at everything since.
-- false positives: A user who was locked out by the spray and signs in from a new place at once.
-- reference: Elastic: Okta Successful Login After Credential Attack
-- reference: MITRE ATT&CK T1110.003
-- reference: MITRE ATT&CK T1078.004
-- parameter: least_names = 10
-- parameter: least_addresses = 5
-- parameter: spray_hours = 3
with attacked as (
  select f.name, f.ip, max(f.published) as published
  from (
    select lower(coalesce(e.actor_name, e.actor_id)) as name, e.ip, e.published
    from recent_events e where e.result = 'FAILURE' and e.ip is not null
      and (e.event_type in ('user.session.start', 'user.authentication.auth', 'user.authentication.verify') or e.event_type like 'user.authentication.auth_via_%' and upper(coalesce(e.factor, 'PASSWORD')) like 'PASSWORD%')
  ) f
  where f.ip in (select s.ip from spray_windows s where s.names >= {least_names} or s.names >= {least_names} / 2 and s.attempts >= 3 * s.names)
    or f.name in (select r.name from refused_passwords r group by r.name having count(distinct r.ip) >= {least_addresses} and count(*) >= 2 * {least_addresses})
  group by f.name, f.ip
)
select e.event_id as id, e.actor as name, 'let in' || e.place || '; tried at ' || cast(max(a.published) as varchar) || ' from ' || max(a.ip) as detail, e.published as seen_at
from told_events e
join attacked a on a.name = lower(e.actor_name) and a.published < e.published and a.published > e.published - interval '{spray_hours}' hour
where e.event_type = 'user.session.start' and e.result = 'SUCCESS'
  and (e.ip = a.ip or not exists (select 1 from places p where p.user_id = e.actor_id and p.ip = e.ip and p.first_at < e.published))
group by e.event_id, e.actor, e.place, e.published
