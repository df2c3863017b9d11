-- id: app-weakened-policy
-- title: Apps behind a sign-on policy that was weakened
-- severity: medium
-- why: The rule that was weakened for one app opens all that share its policy.
-- do: Security > Authentication Policies: restore the rule, or give these apps a policy of their own.
-- false positives: A rule that was replaced by a stricter one since: sign-on-rule-weakened names the event.
-- reference: Okta customer-detections: authentication_policy_mfa_downgrade
-- reference: MITRE ATT&CK T1556.009
select a.app_id as id, a.app_label as name, 'policy ' || a.access_policy_id || ', weakened ' || cast(cast(max(e.published) as date) as varchar) || ' by ' || max(coalesce(e.actor_name, '?')) as detail, max(e.published) as seen_at
from current_applications a
join seldom_targets p on p.target_id = a.access_policy_id and p.event_type in ('policy.rule.update', 'policy.lifecycle.update')
join seldom_events e on e.event_id = p.event_id and e.event_type in ('policy.rule.update', 'policy.lifecycle.update') and coalesce(e.result, 'SUCCESS') = 'SUCCESS'
join seldom_targets t on t.event_id = e.event_id and t.event_type in ('policy.rule.update', 'policy.lifecycle.update') and (t.changed_from like '%2FA%' and t.changed_to like '%1FA%' or lower(t.changed_from) like '%requirefactor%true%' and lower(t.changed_to) like '%requirefactor%false%')
where a.status = 'ACTIVE'
group by a.app_id, a.app_label, a.access_policy_id
