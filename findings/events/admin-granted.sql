-- id: admin-granted
-- title: Admin role granted
-- severity: medium
-- why: A new admin is what most attacks on an Okta org end in.
-- do: Security > Administrators: compare with a request; take it away if there is none.
-- false positives: Every rightful grant; Okta also tells of each member when a group gets a role.
-- reference: Okta customer-detections: new_super_admin_added_or_removed
-- reference: SigmaHQ okta: okta_admin_role_assigned_to_user_or_group
-- reference: SigmaHQ okta: okta_admin_role_assignment_created
-- reference: Panther: okta_admin_role_assigned
-- reference: Panther: okta_group_admin_role_assigned
-- reference: MITRE ATT&CK T1098.003
select g.event_id as id, g.target_name as name,
  coalesce(nullif(gained, ''), g.privileges, 'custom role') || ' by ' || coalesce(g.actor_name, '?') || coalesce(' from ' || g.ip, '')
    || case when g.result = 'SUCCESS' then '' else '; refused: ' || coalesce(g.result, '?') end as detail, g.published as seen_at
from (
  select p.event_id, p.event_type, p.target_name, p.privileges, p.actor_name, p.ip, p.result, p.published,
    array_join(array_sort(array_agg(distinct case when s.holder_id is null then w.role_type end)), ', ') as gained, count(w.word) as known
  from privilege_events p
  left join role_words w on lower(p.privileges) like '%' || w.word || '%'
  left join admin_spans s on s.holder_id = p.target_id and (s.started_at is null or s.started_at < p.published - interval '1' second)
    and (s.ended_at is null or s.ended_at >= p.published)
    and (s.role_type = w.role_type or s.role_type = 'GRANTED' and lower(s.role_name) like '%' || w.word || '%')
  where p.published > (select now from clock) - interval '{event_days}' day
    and (p.event_type like '%.grant' or p.event_type = 'iam.resourceset.bindings.add')
  group by p.event_id, p.event_type, p.target_id, p.target_name, p.privileges, p.actor_name, p.ip, p.result, p.published
) g
where g.gained <> '' or g.known = 0
