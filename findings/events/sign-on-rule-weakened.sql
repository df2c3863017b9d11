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
select e.event_id as id, coalesce(t.target_display_name, t.target_id, '?') as name,
  e.event_type || ' by ' || e.actor || e.place as detail, e.published as seen_at
from told_events e
join event_targets t on t.event_id = e.event_id
where e.event_type in ('policy.rule.update', 'policy.lifecycle.update') and coalesce(e.result, 'SUCCESS') = 'SUCCESS'
  and ((t.changed_from like '%2FA%' and t.changed_to like '%1FA%')
    or (lower(t.changed_from) like '%requirefactor%true%' and lower(t.changed_to) like '%requirefactor%false%')
    or (lower(t.changed_from) like '%possession%' and lower(coalesce(t.changed_to, '')) not like '%possession%')
    or (lower(t.changed_from) like '%phishingresistant%required%' and lower(coalesce(t.changed_to, '')) not like '%phishingresistant%required%'))
