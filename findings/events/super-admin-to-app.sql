-- id: super-admin-to-app
-- title: Super admin granted to an app
-- severity: critical
-- why: A client secret now does everything, without a second factor and without a person to ask.
-- do: Security > Administrators: revoke; Applications: deactivate the app and rotate its secrets; look at what it did since.
-- false positives: None known: no integration needs Super Administrator for reading.
-- reference: Okta customer-detections: new_super_admin_added_or_removed
-- reference: MITRE ATT&CK T1098.003
select g.event_id as id, g.target_name as name, coalesce(g.privileges, '?') || ' by ' || coalesce(g.actor_name, '?') || coalesce(' from ' || g.ip, '') as detail, g.published as seen_at
from privilege_events g
where g.published > (select now from clock) - interval '{event_days}' day and g.result = 'SUCCESS' and lower(coalesce(g.privileges, '')) like '%super%'
  and (g.event_type = 'app.oauth2.client.privilege.grant' or lower(g.target_type) in ('appinstance', 'publicclientapp', 'client'))
