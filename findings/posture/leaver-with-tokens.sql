-- id: leaver-with-tokens
-- title: Leavers whose tokens or consents live on
-- severity: high
-- why: A refresh token opens the app without Okta being asked for a password again.
-- do: Directory > People > user > Applications: revoke tokens and consents; end the sessions.
-- false positives: A user who was deactivated within the hour.
-- reference: Okta Identity Security Posture Management
-- reference: MITRE ATT&CK T1528
-- reference: MITRE ATT&CK T1550.001
select p.user_id || ':' || t.app_id as id, p.user_name as name, 'deprovisioned; ' || cast(count(distinct t.token_id) as varchar) || ' living tokens of ' || coalesce(max(a.app_label), t.app_id) as detail, p.status_changed as seen_at
from people p join current_application_tokens t on t.user_id = p.user_id and coalesce(t.status, 'ACTIVE') = 'ACTIVE' and coalesce(t.expires_at, (select now from clock)) >= (select now from clock)
left join current_applications a on a.app_id = t.app_id
where p.status = 'DEPROVISIONED'
group by p.user_id, p.user_name, t.app_id, p.status_changed
union all
select p.user_id || ':' || g.client_id, p.user_name, 'deprovisioned; consents of ' || g.client_id || ': ' || array_join(array_sort(array_agg(distinct g.scope)), ', '), p.status_changed
from people p join current_user_grants g on g.user_id = p.user_id and coalesce(g.status, 'ACTIVE') = 'ACTIVE'
where p.status = 'DEPROVISIONED'
group by p.user_id, p.user_name, g.client_id, p.status_changed
