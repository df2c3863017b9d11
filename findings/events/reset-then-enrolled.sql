-- id: reset-then-enrolled
-- title: Reset, then enrolled from a new address, then used
-- severity: critical
-- why: The vishing of 2025 and 2026: the help desk resets a user, the caller enrols a device of their own and opens the user's apps.
-- do: Call the user on a known number; remove what was enrolled, end the sessions, reset the password; look at what the apps gave out.
-- false positives: A user who gets a new phone on a journey, and goes on with it from there.
-- reference: Okta Threat Intelligence: vishing kits (2026)
-- reference: Okta: Cross-Tenant Impersonation: Prevention and Detection (2023)
-- reference: Elastic: Stolen Credentials Used to Login to Okta Account After MFA Reset
-- reference: MITRE ATT&CK T1566.004
-- reference: MITRE ATT&CK T1556.006
-- reference: MITRE ATT&CK T1098.005
-- parameter: chain_hours = 24
select n.event_id as id, n.actor as name, r.event_type || ' by ' || r.actor || ', then ' || n.event_type || ' after ' || cast(cast(floor((to_unixtime(n.published) - to_unixtime(r.published)) / 60) as bigint) as varchar) || ' minutes' || n.place as detail,
  n.published as seen_at, array[r.event_id, n.event_id] as evidence
from (
  select e.event_id, e.event_type, e.actor, e.published, e.target_id as user_id,
    lead(e.published) over (partition by e.target_id order by e.published, e.event_id) as next_at
  from seldom_targets e
  where lower(e.target_type) = 'user' and e.event_type in ('user.account.reset_password', 'user.account.update_password', 'user.account.expire_password', 'user.account.unlock_by_admin', 'user.mfa.factor.reset_all', 'user.mfa.factor.deactivate')
    and coalesce(e.result, 'SUCCESS') = 'SUCCESS' and coalesce(e.actor_id, '') <> e.target_id
) r
join enrolments n on n.user_id = r.user_id and n.published > r.published and n.published <= r.published + interval '{chain_hours}' hour and (r.next_at is null or n.published <= r.next_at)
where (n.is_proxy or not exists (select 1 from places p where p.user_id = n.user_id and p.first_at < r.published and (p.ip = n.ip or p.as_number = n.as_number)))
  and exists (select 1 from recent_events u where u.actor_id = n.user_id and u.ip = n.ip and u.published > r.published and u.published <= n.published + interval '{chain_hours}' hour
    and u.result in ('SUCCESS', 'ALLOW') and u.event_type in ('user.authentication.sso', 'user.session.start', 'user.session.access_admin_app'))
