-- id: challenges-unmet
-- title: Apps that asked for a factor and got none
-- severity: medium
-- why: A stolen session stops where an app asks for the factor that the thief has not.
-- do: End the sessions, ask the user; ask for the factor at every app that matters.
-- false positives: A person without their phone, at several apps.
-- reference: Okta customer-detections: multiple_failed_requests_to_access_okta_applications
-- reference: MITRE ATT&CK T1538
-- parameter: least_challenges = 3
with asked as (
  select e.session_id, e.actor_id, e.ip, e.target_id, max(e.actor_name) as actor_name, max(case when e.event_type = 'user.authentication.sso' then 1 else 0 end) as met,
    max(case when e.event_type = 'policy.evaluate_sign_on' then 1 else 0 end) as challenged, max(e.published) as published, max(e.event_id) as event_id
  from recent_targets e
  where e.target_type = 'AppInstance' and e.event_type in ('policy.evaluate_sign_on', 'user.authentication.sso') and (e.event_type = 'policy.evaluate_sign_on' and e.result = 'CHALLENGE' or e.event_type = 'user.authentication.sso' and e.result = 'SUCCESS')
    and e.session_id is not null and e.session_id not in ('unknown', '')
  group by e.session_id, e.actor_id, e.ip, e.target_id
)
select session_id as id, coalesce(max(actor_name), max(actor_id), '?') as name, cast(sum(challenged) as varchar) || ' apps asked for a factor, ' || cast(sum(met * challenged) as varchar) || ' got it' || coalesce(', from ' || ip, '') as detail, max(published) as seen_at, slice(array_agg(event_id), 1, 100) as evidence
from asked
where challenged = 1
group by session_id, actor_id, ip
having sum(challenged) >= {least_challenges} and sum(met * challenged) * 2 < sum(challenged)
