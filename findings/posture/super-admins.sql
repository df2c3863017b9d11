-- id: super-admins
-- title: Super admins through a group, as an app, or more than a handful
-- severity: medium
-- why: Each super admin can do everything, and make others super admins; through a group it is whoever manages the group.
-- do: Security > Administrators: keep two to four people, give others a narrower role; assign the role to people, not to groups or apps.
-- false positives: A break-glass account counts as one of the handful.
-- reference: Okta HealthInsight
-- reference: MITRE ATT&CK T1098.003
-- parameter: most_super_admins = 4
select s.holder_id as id, s.holder_name as name, lower(s.holder_type) || ', ' || s.path as detail, s.granted_at as seen_at
from effective_admins s
where s.role_type = 'SUPER_ADMIN' and s.in_effect
  and (s.group_id is not null or s.holder_type = 'App' or (
    select count(distinct t.holder_id) from effective_admins t where t.role_type = 'SUPER_ADMIN' and t.in_effect
  ) > {most_super_admins})
