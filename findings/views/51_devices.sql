-- Device tokens, each of one browser, with which a user was let in, and since when.
select e.actor_id as user_id, e.dt_hash, min(e.published) as first_at
from events e
where e.dt_hash is not null and e.dt_hash not in ('', '-', 'unknown') and e.actor_id is not null and e.result in ('SUCCESS', 'ALLOW')
  and e.event_type in ('user.session.start', 'user.authentication.sso', 'user.authentication.verify', 'policy.evaluate_sign_on')
group by e.actor_id, e.dt_hash
