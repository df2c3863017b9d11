-- id: anonymiser-enrolment
-- title: Enrolled through an anonymiser
-- severity: high
-- why: What is enrolled now opens the account from anywhere, and nobody knows from where.
-- do: Ask the user on a known channel; remove what was enrolled, end the sessions.
-- false positives: A private relay on a new phone.
-- reference: Okta Threat Intelligence: vishing kits (2026)
-- reference: MITRE ATT&CK T1098.005
-- reference: MITRE ATT&CK T1556.006
-- reference: MITRE ATT&CK T1090.003
select n.event_id as id, n.actor as name, n.event_type || n.place as detail, n.published as seen_at
from enrolments n
where n.is_proxy
