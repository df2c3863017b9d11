-- When a record that makes a step came to be what it is, and by which event: unlike its newest line, which may be of another change.
select id, max(changed_at) as born_at, max_by(cause, changed_at) as born_by
from (
  select id, op, changed_at, cause, lag(op) over (partition by id order by sequence) as before from changes_role_assignments
  union all
  select id, op, changed_at, cause, lag(op) over (partition by id order by sequence) as before from changes_group_memberships
  union all
  select id, op, changed_at, cause, lag(op) over (partition by id order by sequence) as before from changes_group_owners
  union all
  select id, op, changed_at, cause, lag(op) over (partition by id order by sequence) as before from changes_idp_users
  union all
  select id, op, changed_at, cause, lag(case when op = 'upsert' then op end) over (partition by id, status, expression, group_ids order by sequence) as before from changes_group_rules
  union all
  select id, op, changed_at, cause, lag(case when op = 'upsert' then op end) over (partition by id, status, account_link_action, account_link_filter order by sequence) as before from changes_idps
) lines
where op = 'upsert' and coalesce(before, 'delete') = 'delete'
group by id
