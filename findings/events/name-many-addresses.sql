-- id: name-many-addresses
-- title: One name tried from many addresses
-- severity: medium
-- why: Somebody wants this account, and hides behind many addresses.
-- do: Have the user change the password and enrol FastPass or WebAuthn; look for a success among the addresses.
-- false positives: A phone with an old password that moves about: it comes from few networks.
-- reference: Elastic: Potential Okta Brute Force (Multi-Source)
-- reference: Elastic: Potential Okta Brute Force (Device Token Rotation)
-- reference: Panther: Standard.BruteForceByUser
-- reference: MITRE ATT&CK T1110.001
-- parameter: least_addresses = 5
-- parameter: least_attempts = 20
with windows as (
  select name, began, count(distinct ip) as addresses, count(*) as attempts, max(published) as ended_at, slice(array_agg(distinct event_id), 1, 100) as evidence
  from (
    select r.*, floor(to_unixtime(r.published) / 300) - s.step as began
    from refused_passwords r cross join (values (0), (1), (2), (3), (4), (5)) as s (step)
  ) w
  where name not in ('unknown', '?')
  group by name, began
  having count(distinct ip) >= {least_addresses} and count(*) >= 2 * {least_addresses} or count(*) >= {least_attempts}
), counted as (select w.*, lag(w.began) over (partition by w.name order by w.began) as before from windows w)
select name as id, name, cast(attempts as varchar) || ' sign-ins refused from ' || cast(addresses as varchar) || ' addresses within 30 minutes' as detail, ended_at as seen_at, evidence
from counted
where before is null or before < began - 12
