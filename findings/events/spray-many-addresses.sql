-- id: spray-many-addresses
-- title: Many names tried from many addresses
-- severity: high
-- why: A spray that is spread over addresses stays below what each of them would show.
-- do: Security > General > ThreatInsight: log and enforce; look for successes of the names in the same hours (success-after-spray).
-- false positives: A rush after a forced change of passwords: who is let in from there within the hour is not counted.
-- reference: Elastic: Potential Okta Password Spray (Multi-Source)
-- reference: MITRE ATT&CK T1110.003
-- parameter: least_spread_names = 8
-- parameter: least_spread_attempts = 25
with windows as (
  select began, count(distinct name) as names, count(distinct ip) as addresses, count(*) as attempts, max(published) as ended_at
  from (
    select r.*, floor(to_unixtime(r.published) / 300) - s.step as began
    from refused_passwords r cross join (values (0), (1), (2)) as s (step)
  ) w
  group by began
  having count(distinct ip) >= 5 and count(distinct name) >= {least_spread_names} and count(*) >= {least_spread_attempts} and count(*) <= 5 * count(distinct name)
    and count(distinct name) >= count(distinct ip)
), counted as (select w.*, lag(w.began) over (order by w.began) as before from windows w)
select 'spray' as id, cast(names as varchar) || ' names' as name, cast(attempts as varchar) || ' sign-ins of ' || cast(names as varchar) || ' names refused from ' || cast(addresses as varchar) || ' addresses within 15 minutes' as detail, ended_at as seen_at
from counted
where before is null or before < began - 12
