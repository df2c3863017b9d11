-- id: support-reset
-- title: Okta's staff reset a user
-- severity: high
-- why: A reset by Okta itself, without a browser and a place, was asked for by somebody who called Okta.
-- do: Ask Okta Support for the case; call the user on a known number.
-- false positives: A locked-out org that asked for it.
-- reference: Panther: okta_support_reset
-- reference: MITRE ATT&CK T1199
-- reference: MITRE ATT&CK T1556.006
select e.event_id as id, coalesce(e.object, '?') as name, e.event_type || ' by ' || e.actor as detail, e.published as seen_at
from seldom_events e
where e.event_type in ('user.account.reset_password', 'user.mfa.factor.update', 'user.mfa.factor.reset_all', 'system.mfa.factor.deactivate', 'user.mfa.attempt_bypass')
  and e.actor_name = 'system@okta.com' and coalesce(e.transaction_id, 'unknown') = 'unknown' and e.user_agent is null and e.country is null
