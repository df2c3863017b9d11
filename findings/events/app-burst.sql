-- id: app-burst
-- title: Many apps in minutes
-- severity: medium
-- why: Nobody opens that many apps by hand: a script goes through the dashboard.
-- do: End the session, ask the user, look at what was taken from the apps.
-- false positives: A browser that opens all its tabs again. From an address, or with a device token, that the user had before it takes twice as many.
-- reference: Okta customer-detections: rapid_application_access
-- reference: Elastic: Multiple Application SSO Authentication from the Same Source
-- reference: MITRE ATT&CK T1538
-- parameter: burst_minutes = 5
-- parameter: least_apps = 10
with uses as (
  select e.actor_id, e.target_id, floor(to_unixtime(e.published) / 10) as moment, max(e.ip) as ip, max(e.dt_hash) as dt_hash, max(e.actor_name) as actor_name, min(e.published) as published, min(e.event_id) as event_id
  from recent_targets e
  where e.target_type = 'AppInstance' and e.event_type = 'user.authentication.sso' and e.result = 'SUCCESS' and e.actor_id is not null
  group by e.actor_id, e.target_id, floor(to_unixtime(e.published) / 10)
), dense as (
  -- An app counts once, so that no more apps are used than there are uses.
  select d.*, count(*) over (partition by d.actor_id order by d.published range between current row and interval '{burst_minutes}' minute following) as uses from uses d
), bursts as (
  select u.actor_id, u.published as began, max(v.published) as ended, count(distinct v.target_id) as apps, max(v.actor_name) as actor_name, max(v.ip) as ip, max(v.dt_hash) as dt_hash,
    slice(array_agg(distinct v.event_id), 1, 100) as evidence
  from dense u join uses v on v.actor_id = u.actor_id and v.published between u.published and u.published + interval '{burst_minutes}' minute
  where u.uses >= {least_apps}
  group by u.actor_id, u.published
), judged as (
  select b.*, lag(b.began) over (partition by b.actor_id order by b.began) as before
  from bursts b
  where b.apps >= 2 * {least_apps} or b.apps >= {least_apps}
    and not exists (select 1 from places p where p.user_id = b.actor_id and p.ip = b.ip and p.first_at < b.began - interval '1' hour)
    and not exists (select 1 from devices d where d.user_id = b.actor_id and d.dt_hash = b.dt_hash and d.first_at < b.began - interval '1' hour)
    -- Of whom the log knows nothing before, an address that they go on to use is their own.
    and (exists (select 1 from places p where p.user_id = b.actor_id and p.first_at < b.began - interval '1' hour)
      or not exists (select 1 from places p where p.user_id = b.actor_id and p.ip = b.ip and p.last_at > b.began + interval '12' hour))
)
select actor_id as id, coalesce(actor_name, actor_id) as name, cast(apps as varchar) || ' apps within {burst_minutes} minutes' || coalesce(', from ' || ip, '') as detail, ended as seen_at, evidence
from judged
where before is null or before < began - interval '{burst_minutes}' minute
