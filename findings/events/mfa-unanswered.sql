-- id: mfa-unanswered
-- title: Pushes that nobody answers, from one address
-- severity: medium
-- why: Somebody has passwords and waits for the second factor.
-- do: Block the address (Security > Networks), reset the passwords of the users that it tried.
-- false positives: An office behind one address whose push service was down.
-- reference: Okta customer-detections: suspicious_mfa_abandonment
-- reference: Okta customer-detections: hunt_mfa_abandonment
-- reference: MITRE ATT&CK T1621
-- parameter: least_unanswered = 5
with pushes as (
  select e.event_id, e.ip, e.actor_id, e.actor_name, e.published, e.is_proxy
  from recent_events e
  where e.event_type = 'user.authentication.auth_via_mfa' and e.result in ('UNANSWERED', 'ABANDONED') and e.ip is not null
  union all
  -- Orgs whose log has no such outcomes have the pushes alone: those from where nobody was let in.
  select e.event_id, e.ip, e.actor_id, e.actor_name, e.published, false
  from recent_events e
  where e.event_type = 'system.push.send_factor_verify_push' and e.ip is not null
    and not exists (select 1 from places p where p.ip = e.ip and p.first_at <= e.published + interval '10' minute)
    and not exists (select 1 from recent_events o where o.actor_id = e.actor_id and o.event_type = 'user.authentication.auth_via_mfa' and o.published between e.published and e.published + interval '10' minute)
), windows as (
  select p.ip, p.published as began, max(q.published) as ended, count(distinct q.actor_id) as users, count(distinct q.event_id) as pushes,
    max(case when q.is_proxy then 1 else 0 end) as from_proxy, slice(array_agg(distinct q.event_id), 1, 100) as evidence
  from pushes p join pushes q on q.ip = p.ip and q.published between p.published and p.published + interval '1' hour
  group by p.ip, p.published
  having count(distinct q.event_id) > {least_unanswered} or max(case when q.is_proxy then 1 else 0 end) = 1
), counted as (select w.*, lag(w.began) over (partition by w.ip order by w.began) as before from windows w)
select ip as id, ip as name, cast(pushes as varchar) || ' pushes to ' || cast(users as varchar) || ' users, not answered within an hour' || case when from_proxy = 1 then ', from a proxy' else '' end as detail, ended as seen_at, evidence
from counted c
where (before is null or before < began - interval '1' hour)
  and (from_proxy = 1 or pushes > 2 * {least_unanswered}
    or not exists (select 1 from places l where l.ip = c.ip and l.first_at < c.began - interval '1' hour))
