-- id: outside-range
-- title: A token was used from outside its network
-- severity: high
-- why: A good token at an address where it may not be used has been stolen.
-- do: Revoke it; see who made it, and what it did before.
-- false positives: An integration that has moved: its owner knows.
-- reference: MITRE ATT&CK T1528
-- reference: MITRE ATT&CK T1550.001
select event_id as id, coalesce(object, actor) as name, event_type || ' by ' || actor || place as detail, published as seen_at
from (
  select e.*, row_number() over (partition by coalesce(e.object, e.actor), e.ip, cast(e.published as date) order by e.published, e.event_id) as of_the_day
  from seldom_events e
  where e.event_type like '%.request_outside_allowed_range'
) first
where of_the_day = 1
