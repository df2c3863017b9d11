-- id: many-locked
-- title: Many accounts locked in minutes
-- severity: high
-- why: A spray that knows no patience, or somebody who locks people out on purpose.
-- do: Look for the addresses (password-spray); Security > General > ThreatInsight: log and enforce.
-- false positives: A directory that was switched off, so that all its passwords fail.
-- reference: Panther: okta_user_account_locked
-- reference: SigmaHQ okta: okta_user_account_locked_out
-- reference: Elastic: Attempts to Brute Force an Okta User Account
-- reference: MITRE ATT&CK T1110
-- reference: MITRE ATT&CK T1531
-- parameter: lock_minutes = 15
-- parameter: least_locked = 10
with locks as (
  select coalesce(t.target_id, e.actor_id) as user_id, e.published, e.event_id
  from seldom_events e left join seldom_targets t on t.event_id = e.event_id and t.event_type in ('user.account.lock', 'user.account.lock.limit') and lower(t.target_type) = 'user'
  where e.event_type in ('user.account.lock', 'user.account.lock.limit')
), windows as (
  select l.published as began, max(m.published) as ended, count(distinct m.user_id) as users, slice(array_agg(distinct m.event_id), 1, 100) as evidence
  from locks l join locks m on m.published between l.published and l.published + interval '{lock_minutes}' minute
  group by l.published
  having count(distinct m.user_id) >= {least_locked}
), counted as (select w.*, lag(w.began) over (order by w.began) as before from windows w)
select 'locked' as id, cast(users as varchar) || ' accounts' as name, cast(users as varchar) || ' accounts locked within {lock_minutes} minutes' as detail, ended as seen_at, evidence
from counted
where before is null or before < began - interval '1' hour
