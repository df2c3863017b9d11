-- id: dormant-admin
-- title: Admins who do not sign in
-- severity: high
-- why: Nobody would miss the account, nor notice that somebody else uses it.
-- do: Security > Administrators: take the role away; Directory > People: suspend the account.
-- false positives: A break-glass account is meant to sleep: keep it in a vault and watch it (dormant-admin-wakes).
-- reference: Okta Identity Security Posture Management
-- reference: DISA Okta IDaaS STIG V1R2 V-273188
-- reference: MITRE ATT&CK T1078.004
-- parameter: dormant_days = 90
select a.user_id as id, a.user_name as name,
  'holds ' || a.roles || '; ' || coalesce('last sign-in ' || cast(cast(p.last_sign_in_at as date) as varchar), 'never signed in') as detail,
  p.last_sign_in_at as seen_at
from admins a join people p on p.user_id = a.user_id
where coalesce(p.last_sign_in_at, p.created) < (select now from clock) - interval '{dormant_days}' day
