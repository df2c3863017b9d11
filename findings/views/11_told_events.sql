-- Recent events with the words that a case says of them: who, what, and from which address.
select e.*, coalesce(e.actor_name, e.actor_id, '?') as actor,
  coalesce(greatest_of(e.event_targets, target_display_name), greatest_of(e.event_targets, target_name), greatest_of(e.event_targets, target_id)) as object,
  coalesce(' from ' || e.ip, '') || coalesce(', ' || e.country, '') || case when e.is_proxy then ', a proxy' else '' end as place
from recent_events e
