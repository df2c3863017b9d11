-- id: password-spray
-- title: Many names tried from one address
-- severity: high
-- why: A few passwords, tried with every name: one of them fits somewhere.
-- do: Security > Networks: add the address to a blocked zone; Security > General > ThreatInsight: log and enforce; look for a success from the address (success-after-spray).
-- false positives: A portal or a proxy through which everybody signs in. Who mistypes a password and is let in from there is not counted.
-- reference: Okta customer-detections: threat_insight_password_spray
-- reference: Elastic: Potential Okta Password Spray (Single Source)
-- reference: Elastic: Potential Okta Credential Stuffing (Single Source)
-- reference: Panther: Standard.BruteForceByIP
-- reference: MITRE ATT&CK T1110.003
-- parameter: least_names = 10
-- parameter: least_attempts = 20
with reached as (
  select w.*, lag(w.began) over (partition by w.ip order by w.began) as before
  from spray_windows w
  where w.names >= {least_names} or w.names >= {least_names} / 2 and w.attempts >= 3 * w.names or w.names = 1 and w.attempts >= {least_attempts}
)
select r.ip as id, r.ip as name, cast(max(n.names) as varchar) || ' names refused ' || cast(max(n.attempts) as varchar) || ' times within an hour' || coalesce(', ' || max(r.country), '') as detail, max(n.ended_at) as seen_at
from reached r
join reached n on n.ip = r.ip and n.began >= r.began and n.began < r.began + 24
where r.before is null or r.before < r.began - 12
group by r.ip, r.began
