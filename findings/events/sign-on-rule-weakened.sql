-- id: sign-on-rule-weakened
-- title: Sign-on rule asks for fewer factors
-- severity: high
-- why: A rule from two factors to one opens every app behind it to a password.
-- do: Security > Authentication Policies > App sign-in: restore the rule; ask who changed it.
-- false positives: A rule that was split into several.
-- reference: Okta customer-detections: authentication_policy_mfa_downgrade
-- reference: SigmaHQ okta: okta_policy_rule_modified_or_deleted
-- reference: MITRE ATT&CK T1556.006
-- reference: MITRE ATT&CK T1556.009
select e.event_id as id, coalesce(e.target_display_name, e.target_id, '?') as name,
  e.event_type || ' by ' || e.actor || e.place as detail, e.published as seen_at
from seldom_targets e
where e.event_type in ('policy.rule.update', 'policy.lifecycle.update') and coalesce(e.result, 'SUCCESS') = 'SUCCESS'
  and ((e.changed_from like '%2FA%' and e.changed_to like '%1FA%')
    or (lower(e.changed_from) like '%requirefactor%true%' and lower(e.changed_to) like '%requirefactor%false%')
    or (lower(e.changed_from) like '%possession%' and lower(coalesce(e.changed_to, '')) not like '%possession%')
    or (lower(e.changed_from) like '%phishingresistant%required%' and lower(coalesce(e.changed_to, '')) not like '%phishingresistant%required%'))
