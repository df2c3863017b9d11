-- id: new-idp
-- title: IdP created or changed
-- severity: high
-- why: With an IdP of their own an attacker signs in as any user, past password and second factor.
-- do: Security > Identity Providers: ask who did it; if nobody, deactivate it and end the sessions of everybody who came through it.
-- false positives: Planned work on an IdP.
-- reference: Okta customer-detections: new_idp_created
-- reference: SigmaHQ okta: okta_identity_provider_created
-- reference: Okta: Cross-Tenant Impersonation: Prevention and Detection (2023)
-- reference: MITRE ATT&CK T1484.002
select e.event_id as id, coalesce(max(t.target_display_name), max(t.target_name), max(t.target_id), '?') as name,
  e.event_type || ' by ' || coalesce(e.actor_name, '?') || coalesce(' from ' || e.ip, '') as detail, e.published as seen_at
from recent_events e left join event_targets t on t.event_id = e.event_id
where e.event_type in ('system.idp.lifecycle.create', 'system.idp.lifecycle.update', 'system.idp.lifecycle.activate') and e.result = 'SUCCESS'
group by e.event_id, e.event_type, e.actor_name, e.ip, e.published
