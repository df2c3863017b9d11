-- Uses of an app, or sign-ins where app_id is null: usage lines add up.
select app_id, user_id, used_on, sum(uses) as uses, min(first_used_at) as first_used_at, max(last_used_at) as last_used_at
from usage_lines
group by app_id, user_id, used_on
