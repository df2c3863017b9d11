-- id: policy-deleted
-- title: Policy or rule deleted or switched off
-- severity: medium
-- why: The rule that asked for more than a password may be the one that is gone.
-- do: Security > Authentication Policies, and Security > Global Session Policy: compare, restore; ask who did it.
-- false positives: Tidying up after a migration.
-- reference: SigmaHQ okta: okta_policy_modified_or_deleted
-- reference: SigmaHQ okta: okta_policy_rule_modified_or_deleted
-- reference: SigmaHQ okta: okta_application_sign_on_policy_modified_or_deleted
-- reference: MITRE ATT&CK T1556.009
select e.event_id as id, coalesce(e.object, e.actor) as name, e.event_type || ' by ' || e.actor || e.place as detail, e.published as seen_at
from seldom_events e
where e.event_type in ('policy.lifecycle.delete', 'policy.lifecycle.deactivate', 'policy.rule.delete', 'policy.rule.deactivate', 'application.policy.sign_on.rule.delete', 'application.policy.sign_on.update', 'app.policy.sign_on.update') and coalesce(e.result, 'SUCCESS') not in ('FAILURE', 'DENY')
