-- id: mfa-switched-off
-- title: An authenticator was switched off for the org
-- severity: high
-- why: All its users fall back to what is left, a password at worst.
-- do: Security > Authenticators: switch it on again; ask who did it.
-- false positives: A planned farewell to SMS, say.
-- reference: Panther: okta_admin_disabled_mfa
-- reference: MITRE ATT&CK T1556.006
select e.event_id as id, coalesce(e.object, e.actor) as name, e.event_type || ' by ' || e.actor || e.place as detail, e.published as seen_at
from seldom_events e
where e.event_type in ('system.mfa.factor.deactivate') and coalesce(e.result, 'SUCCESS') not in ('FAILURE', 'DENY')
