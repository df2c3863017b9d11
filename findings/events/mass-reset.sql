-- id: mass-reset
-- title: One admin reset many users
-- severity: high
-- why: Resets by the dozen are a script, or an attacker who prepares many ways in.
-- do: Stop the admin's sessions, ask; reset what was enrolled since.
-- false positives: A forced change after a breach elsewhere: one's own response looks the same.
-- reference: Okta customer-detections: hunt_on_factor_resets
-- reference: MITRE ATT&CK T1098
-- reference: MITRE ATT&CK T1556.006
-- parameter: least_reset = 10
select w.actor_id as id, coalesce(max(w.actor_name), w.actor_id) as name, cast(count(distinct w.target_id) as varchar) || ' users reset within an hour' as detail, max(w.published) as seen_at
from (
  select e.actor_id, e.actor_name, e.published, t.target_id, floor(to_unixtime(e.published) / 3600) as span
  from recent_events e join event_targets t on t.event_id = e.event_id and t.target_type = 'User'
  where e.event_type in ('user.mfa.factor.reset_all', 'user.mfa.factor.deactivate', 'user.account.reset_password', 'user.account.expire_password')
    and e.result = 'SUCCESS' and e.actor_id <> t.target_id
) w
group by w.actor_id, w.span
having count(distinct w.target_id) >= {least_reset}
