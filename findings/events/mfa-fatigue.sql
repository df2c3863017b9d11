-- id: mfa-fatigue
-- title: Pushes denied, then one approved
-- severity: critical
-- why: Somebody has the password and sent pushes until the user gave in.
-- do: End the sessions, reset the password, ask the user; switch on number challenge (Security > Authenticators > Okta Verify), or FastPass or WebAuthn instead of push.
-- false positives: A user who pressed the wrong button and tried again.
-- reference: Okta customer-detections: hunt_rejected_MFA_pushes
-- reference: Elastic: Potentially Successful Okta MFA Bombing via Push Notifications
-- reference: MITRE ATT&CK T1621
-- parameter: fatigue_minutes = 10
-- parameter: least_denied = 3
with denials as (
  select e.event_id, e.actor_id, e.published,
    count(*) over (partition by e.actor_id, e.event_type order by e.published range between interval '{fatigue_minutes}' minute preceding and current row) as denied
  from recent_events e
  where (e.event_type = 'user.mfa.okta_verify.deny_push' or e.event_type = 'user.authentication.auth_via_mfa' and (e.push_response = 'OV_RESPONSE_DENY'
    or coalesce(e.result, '') in ('FAILURE', 'DENY') and upper(coalesce(e.factor, '')) like '%PUSH%'))
)
select event_id as id, actor as name, cast(denied as varchar) || ' denied, then approved' || place as detail, published as seen_at
from (
select s.event_id, s.actor, s.place, s.published, max(d.denied) as denied, row_number() over (partition by s.actor_id, min(d.published) order by s.published, s.event_id) as number
from denials d
join told_events s on s.actor_id = d.actor_id and s.result = 'SUCCESS' and s.published > d.published and s.published <= d.published + interval '{fatigue_minutes}' minute
  and (s.event_type = 'user.authentication.auth_via_mfa' and upper(coalesce(s.factor, 'PUSH')) like '%PUSH%'
    or s.event_type in ('user.session.start', 'user.authentication.verify') and s.session_id is not null and s.session_id <> 'unknown')
where d.denied >= {least_denied}
group by s.event_id, s.actor, s.actor_id, s.place, s.published
) approvals
where number = 1
