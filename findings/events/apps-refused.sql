-- id: apps-refused
-- title: One user refused at app after app
-- severity: medium
-- why: Somebody looks what the account opens.
-- do: Ask the user; end the sessions.
-- false positives: A person whose access was just taken away.
-- reference: Panther: okta_app_unauthorized_access_attempt
-- reference: SigmaHQ okta: okta_unauthorized_access_to_app
-- reference: Okta customer-detections: hunt_authentication_policy_denies
-- reference: Elastic: Unauthorized Access to an Okta Application
-- reference: MITRE ATT&CK T1078.004
-- reference: MITRE ATT&CK T1538
-- parameter: least_refused = 5
with refusals as (
  select e.event_id, e.actor_id, e.actor_name, e.published, e.ip, coalesce(max(t.target_id), e.event_id) as app_id
  from recent_events e left join recent_targets t on t.event_id = e.event_id and t.target_type = 'AppInstance'
    and t.event_type in ('app.generic.unauth_app_access_attempt', 'application.policy.sign_on.deny_access', 'policy.evaluate_sign_on')
  where e.event_type = 'app.generic.unauth_app_access_attempt' or e.event_type = 'application.policy.sign_on.deny_access' or e.event_type = 'policy.evaluate_sign_on' and e.result = 'DENY'
  group by e.event_id, e.actor_id, e.actor_name, e.published, e.ip
), windows as (
  select r.actor_id, r.published as began, max(v.published) as ended, count(distinct v.app_id) as apps, count(distinct v.event_id) as times, max(v.actor_name) as actor_name, max(v.ip) as ip, slice(array_agg(distinct v.event_id), 1, 100) as evidence
  from refusals r join refusals v on v.actor_id = r.actor_id and v.published between r.published and r.published + interval '1' hour
  group by r.actor_id, r.published
  having count(distinct v.event_id) >= {least_refused}
), counted as (select w.*, lag(w.began) over (partition by w.actor_id order by w.began) as before from windows w)
select actor_id as id, coalesce(actor_name, actor_id) as name, cast(times as varchar) || ' refusals by ' || cast(apps as varchar) || ' apps within an hour' || coalesce(', from ' || ip, '') as detail, ended as seen_at, evidence
from counted
where before is null or before < began - interval '1' hour
