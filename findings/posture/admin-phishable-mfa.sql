-- id: admin-phishable-mfa
-- title: Admins with phishable factors only
-- severity: high
-- why: A proxy in the middle passes codes and pushes on; only WebAuthn and FastPass refuse the wrong site.
-- do: Have the admin enrol WebAuthn or FastPass, and require it in the Admin Console's policy (Security > Authentication Policies > App sign-in).
-- false positives: A smart card or an IdP that is phishing-resistant itself is not among Okta's factors.
-- reference: Okta HealthInsight
-- reference: DISA Okta IDaaS STIG V1R2 V-273191
-- reference: MITRE ATT&CK T1557
select a.user_id as id, a.user_name as name, 'holds ' || a.roles || '; only ' || m.factor_types as detail, a.granted_at as seen_at
from admins a join mfa m on m.user_id = a.user_id
where m.active_factors > 0 and m.resistant_factors = 0
