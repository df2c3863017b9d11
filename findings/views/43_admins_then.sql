-- Which actors and targets of a recent event were admins at its time, and of what.
select q.event_id, q.event_type, q.party_id as user_id, array_join(array_sort(array_agg(distinct s.role_name)), ', ') as roles,
  max(case when s.role_type = 'SUPER_ADMIN' or lower(s.role_name) like '%super%' then 1 else 0 end) = 1 as is_super
from (
  select e.event_id, e.event_type, e.published, e.actor_id as party_id from recent_events e
  union all
  select t.event_id, t.event_type, t.published, t.target_id from recent_targets t
) q
join admin_spans s on s.holder_id = q.party_id
where (s.started_at is null or s.started_at <= q.published) and (s.ended_at is null or s.ended_at >= q.published)
group by q.event_id, q.event_type, q.party_id
