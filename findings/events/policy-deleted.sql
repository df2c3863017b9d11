-- id: policy-deleted
-- title: Policy or rule deleted or switched off
-- severity: medium
-- why: The rule that asked for more than a password may be the one that is gone.
-- do: Security > Authentication Policies, and Security > Global Session Policy: compare, restore; ask who did it.
-- false positives: Tidying up after a migration.
-- reference: SigmaHQ okta: okta_policy_modified_or_deleted
-- reference: SigmaHQ okta: okta_policy_rule_modified_or_deleted
-- reference: MITRE ATT&CK T1556.009
select e.event_id as id, coalesce(max(t.target_display_name), max(t.target_name), max(t.target_id), '?') as name,
  e.event_type || ' by ' || coalesce(e.actor_name, '?') || coalesce(' from ' || e.ip, '') as detail, e.published as seen_at
from recent_events e left join event_targets t on t.event_id = e.event_id
where e.event_type in ('policy.lifecycle.delete', 'policy.lifecycle.deactivate', 'policy.rule.delete', 'policy.rule.deactivate') and e.result = 'SUCCESS'
group by e.event_id, e.event_type, e.actor_name, e.ip, e.published
