-- id: mfa-bypass-tried
-- title: Somebody tried to get around the second factor
-- severity: high
-- why: Okta saw a request that skips the factor: no browser sends it by itself.
-- do: End the user's sessions, reset the password; look at the address.
-- false positives: None known.
-- reference: Elastic: Attempted Bypass of Okta MFA
-- reference: MITRE ATT&CK T1556.006
-- reference: MITRE ATT&CK T1111
select e.event_id as id, e.actor as name, e.event_type || coalesce(' ' || e.result, '') || e.place as detail, e.published as seen_at
from seldom_events e
where e.event_type in ('user.mfa.attempt_bypass')
