-- Recent events with the words that a case says of them: who, what, and from which address.
select e.*, coalesce(e.actor_name, e.actor_id, '?') as actor,
  (select coalesce(max(t.target_display_name), max(t.target_name), max(t.target_id)) from event_targets t where t.event_id = e.event_id) as object,
  coalesce(' from ' || e.ip, '') || coalesce(', ' || e.country, '') || case when e.is_proxy then ', a proxy' else '' end as place
from recent_events e
