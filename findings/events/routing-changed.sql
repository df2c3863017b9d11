-- id: routing-changed
-- title: Sign-in routing changed
-- severity: high
-- why: A routing rule sends people to another IdP: with an attacker's, their sign-ins are the attacker's.
-- do: Security > Identity Providers > Routing Rules: compare, restore; ask who did it.
-- false positives: Planned work on an IdP.
-- reference: Okta: Cross-Tenant Impersonation: Prevention and Detection (2023)
-- reference: MITRE ATT&CK T1484.002
select e.event_id as id, coalesce(e.object, '?') as name, e.event_type || ' by ' || e.actor || e.place as detail, e.published as seen_at
from seldom_events e
where e.event_type in ('policy.rule.add', 'policy.rule.update', 'policy.rule.activate', 'policy.rule.delete', 'policy.rule.deactivate', 'policy.lifecycle.update') and coalesce(e.result, 'SUCCESS') = 'SUCCESS'
  and exists (select 1 from seldom_targets t where t.event_id = e.event_id
    and t.event_type in ('policy.rule.add', 'policy.rule.update', 'policy.rule.activate', 'policy.rule.delete', 'policy.rule.deactivate', 'policy.lifecycle.update') and (concat(coalesce(t.target_detail, ''), coalesce(t.target_type, '')) like '%IDP_DISCOVERY%'
    or lower(concat(coalesce(t.target_detail, ''), ' ', coalesce(t.target_type, ''), ' ', coalesce(t.target_display_name, ''))) like '%idp discovery%' or lower(coalesce(t.target_display_name, '')) like '%idp routing%'))
