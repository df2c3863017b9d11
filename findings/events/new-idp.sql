-- id: new-idp
-- title: IdP, or its trust, created or changed
-- severity: high
-- why: With an IdP of their own, or their own certificate in one that is trusted, an attacker signs in as any user, past password and second factor.
-- do: Security > Identity Providers: ask who did it; if nobody, deactivate it and end the sessions of everybody who came through it.
-- false positives: Planned work on an IdP; a certificate that is replaced before it expires.
-- reference: Okta customer-detections: new_idp_created
-- reference: SigmaHQ okta: okta_identity_provider_created
-- reference: Panther: okta_idp_create_modify
-- reference: Okta: Cross-Tenant Impersonation: Prevention and Detection (2023)
-- reference: MITRE ATT&CK T1484.002
select e.event_id as id, coalesce(e.object, e.actor) as name, e.event_type || ' by ' || e.actor || e.place as detail, e.published as seen_at
from seldom_events e
where e.event_type in ('system.idp.lifecycle.create', 'system.idp.lifecycle.update', 'system.idp.lifecycle.activate', 'system.idp.lifecycle.deactivate', 'system.idp.lifecycle.delete', 'system.idp.key.create', 'system.idp.key.update', 'system.idp.key.delete', 'app.oauth2.trusted_server.add') and coalesce(e.result, 'SUCCESS') not in ('FAILURE', 'DENY')
