-- id: password-hook
-- title: Something was put where passwords pass
-- severity: high
-- why: An inline hook is called with what users type when they are imported or sign in.
-- do: Workflow > Inline Hooks: ask who made it and where it leads; deactivate it.
-- false positives: A planned import of passwords.
-- reference: Okta: inline hooks
-- reference: MITRE ATT&CK T1556
select e.event_id as id, coalesce(e.object, e.actor) as name, e.event_type || ' by ' || e.actor || e.place as detail, e.published as seen_at
from seldom_events e
where e.event_type in ('inline_hook.created', 'inline_hook.updated', 'inline_hook.activated') and coalesce(e.result, 'SUCCESS') not in ('FAILURE', 'DENY')
