-- Addresses at which a user was let in, from when to when.
select e.actor_id as user_id, lower(e.actor_name) as user_name, e.ip, e.as_number, min(e.published) as first_at, max(e.published) as last_at
from events e
where e.ip is not null and e.actor_id is not null and e.result in ('SUCCESS', 'ALLOW')
  and e.event_type in ('user.session.start', 'user.authentication.sso', 'user.authentication.auth_via_mfa', 'user.authentication.verify', 'policy.evaluate_sign_on')
group by e.actor_id, lower(e.actor_name), e.ip, e.as_number
