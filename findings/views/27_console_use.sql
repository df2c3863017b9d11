-- When a user last opened the Admin Console.
select actor_id as user_id, max(published) as last_used_at
from events
where result = 'SUCCESS' and event_type = 'user.session.access_admin_app'
group by actor_id
