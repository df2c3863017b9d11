-- id: push-bombing
-- title: Many pushes denied, none approved
-- severity: high
-- why: Somebody has the password of a user who did not give in, yet.
-- do: Reset the password, end the sessions; number challenge, or FastPass or WebAuthn instead of push.
-- false positives: None known: nobody denies five of their own pushes.
-- reference: Okta customer-detections: hunt_rejected_MFA_pushes
-- reference: Elastic: Potential Okta MFA Bombing via Push Notifications
-- reference: MITRE ATT&CK T1621
-- parameter: fatigue_minutes = 10
-- parameter: least_bombed = 5
with denials as (
  select e.event_id, e.event_type, e.actor_id, e.actor, e.place, e.published,
    count(*) over (partition by e.actor_id, e.event_type order by e.published range between interval '{fatigue_minutes}' minute preceding and current row) as denied
  from told_events e
  where (e.event_type = 'user.mfa.okta_verify.deny_push' or e.event_type = 'user.authentication.auth_via_mfa' and (e.push_response = 'OV_RESPONSE_DENY'
    or coalesce(e.result, '') in ('FAILURE', 'DENY') and upper(coalesce(e.factor, '')) like '%PUSH%'))
), reached as (
  select d.*, lag(d.published) over (partition by d.actor_id order by d.published) as before from denials d where d.denied >= {least_bombed}
)
select r.event_id as id, r.actor as name, cast(r.denied as varchar) || ' pushes denied within {fatigue_minutes} minutes' || r.place as detail, r.published as seen_at
from reached r
where r.before is null or r.before < r.published - interval '1' hour
