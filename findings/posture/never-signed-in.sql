-- id: never-signed-in
-- title: Active accounts that never signed in
-- severity: low
-- why: The first password may still be the one that was sent by mail.
-- do: Directory > People: deactivate, or have the account activated anew.
-- false positives: Accounts that were made ahead of a first day; accounts of an org whose log is young and whose directory does not tell lastLogin.
-- reference: DISA Okta IDaaS STIG V1R2 V-273188
-- reference: MITRE ATT&CK T1078.004
-- parameter: grace_days = 30
select p.user_id as id, p.user_name as name, 'created ' || cast(cast(p.created as date) as varchar) as detail, p.created as seen_at
from people p
where p.status = 'ACTIVE' and p.last_sign_in_at is null
  and p.created < (select now from clock) - interval '{grace_days}' day
