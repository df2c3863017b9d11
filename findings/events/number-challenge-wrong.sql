-- id: number-challenge-wrong
-- title: A push was answered with the wrong number
-- severity: medium
-- why: Who guesses the number did not start the sign-in.
-- do: Ask the user; reset the password if it was not them.
-- false positives: A slip of the finger: from an address at which the user was let in before, it takes two.
-- reference: Okta customer-detections: hunt_failed_number_challenge
-- reference: MITRE ATT&CK T1621
select e.event_id as id, e.actor as name, 'wrong number' || e.place as detail, e.published as seen_at
from told_events e
where e.number_response = 'OV_WITH_CHALLENGE_RESPONSE_INVALID'
  and (not exists (select 1 from places p where p.user_id = e.actor_id and p.ip = e.ip and p.first_at < e.published - interval '1' hour)
    or exists (select 1 from recent_events o where o.actor_id = e.actor_id and o.number_response = 'OV_WITH_CHALLENGE_RESPONSE_INVALID'
      and o.published < e.published and o.published > e.published - interval '1' hour))
