-- id: password-push-switched-on
-- title: Password push switched on
-- severity: high
-- why: From now on the app gets each password in clear text: the way of PassBleed.
-- do: Applications > app > Provisioning: switch it off; rotate the passwords of users who signed in since.
-- false positives: A planned set-up of a directory that needs it.
-- reference: PassBleed (Authomize)
-- reference: Panther: okta_password_extraction_via_scim
-- reference: MITRE ATT&CK T1556
select e.event_id as id, coalesce(e.object, '?') as name, e.event_type || ' by ' || e.actor || e.place as detail, e.published as seen_at
from told_events e
where coalesce(e.result, 'SUCCESS') = 'SUCCESS' and e.event_type like 'application.%'
  and (lower(coalesce(e.reason, '')) like '%pushing user passwords%' or exists (
    select 1 from recent_targets t where t.event_id = e.event_id and t.event_type like 'application.%'
      and (t.changed_to like '%PUSH_PASSWORD%' or t.target_detail like '%PUSH_PASSWORD%') and coalesce(t.changed_from, '') not like '%PUSH_PASSWORD%'))
