-- id: app-with-admin-role
-- title: Service apps with an admin role
-- severity: medium
-- why: A program's secret is an admin's password without a second factor.
-- do: Security > Administrators: take the role away or narrow it to a resource set; Applications: prefer private_key_jwt, restrict it to a network zone.
-- false positives: The collector of this data is among them, where it uses a service app: Read-only Administrator suffices for it.
-- reference: SpecterOps OktaHound: Okta_HasRole, Okta_SecretOf
-- reference: MITRE ATT&CK T1528
select a.holder_id as id, a.holder_name as name,
  a.role_name || ' on ' || a.reaches
    || case when max(e.published) is null then '; no token in the log' else '; last token ' || cast(cast(max(e.published) as date) as varchar) end
    || case when max(case when e.granted_scopes like '%okta.logs.read%' and e.granted_scopes like '%okta.idps.read%' then 1 end) = 1
      then '; asks for this collector''s scopes: probably the collector itself' else '' end as detail,
  max(a.granted_at) as seen_at
from effective_admins a
left join events e on e.actor_id = a.holder_id and e.event_type = 'app.oauth2.token.grant.access_token' and e.result = 'SUCCESS'
where a.holder_type = 'App' and a.in_effect
group by a.holder_id, a.holder_name, a.role_name, a.reaches
