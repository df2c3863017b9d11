-- id: shared-admin
-- title: Service accounts and shared names as admins
-- severity: medium
-- why: Several people know the credentials, and the log cannot tell them apart.
-- do: Give each person an account of their own and the role to it; let programs use a service app.
-- false positives: A person may have a name that looks like it.
-- reference: MITRE ATT&CK T1078.004
select a.user_id as id, a.user_name as name, 'holds ' || a.roles as detail, a.granted_at as seen_at
from admins a
where regexp_like(lower(a.user_name), '^(svc|service|shared|admin|administrator|root|helpdesk|test|noreply|bot)([-_.+0-9]|@|$)')
