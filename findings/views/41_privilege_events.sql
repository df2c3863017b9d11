-- What each event says that somebody or something holds from then on: all of it for a user, a group and an app, in the log's words.
select e.event_id, e.event_type, e.published, e.actor_id, e.actor_name, e.ip, e.result, e.target_id, e.target_type,
  coalesce(e.target_display_name, e.target_name, e.target_id) as target_name, e.target_name as target_login,
  case when e.event_type like '%.grant' or e.event_type = 'iam.resourceset.bindings.add' then e.privileges end as privileges, e.privileges_revoked,
  lead(e.published) over (partition by e.target_id order by e.published, e.event_id) as changed_next_at
from event_targets e
where e.event_type in ('user.account.privilege.grant', 'user.account.privilege.revoke', 'user.privileged_account.privilege.grant',
    'user.privileged_account.privilege.revoke', 'group.privilege.grant', 'group.privilege.revoke',
    'app.oauth2.client.privilege.grant', 'app.oauth2.client.privilege.revoke', 'iam.resourceset.bindings.add')
  and lower(e.target_type) not in ('custom_role', 'resource_set', 'role', 'resourceset')
