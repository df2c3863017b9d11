-- id: push-elsewhere
-- title: A push was started elsewhere than it was answered
-- severity: high
-- why: The sign-in came from a new device at a new address, the refusal from the user's own phone.
-- do: Ask the user; reset the password, end the sessions.
-- false positives: A colleague who signs in for somebody by telephone.
-- reference: Okta customer-detections: mismatch_between_source_and_response_okta_verify_push
-- reference: MITRE ATT&CK T1621
select s.session_id as id, coalesce(max(s.actor_name), '?') as name, cast(sum(s.pushed) as varchar) || ' pushes, ' || cast(sum(s.denied) as varchar) || ' denied, ' || cast(sum(s.approved) as varchar) || ' approved, from '
    || cast(count(distinct s.ip) as varchar) || ' addresses' as detail, max(s.published) as seen_at, slice(array_agg(s.event_id), 1, 100) as evidence
from (
  select e.session_id, e.event_id, e.actor_name, e.ip, e.published,
    case when e.event_type = 'system.push.send_factor_verify_push' then 1 else 0 end as pushed,
    case when e.event_type = 'user.authentication.auth_via_mfa' and e.result = 'FAILURE' then 1 else 0 end as denied,
    case when e.event_type = 'user.authentication.auth_via_mfa' and e.result = 'SUCCESS' then 1 else 0 end as approved,
    case when e.event_type = 'system.push.send_factor_verify_push' and e.behaviors like '%New Device=POSITIVE%' and e.behaviors like '%New IP=POSITIVE%' then 1 else 0 end as strange
  from recent_events e
  where (e.event_type = 'system.push.send_factor_verify_push' or e.event_type = 'user.authentication.auth_via_mfa' and upper(coalesce(e.factor, '')) like '%PUSH%')
    and e.session_id is not null and e.session_id not in ('unknown', '')
) s
group by s.session_id
having count(distinct s.ip) > 1 and sum(s.strange) > 0 and (sum(s.denied) > 0 or sum(s.pushed) > 2 and sum(s.approved) * 2 < sum(s.pushed))
