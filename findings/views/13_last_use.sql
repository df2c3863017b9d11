-- When a user last used an app, or signed in where app_id is null, in the log that was read.
select app_id, user_id, sum(uses) as uses, min(first_used_at) as first_used_at, max(last_used_at) as last_used_at
from usage_lines
group by app_id, user_id
