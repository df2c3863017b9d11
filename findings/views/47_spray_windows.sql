-- Every address with its refused names in windows of an hour that begin every five minutes: no clock hour cuts a spray in two.
select ip, began, count(distinct name) as names, count(*) as attempts, max(country) as country, max(published) as ended_at, min(published) as first_at
from (
  select r.*, (floor(to_unixtime(r.published) / 300) - s.step) as began
  from refused_passwords r cross join (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11)) as s (step)
) w
group by ip, began
