-- id: short-lived-admin
-- title: Created, made admin, removed within a day
-- severity: critical
-- why: An account that is an admin for a day and then gone was made for one deed, and leaves little to look at.
-- do: Look at everything that the account and its creator did.
-- false positives: A test of the set-up by an admin.
-- reference: MITRE ATT&CK T1136.003
-- reference: MITRE ATT&CK T1098.003
-- parameter: short_hours = 24
select g.target_id as id, max(g.target_name) as name, 'created ' || cast(min(c.published) as varchar) || ', made admin by ' || coalesce(max(g.actor_name), '?') || ', removed ' || cast(max(r.published) as varchar) as detail, max(r.published) as seen_at
from (select e.published, e.target_id from seldom_targets e
  where e.event_type = 'user.lifecycle.create' and e.result = 'SUCCESS') c
join privilege_events g on g.target_id = c.target_id and g.published >= c.published and g.result = 'SUCCESS' and (g.event_type like '%.grant' or g.event_type = 'iam.resourceset.bindings.add')
join (select e.published, e.target_id from seldom_targets e
  where e.event_type in ('user.lifecycle.deactivate', 'user.lifecycle.delete.initiated', 'user.lifecycle.delete.completed', 'user.account.privilege.revoke')
    and e.result = 'SUCCESS') r on r.target_id = c.target_id and r.published >= g.published and r.published <= c.published + interval '{short_hours}' hour
group by g.target_id
