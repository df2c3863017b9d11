-- id: admin-removed
-- title: A super or organization admin was removed
-- severity: medium
-- why: Attackers take the role from those who could throw them out.
-- do: Security > Administrators: ask who did it; who is left? Keep a break-glass account outside.
-- false positives: A leaver, or an admin who changed jobs.
-- reference: Okta customer-detections: new_super_admin_added_or_removed
-- reference: MITRE ATT&CK T1531
select p.event_id as id, p.target_name as name, w.role_type || ' taken by ' || coalesce(p.actor_name, '?') || coalesce(' from ' || p.ip, '') as detail, p.published as seen_at
from privilege_events p
join role_words w on w.role_type in ('SUPER_ADMIN', 'ORG_ADMIN')
left join admin_spans s on s.holder_id = p.target_id and (s.started_at is null or s.started_at < p.published - interval '1' second)
  and (s.ended_at is null or s.ended_at >= p.published)
  and (s.role_type = w.role_type or s.role_type = 'GRANTED' and lower(s.role_name) like '%' || w.word || '%')
where p.published > (select now from clock) - interval '{event_days}' day and p.result = 'SUCCESS'
  and (lower(coalesce(p.privileges_revoked, '')) like '%' || w.word || '%'
    or s.holder_id is not null and p.event_type in ('user.account.privilege.grant', 'user.account.privilege.revoke', 'group.privilege.grant', 'group.privilege.revoke')
      and lower(coalesce(p.privileges, '')) not like '%' || w.word || '%')
group by p.event_id, p.target_name, w.role_type, p.actor_name, p.ip, p.published
