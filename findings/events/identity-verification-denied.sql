-- id: identity-verification-denied
-- title: Somebody failed to prove who they are
-- severity: medium
-- why: Before a reset or an enrolment the user was to show an identity document, and could not.
-- do: Call the user on a known number; see whether a reset followed.
-- false positives: A blurred picture: from an address at which the user was let in before, it takes two.
-- reference: Okta customer-detections: hunt_failed_identity_verification
-- reference: MITRE ATT&CK T1656
-- reference: MITRE ATT&CK T1556.006
select e.event_id as id, e.actor as name, e.event_type || ' ' || coalesce(e.result, '') || coalesce(' (' || e.reason || ')', '') || e.place as detail, e.published as seen_at
from seldom_events e
where e.event_type = 'user.identity_verification' and e.result = 'DENY'
  and (not exists (select 1 from places p where p.user_id = e.actor_id and p.ip = e.ip and p.first_at < e.published - interval '1' hour)
    or exists (select 1 from seldom_events o where o.actor_id = e.actor_id and o.event_type = e.event_type and o.result = 'DENY' and o.published < e.published and o.published > e.published - interval '1' day))
