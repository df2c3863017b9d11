-- id: mfa-unanswered
-- title: Pushes that nobody answers, from one address
-- severity: medium
-- why: Somebody has passwords and waits for the second factor.
-- do: Block the address (Security > Networks), reset the passwords of the users that it tried.
-- false positives: An office behind one address whose push service was down.
-- reference: Okta customer-detections: suspicious_mfa_abandonment
-- reference: MITRE ATT&CK T1621
-- parameter: least_unanswered = 5
select p.ip as id, p.ip as name, cast(count(*) as varchar) || ' pushes to ' || cast(count(distinct p.actor_id) as varchar) || ' users, none approved' as detail, max(p.published) as seen_at
from recent_events p
where p.event_type = 'system.push.send_factor_verify_push' and p.ip is not null
  and not exists (select 1 from recent_events s where s.ip = p.ip and s.event_type = 'user.authentication.auth_via_mfa' and s.result = 'SUCCESS'
    and s.published between p.published and p.published + interval '10' minute)
group by p.ip
having count(*) >= {least_unanswered}
