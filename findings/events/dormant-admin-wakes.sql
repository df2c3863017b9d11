-- id: dormant-admin-wakes
-- title: A dormant admin signed in
-- severity: high
-- why: An account that nobody watches is the one that an attacker likes to use.
-- do: Ask the admin on a known channel; end the sessions.
-- false positives: Back from long leave; a drill of the break-glass account. Where no earlier sign-in is known, the log must reach back wake_log_days.
-- reference: DISA Okta IDaaS STIG V1R2 V-273188
-- reference: MITRE ATT&CK T1078.004
-- parameter: dormant_days = 90
-- parameter: wake_log_days = 21
select s.event_id as id, coalesce(s.actor_name, s.actor_id) as name,
  case when s.previous is null then 'no sign-in known before' else 'last one ' || cast(cast(s.previous as date) as varchar) end
    || coalesce('; from ' || s.ip, '') || coalesce(', ' || s.country, '') || '; held ' || s.roles as detail, s.published as seen_at
from (
  select i.event_id, i.actor_id, i.actor_name, i.ip, i.country, i.published, a.roles, min(u.created) as created,
    nullif(greatest(coalesce(max(case when u.last_login < i.published - interval '1' minute then u.last_login end), timestamp '1970-01-01 00:00:00'),
      coalesce(m.logged, timestamp '1970-01-01 00:00:00')), timestamp '1970-01-01 00:00:00') as previous
  from sign_ins i
  join admins_then a on a.event_id = i.event_id and a.user_id = i.actor_id and a.event_type = 'user.session.start'
  join (
    select o.actor_id, o.published, lag(o.published) over (partition by o.actor_id order by o.published) as logged from sign_ins o group by o.actor_id, o.published
  ) m on m.actor_id = i.actor_id and m.published = i.published
  left join user_history u on u.user_id = i.actor_id
  where i.published > (select now from clock) - interval '{event_days}' day
  group by i.event_id, i.actor_id, i.actor_name, i.ip, i.country, i.published, a.roles, m.logged
) s
cross join log_window w
where s.previous < s.published - interval '{dormant_days}' day
  or (s.previous is null and s.created < s.published - interval '{dormant_days}' day
    and w.first_event_at < s.published - interval '{wake_log_days}' day)
