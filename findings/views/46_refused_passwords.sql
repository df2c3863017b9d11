-- Sign-ins that failed for their password, by a name and an address that never belonged together, not even an hour later.
select e.event_id, e.published, e.ip, e.country, e.as_number, e.actor_id, lower(coalesce(e.actor_name, e.actor_id, '?')) as name
from recent_events e
left join places p on p.user_name = lower(e.actor_name) and p.ip = e.ip and p.first_at <= e.published + interval '1' hour
where e.ip is not null and e.result = 'FAILURE' and p.ip is null and lower(coalesce(e.reason, '')) not like '%phishing%'
  and (e.event_type in ('user.session.start', 'user.authentication.auth', 'user.authentication.verify', 'user.authentication.auth_via_richclient',
      'user.authentication.auth_via_AD_agent', 'user.authentication.auth_via_LDAP_agent', 'user.authentication.auth_via_radius')
    or e.event_type = 'user.authentication.auth_via_mfa' and upper(coalesce(e.factor, '')) like 'PASSWORD%')
