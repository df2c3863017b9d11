-- id: idp-first-use
-- title: First sign-in through an IdP
-- severity: medium
-- why: A new IdP in use is a new way in, whoever made it.
-- do: Security > Identity Providers: who made it, whom does it let in?
-- false positives: A planned IdP on its first day.
-- reference: Elastic: First Occurrence of Okta User Sign-in via Third-Party IdP
-- reference: Panther: okta_idp_signin
-- reference: MITRE ATT&CK T1199
-- parameter: new_idp_days = 30
select u.event_id as id, u.actor as name, 'through ' || coalesce(i.idp_name, u.issuer, '?') || u.place as detail, u.published as seen_at
from (
  select e.event_id, e.actor, e.place, e.published, coalesce(t.target_id, e.issuer_id) as issuer,
    row_number() over (partition by coalesce(t.target_id, e.issuer_id) order by e.published, e.event_id) as number
  from told_events e
  left join recent_targets t on t.event_id = e.event_id and t.target_id like '0oa%' and lower(t.event_type) in ('user.authentication.auth_via_idp', 'user.authentication.auth_via_inbound_saml', 'user.authentication.auth_via_social')
  where lower(e.event_type) in ('user.authentication.auth_via_idp', 'user.authentication.auth_via_inbound_saml', 'user.authentication.auth_via_social')
    and coalesce(t.target_id, e.issuer_id, 'Okta') <> 'Okta'
) u
left join known_idps i on i.idp_id = u.issuer
cross join log_window w
where u.number = 1 and (i.created is null or i.created > u.published - interval '{new_idp_days}' day or w.first_event_at < u.published - interval '{new_idp_days}' day)
