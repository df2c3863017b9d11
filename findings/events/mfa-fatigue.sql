-- id: mfa-fatigue
-- title: Pushes denied, then one approved
-- severity: critical
-- why: Somebody has the password and sent pushes until the user gave in.
-- do: End the sessions, reset the password, ask the user; switch on number challenge (Security > Authenticators > Okta Verify), or FastPass or WebAuthn instead of push.
-- false positives: A user who pressed the wrong button and tried again.
-- reference: Okta customer-detections: hunt_rejected_MFA_pushes
-- reference: MITRE ATT&CK T1621
-- parameter: fatigue_minutes = 10
-- parameter: least_denied = 3
with denials as (
  select e.event_id, e.actor_id, e.actor_name, e.published, e.event_type,
    count(*) over (partition by e.actor_id, e.event_type order by e.published range between interval '{fatigue_minutes}' minute preceding and current row) as denied
  from recent_events e
  where e.event_type = 'user.mfa.okta_verify.deny_push'
    or (e.event_type = 'user.authentication.auth_via_mfa' and e.result = 'FAILURE' and upper(coalesce(e.factor, '')) like '%PUSH%')
)
select s.event_id as id, coalesce(s.actor_name, s.actor_id, '?') as name,
  cast(max(d.denied) as varchar) || ' denied, then approved' || coalesce(' from ' || s.ip, '') || coalesce(', ' || s.country, '') as detail, s.published as seen_at
from denials d
join recent_events s on s.actor_id = d.actor_id and s.event_type = 'user.authentication.auth_via_mfa' and s.result = 'SUCCESS'
  and s.published > d.published and s.published <= d.published + interval '{fatigue_minutes}' minute
where d.denied >= {least_denied}
group by s.event_id, s.actor_name, s.actor_id, s.ip, s.country, s.published
