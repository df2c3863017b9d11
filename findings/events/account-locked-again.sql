-- id: account-locked-again
-- title: One account locked again and again
-- severity: medium
-- why: Somebody goes on trying this account each time that it is unlocked.
-- do: Ask the user; look at the addresses of its failures (name-many-addresses).
-- false positives: A device that keeps an old password.
-- reference: Elastic: Attempts to Brute Force an Okta User Account
-- reference: MITRE ATT&CK T1110.001
-- parameter: least_locks = 3
with locks as (
  select coalesce(t.target_id, e.actor_id) as user_id, coalesce(t.target_name, e.actor_name) as user_name, e.published, e.event_id,
    count(*) over (partition by coalesce(t.target_id, e.actor_id) order by e.published range between interval '3' hour preceding and current row) as times
  from seldom_events e left join seldom_targets t on t.event_id = e.event_id and t.event_type = 'user.account.lock' and lower(t.target_type) = 'user'
  where e.event_type = 'user.account.lock'
)
select event_id as id, coalesce(user_name, user_id, '?') as name, cast(times as varchar) || ' times locked within three hours' as detail, published as seen_at
from locks
where times = {least_locks}
