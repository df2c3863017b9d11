-- When a user was last added to a group, as far as the log that was read tells. The event names the user and the group.
select g.target_id as group_id, u.target_id as user_id, max(e.published) as joined_at
from events e
join event_targets u on u.event_id = e.event_id and lower(u.target_type) = 'user' and u.event_type = 'group.user_membership.add'
join event_targets g on g.event_id = e.event_id and lower(g.target_type) = 'usergroup' and g.event_type = 'group.user_membership.add'
where e.event_type = 'group.user_membership.add' and e.result = 'SUCCESS'
group by g.target_id, u.target_id
