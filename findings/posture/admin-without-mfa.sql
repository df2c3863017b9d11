-- id: admin-without-mfa
-- title: Admins without a second factor
-- severity: critical
-- why: One stolen password is the whole org: the admin has no active factor.
-- do: Security > Authenticators > Enrollment: require a phishing-resistant authenticator for admins; have the admin enrol, or take the role away (Security > Administrators).
-- false positives: An admin who signs in through an IdP that asks for the second factor itself.
-- reference: Okta HealthInsight
-- reference: DISA Okta IDaaS STIG V1R2 V-273193
-- reference: MITRE ATT&CK T1078.004
select a.user_id as id, a.user_name as name, 'holds ' || a.roles || '; no active factor' as detail, a.granted_at as seen_at
from admins a join mfa m on m.user_id = a.user_id
where m.active_factors = 0 and m.hidden_methods = ''
