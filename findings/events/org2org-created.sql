-- id: org2org-created
-- title: Connection to another Okta org created
-- severity: high
-- why: Users, groups and passwords can flow into an org that an attacker owns.
-- do: Applications: ask who made it and which org it names; deactivate.
-- false positives: A planned hub and spoke.
-- reference: PassBleed (Authomize)
-- reference: Panther: okta_org2org_creation_modification
-- reference: SpecterOps OktaHound: Okta_OutboundOrgSSO, Okta_UserPush, Okta_GroupPush
-- reference: MITRE ATT&CK T1199
select e.event_id as id, coalesce(t.target_display_name, t.target_id, '?') as name, 'by ' || coalesce(e.actor_name, '?') || coalesce(' from ' || e.ip, '') as detail, e.published as seen_at
from recent_events e
join event_targets t on t.event_id = e.event_id and t.target_type = 'AppInstance'
left join current_applications a on a.app_id = t.target_id
where e.event_type = 'application.lifecycle.create' and e.result = 'SUCCESS'
  and (a.app_name = 'okta_org2org' or lower(coalesce(t.target_display_name, '')) like '%org2org%')
