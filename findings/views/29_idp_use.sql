-- When a user last signed in through an IdP.
select e.actor_id as user_id, e.target_id as idp_id, max(e.published) as last_used_at
from event_targets e
where lower(e.event_type) in ('user.authentication.auth_via_idp', 'user.authentication.auth_via_social') and e.result = 'SUCCESS'
group by e.actor_id, e.target_id
