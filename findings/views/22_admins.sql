-- Users who can sign in and hold an admin role, one row each.
select holder_id as user_id, max(holder_name) as user_name,
  array_join(array_sort(array_agg(distinct role_name || case when path = 'direct' then '' else ' by ' || path end)), ', ') as roles,
  max(case when role_type = 'SUPER_ADMIN' then 1 else 0 end) = 1 as is_super, min(granted_at) as granted_at
from effective_admins
where holder_type = 'User' and in_effect
group by holder_id
