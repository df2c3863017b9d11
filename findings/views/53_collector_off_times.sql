-- Tokens that the collector's client took when no run of ours begins: far from the second at which its schedule begins all others of these days, while
-- the schedule goes on around it. Explained are retries within four minutes, or after a run that was killed when its 15 minutes were over, a token that
-- ends within a run, and a run that somebody began by hand, which commits beside the schedule. Weeks whose runs follow no schedule are not judged.
with grants as (
  select u.event_id, u.client, u.published, to_unixtime(u.published) as at, 2 * pi() * to_unixtime(u.published) / ({schedule_minutes} * 60) as angle
  from collector_use u
  where u.event_type like 'app.oauth2.%token%'
), usual as (
  select g.event_id, g.client, g.published, g.at,
    count(*) over (partition by g.client order by g.published range between interval '7' day preceding and interval '7' day following) as grants,
    avg(cos(g.angle)) over (partition by g.client order by g.published range between interval '7' day preceding and interval '7' day following) as x,
    avg(sin(g.angle)) over (partition by g.client order by g.published range between interval '7' day preceding and interval '7' day following) as y
  from grants g
), counted as (
  select u.*, (u.at - atan2(u.y, u.x) * {schedule_minutes} * 60 / (2 * pi())) / ({schedule_minutes} * 60) as turns from usual u
), roughly as (
  select c.*, (c.turns - floor(c.turns + 0.5)) * {schedule_minutes} * 60 as about from counted c
), placed as (
  -- Retries draw the mean away from the second that is sought.
  select r.*, r.about - avg(case when r.about between -120 and 120 then r.about end)
    over (partition by r.client order by r.published range between interval '7' day preceding and interval '7' day following) as late
  from roughly r
), ordered as (
  select p.*,
    count(case when p.late between -20 and 20 then 1 end) over (partition by p.client order by p.published range between interval '26' hour preceding and current row) as before,
    count(case when p.late between -20 and 20 then 1 end) over (partition by p.client order by p.published range between current row and interval '26' hour following) as after,
    max(case when p.late between -45 and 90 then p.at end) over (partition by p.client order by p.at, p.event_id rows between unbounded preceding and 1 preceding) as begun_at
  from placed p
), lone as (
  select o.* from ordered o
  where {schedule_minutes} > 3 and o.grants >= 20 and o.x * o.x + o.y * o.y >= 0.25 and o.late not between -45 and 90 and o.before >= 3 and o.after >= 3
    and o.at - o.begun_at > 240 and o.at - o.begun_at not between 940 and 1000
    and o.at - o.begun_at not between 3420 and 3660
)
select a.event_id
from (
  select l.event_id, to_unixtime(c.committed_at) - l.at as taken, l.late + to_unixtime(c.committed_at) - l.at as late
  from lone l
  left join commits c on c.committed_at >= l.published and c.committed_at <= l.published + interval '16' minute
) a
group by a.event_id
having count(case when a.taken <= 30 or a.late - floor(a.late / ({schedule_minutes} * 60)) * {schedule_minutes} * 60 between 60 and {schedule_minutes} * 60 - 10 then 1 end) = 0
