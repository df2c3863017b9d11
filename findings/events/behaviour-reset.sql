-- id: behaviour-reset
-- title: What is usual for a user was forgotten
-- severity: medium
-- why: After a reset nothing is unusual any more, so that an attacker's device and place are not noticed.
-- do: Ask who did it and why; look at the user's next sign-ins.
-- false positives: A user who moved and was challenged at every sign-in.
-- reference: Okta: System Log event types
-- reference: MITRE ATT&CK T1556
select e.event_id as id, coalesce(e.object, e.actor) as name, e.event_type || ' by ' || e.actor || e.place as detail, e.published as seen_at
from seldom_events e
where e.event_type in ('user.behavior.profile.reset') and coalesce(e.result, 'SUCCESS') not in ('FAILURE', 'DENY')
