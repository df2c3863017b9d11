-- id: protected-action
-- title: A protected action was tried, or its protection taken away
-- severity: high
-- why: Okta asks again before the actions that attackers want; who switches that off wants no questions.
-- do: Ask the actor on a known number; Security > General > Protected actions: restore.
-- false positives: An admin who resets a super admin's password by agreement.
-- reference: Okta customer-detections: protected_action_super_admin_password_reset
-- reference: Okta customer-detections: protected_action_settings_update
-- reference: MITRE ATT&CK T1098
-- reference: MITRE ATT&CK T1556
select e.event_id as id, coalesce(e.object, '?') as name, e.event_type || coalesce(' ' || e.result, '') || ' by ' || e.actor || e.place as detail, e.published as seen_at
from seldom_events e
where e.event_type in ('security.protected_action.settings.update', 'security.protected_action.attempt') and (e.event_type = 'security.protected_action.settings.update' or coalesce(e.result, '') in ('FAILURE', 'DENY')
  or exists (select 1 from seldom_targets t where t.event_id = e.event_id and t.event_type = 'security.protected_action.attempt' and lower(coalesce(t.target_display_name, '')) like '%super admin%'))
