-- Factors and devices that a user enrolled.
select e.event_id, e.event_type, e.published, e.actor_id, e.actor, e.ip, e.as_number, e.is_proxy, e.place, e.object,
  coalesce((select max(t.target_id) from seldom_targets t where t.event_id = e.event_id and t.event_type in ('user.mfa.factor.activate', 'device.user.add', 'device.enrollment.create') and lower(t.target_type) = 'user'), e.actor_id) as user_id
from seldom_events e
where e.event_type in ('user.mfa.factor.activate', 'device.user.add', 'device.enrollment.create') and coalesce(e.result, 'SUCCESS') = 'SUCCESS'
