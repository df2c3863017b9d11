-- id: admin-through-idp
-- title: Admin signed in through a new IdP
-- severity: critical
-- why: The IdP appeared days ago and already speaks for an admin: cross-tenant impersonation.
-- do: Deactivate the IdP, end the admin's sessions, look at everything since.
-- false positives: A planned migration to a new IdP.
-- reference: Okta: Cross-Tenant Impersonation: Prevention and Detection (2023)
-- reference: MITRE ATT&CK T1484.002
-- parameter: new_idp_days = 30
select e.event_id as id, max(e.actor) as name, 'through ' || max(coalesce(i.idp_name, i.idp_id)) || ', created ' || max(cast(cast(i.created as date) as varchar)) || max(e.place) || '; held ' || max(a.roles) as detail, max(e.published) as seen_at
from told_events e
join recent_targets t on t.event_id = e.event_id and lower(t.event_type) in ('user.authentication.auth_via_idp', 'user.authentication.auth_via_social', 'user.authentication.auth_via_inbound_saml', 'user.session.start')
join known_idps i on i.idp_id = t.target_id
join admins_then a on a.event_id = e.event_id and lower(a.event_type) in ('user.authentication.auth_via_idp', 'user.authentication.auth_via_social', 'user.authentication.auth_via_inbound_saml', 'user.session.start')
where lower(e.event_type) in ('user.authentication.auth_via_idp', 'user.authentication.auth_via_social', 'user.authentication.auth_via_inbound_saml', 'user.session.start') and e.result = 'SUCCESS'
  and e.published < i.created + interval '{new_idp_days}' day
group by e.event_id
