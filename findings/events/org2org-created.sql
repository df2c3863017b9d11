-- id: org2org-created
-- title: Connection to another Okta org created or changed
-- severity: high
-- why: Users, groups and passwords can flow into an org that an attacker owns.
-- do: Applications: ask who made it and which org it names; deactivate.
-- false positives: A planned hub and spoke.
-- reference: PassBleed (Authomize)
-- reference: Panther: okta_org2org_creation_modification
-- reference: SpecterOps OktaHound: Okta_OutboundOrgSSO, Okta_UserPush, Okta_GroupPush
-- reference: MITRE ATT&CK T1199
select e.event_id as id, coalesce(e.object, '?') as name, e.event_type || ' by ' || e.actor || e.place as detail, e.published as seen_at
from seldom_events e
where e.event_type in ('application.lifecycle.create', 'application.lifecycle.update', 'application.lifecycle.activate') and coalesce(e.result, 'SUCCESS') not in ('FAILURE', 'DENY')
  and exists (select 1 from seldom_targets t left join app_history a on a.app_id = t.target_id
    where t.event_id = e.event_id and t.event_type in ('application.lifecycle.create', 'application.lifecycle.update', 'application.lifecycle.activate') and (a.app_name = 'okta_org2org' or lower(concat(coalesce(t.target_display_name, ''), coalesce(t.target_name, ''))) like '%org2org%'))
