-- id: user-without-mfa
-- title: Users without a second factor
-- severity: medium
-- why: A password alone is guessed, phished or bought.
-- do: Security > Authenticators > Enrollment: make one required.
-- false positives: Users who sign in through an IdP that asks for the second factor itself.
-- reference: Okta HealthInsight
-- reference: MITRE ATT&CK T1110
select p.user_id as id, p.user_name as name, 'status ' || p.status as detail, p.created as seen_at
from people p join mfa m on m.user_id = p.user_id
where p.can_sign_in and m.active_factors = 0 and m.hidden_methods = ''
