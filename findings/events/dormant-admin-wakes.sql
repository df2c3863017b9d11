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
select s.event_id as id, a.user_name as name,
  case when s.previous is null then 'no sign-in known before' else 'last one ' || cast(cast(s.previous as date) as varchar) end
    || coalesce('; from ' || s.ip, '') || coalesce(', ' || s.country, '') || '; holds ' || a.roles as detail, s.published as seen_at
from (select i.event_id, i.actor_id, i.ip, i.country, i.published, lag(i.published) over (partition by i.actor_id order by i.published) as previous from sign_ins i) s
join admins a on a.user_id = s.actor_id
join people p on p.user_id = s.actor_id
cross join log_window w
where s.published > (select now from clock) - interval '{event_days}' day
  and (s.previous < s.published - interval '{dormant_days}' day
    or (s.previous is null and p.created < s.published - interval '{dormant_days}' day
      and w.first_event_at < s.published - interval '{wake_log_days}' day))
