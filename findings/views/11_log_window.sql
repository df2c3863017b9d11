-- The time of which events are known.
select min(published) as first_event_at, max(published) as last_event_at from events
