-- id: leftover-access
-- title: Deprovisioned users with access left
-- severity: medium
-- why: An account that is made active again has everything back, and apps without provisioning never heard of the end.
-- do: Directory > People: remove assignments and memberships; check the apps that have no deprovisioning.
-- false positives: A user who was deactivated within the hour: Okta removes assignments in the background.
-- reference: Okta Identity Security Posture Management
-- reference: MITRE ATT&CK T1078.004
select p.user_id as id, p.user_name as name, 'deprovisioned; still assigned to ' || cast(count(distinct x.app_id) as varchar) || ' apps' as detail, p.status_changed as seen_at
from people p join current_application_users x on x.user_id = p.user_id
where p.status = 'DEPROVISIONED'
group by p.user_id, p.user_name, p.status_changed
union all
select p.user_id, p.user_name, 'deprovisioned; still in ' || cast(count(distinct m.group_id) as varchar) || ' groups', p.status_changed
from people p join current_group_memberships m on m.user_id = p.user_id
join current_groups g on g.group_id = m.group_id and coalesce(g.group_type, '') <> 'BUILT_IN'
where p.status = 'DEPROVISIONED'
group by p.user_id, p.user_name, p.status_changed
