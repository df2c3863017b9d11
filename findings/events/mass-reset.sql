-- id: mass-reset
-- title: One admin reset many users
-- severity: high
-- why: Resets by the dozen are a script, or an attacker who prepares many ways in.
-- do: Stop the admin's sessions, ask; reset what was enrolled since.
-- false positives: A forced change after a breach elsewhere: one's own response looks the same.
-- reference: Okta customer-detections: hunt_on_factor_resets
-- reference: Elastic: Rapid Reset Password Requests for Different Users
-- reference: MITRE ATT&CK T1098
-- reference: MITRE ATT&CK T1556.006
-- parameter: least_reset = 10
with resets as (
  select e.actor_id, e.target_id, floor(to_unixtime(e.published) / 60) as minute, max(e.actor_name) as actor_name, min(e.published) as published, min(e.event_id) as event_id
  from seldom_targets e
  where e.target_type = 'User' and e.event_type in ('user.mfa.factor.reset_all', 'user.mfa.factor.deactivate', 'user.account.reset_password', 'user.account.expire_password')
    and e.result = 'SUCCESS' and e.actor_id <> e.target_id
  group by e.actor_id, e.target_id, floor(to_unixtime(e.published) / 60)
), windows as (
  select r.actor_id, r.published as began, max(v.published) as ended, count(distinct v.target_id) as users, max(v.actor_name) as actor_name, slice(array_agg(distinct v.event_id), 1, 100) as evidence
  from resets r join resets v on v.actor_id = r.actor_id and v.published between r.published and r.published + interval '1' hour
  group by r.actor_id, r.published
  having count(distinct v.target_id) >= {least_reset}
), counted as (select w.*, lag(w.began) over (partition by w.actor_id order by w.began) as before from windows w)
select actor_id as id, coalesce(actor_name, actor_id) as name, cast(users as varchar) || ' users reset within an hour' as detail, ended as seen_at, evidence
from counted
where before is null or before < began - interval '1' hour
