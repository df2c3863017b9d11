-- id: user-weak-mfa
-- title: Users with weak factors only
-- severity: low
-- why: Questions are guessed, SMS and calls are intercepted, an email is as safe as its own password.
-- do: Security > Authenticators: retire question, SMS, voice and email for sign-in.
-- false positives: None known.
-- reference: Okta HealthInsight
-- reference: MITRE ATT&CK T1111
select p.user_id as id, p.user_name as name, 'only ' || m.factor_types as detail, p.created as seen_at
from people p join mfa m on m.user_id = p.user_id
where p.can_sign_in and m.active_factors > 0 and m.strong_factors = 0
