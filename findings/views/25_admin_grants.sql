-- Events that gave somebody or something an admin role, with what they gave.
select e.event_id, e.event_type, e.published, e.actor_id, e.actor_name, e.ip, t.target_id, t.target_type,
  coalesce(t.target_display_name, t.target_name, t.target_id) as target_name, e.privileges
from recent_events e
join event_targets t on t.event_id = e.event_id
where e.result = 'SUCCESS'
  and e.event_type in ('user.account.privilege.grant', 'group.privilege.grant', 'app.oauth2.client.privilege.grant',
    'iam.resourceset.bindings.add')
  and lower(t.target_type) not in ('custom_role', 'resource_set', 'role', 'resourceset')
