-- Who held an admin role, and from when until when, also what is gone since: an attack is judged by what was so then.
-- `started_at` is null if nobody knows how long, `ended_at` if it still is. What is there at the first reading was so before.
select coalesce(m.user_id, a.principal_id) as holder_id, a.role_type, a.role_name,
  case when a.started_at is null or m.started_at is null and m.user_id is null then a.started_at
    when m.user_id is null or m.started_at is null or m.started_at < a.started_at then a.started_at else m.started_at end as started_at,
  case when a.ended_at is null or m.ended_at < a.ended_at then coalesce(m.ended_at, a.ended_at) else a.ended_at end as ended_at
from (
  select principal_id, principal_type, role_type, coalesce(role_label, role_type) as role_name, created as started_at, op, assignment_status,
    lead(changed_at) over (partition by id order by sequence) as ended_at
  from changes_role_assignments
) a
left join (
  select group_id, user_id, op,
    case when changed_at > (select min(committed_at) from commits) + interval '1' day then changed_at - interval '1' hour end as started_at,
    lead(changed_at) over (partition by id order by sequence) as ended_at
  from changes_group_memberships
) m on m.group_id = a.principal_id and a.principal_type = 'Group' and m.op = 'upsert'
  and (m.ended_at is null or a.started_at is null or m.ended_at > a.started_at) and (a.ended_at is null or m.started_at is null or m.started_at < a.ended_at)
where a.op = 'upsert' and coalesce(a.assignment_status, 'ACTIVE') = 'ACTIVE' and (a.principal_type <> 'Group' or m.user_id is not null)
union all
-- What was granted and taken away between two readings is in the log alone.
select p.target_id, 'GRANTED', coalesce(p.privileges, 'custom role'), p.published, p.changed_next_at
from privilege_events p
where p.result = 'SUCCESS' and (p.privileges is not null or p.event_type = 'iam.resourceset.bindings.add')
