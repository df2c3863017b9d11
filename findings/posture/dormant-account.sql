-- id: dormant-account
-- title: Active accounts without a sign-in
-- severity: low
-- why: Forgotten accounts keep their access and are the first to be tried with leaked passwords.
-- do: Directory > People: suspend or deactivate; Workflow > Automations does it every day. DISA asks for 35 days: dormant_days=35.
-- false positives: People on long leave; accounts that only apps with their own password use.
-- reference: DISA Okta IDaaS STIG V1R2 V-273188
-- reference: MITRE ATT&CK T1078.004
-- parameter: dormant_days = 90
select p.user_id as id, p.user_name as name, 'last sign-in ' || cast(cast(p.last_sign_in_at as date) as varchar) as detail, p.last_sign_in_at as seen_at
from people p
where p.status = 'ACTIVE' and p.last_sign_in_at < (select now from clock) - interval '{dormant_days}' day
