-- Which actors and targets of a recent event were admins at its time, and of what.
select q.event_id, q.party_id as user_id, array_join(array_sort(array_agg(distinct s.role_name)), ', ') as roles,
  max(case when s.role_type = 'SUPER_ADMIN' or lower(s.role_name) like '%super%' then 1 else 0 end) = 1 as is_super
from (
  select e.event_id, e.published, e.actor_id as party_id from recent_events e
  union
  select e.event_id, e.published, t.target_id from recent_events e join event_targets t on t.event_id = e.event_id
) q
join admin_spans s on s.holder_id = q.party_id
where (s.started_at is null or s.started_at <= q.published) and (s.ended_at is null or s.ended_at >= q.published)
group by q.event_id, q.party_id
