-- Users with the newest sign-in that the directory or the log tells of. Who is deprovisioned, suspended or not yet
-- activated cannot sign in.
select u.user_id, coalesce(u.login, u.email, u.user_id) as user_name, u.status, u.user_type, u.created, u.status_changed,
  u.status not in ('DEPROVISIONED', 'SUSPENDED', 'STAGED', 'PROVISIONED') as can_sign_in,
  case when l.last_used_at is not null and (u.last_login is null or l.last_used_at > u.last_login) then l.last_used_at
    else u.last_login end as last_sign_in_at
from current_users u
left join last_use l on l.user_id = u.user_id and l.app_id is null
