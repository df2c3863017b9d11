-- id: stuck-account
-- title: Accounts that are stuck
-- severity: low
-- why: Locked, expired and never activated accounts are waiting for somebody to claim them, often by a call to the help desk.
-- do: Directory > People: unlock or deactivate.
-- false positives: Hires whose first day is far away.
-- reference: MITRE ATT&CK T1078.004
-- parameter: stuck_days = 90
select p.user_id as id, p.user_name as name, p.status || ' since ' || cast(cast(coalesce(p.status_changed, p.created) as date) as varchar) as detail, coalesce(p.status_changed, p.created) as seen_at
from people p
where p.status in ('LOCKED_OUT', 'PASSWORD_EXPIRED', 'STAGED', 'PROVISIONED', 'RECOVERY')
  and coalesce(p.status_changed, p.created) < (select now from clock) - interval '{stuck_days}' day
