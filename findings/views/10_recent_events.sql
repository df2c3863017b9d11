-- Events of the time that findings look at.
select e.* from events e where e.published > (select now from clock) - interval '{event_days}' day
