-- id: mfa-hidden
-- title: Users whose second factor is hidden
-- severity: info
-- why: Okta shows factors for the network zone of whoever asks: the log has seen these people pass one that their list does not show, so nobody can say who lacks one.
-- do: Security > Networks: put the collector's outgoing addresses into a zone that the enrollment policy trusts; then read the factors again.
-- false positives: A factor that was removed without an event.
-- reference: Okta: List all enrolled factors
-- reference: MITRE ATT&CK T1556.006
select p.user_id as id, p.user_name as name, 'no active factor is shown; passed ' || m.hidden_methods as detail, m.hidden_seen_at as seen_at
from people p join mfa m on m.user_id = p.user_id
where p.can_sign_in and m.active_factors = 0 and m.hidden_methods <> ''
