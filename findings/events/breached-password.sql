-- id: breached-password
-- title: A password is in a breach
-- severity: high
-- why: The password of this user is for sale; whoever has it needs the second factor alone.
-- do: Reset the password, end the sessions, look at sign-ins since the breach.
-- false positives: A breach of long ago, whose password was changed since.
-- reference: Okta: Breached Credentials Protection
-- reference: MITRE ATT&CK T1589.001
-- reference: MITRE ATT&CK T1078.004
select e.event_id as id, coalesce(e.object, e.actor) as name, e.event_type || coalesce(' ' || e.reason, '') || e.place as detail, e.published as seen_at
from seldom_events e
where e.event_type in ('security.breached_credential.detected')
