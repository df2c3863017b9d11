-- id: passwords-revealed
-- title: Passwords of apps were revealed
-- severity: high
-- why: Okta keeps passwords of apps, and shows them: those of others, or one after the other, are being taken.
-- do: End the sessions; change the passwords in the apps; Applications > app > Sign On: no password reveal.
-- false positives: An admin who looks one up for a colleague.
-- reference: Okta customer-detections: hunt_app_password_reveal
-- reference: Panther: okta_password_accessed
-- reference: Panther: okta_swa_bulk_access_behavioral
-- reference: MITRE ATT&CK T1555
-- parameter: least_revealed = 5
with shown as (
  select e.event_id, e.actor_id, e.actor, e.place, e.published, e.is_proxy,
    max(case when t.target_type = 'AppInstance' then coalesce(t.target_id, t.target_name) end) as app_id, max(case when t.target_type = 'AppInstance' then coalesce(t.target_display_name, t.target_name) end) as app_name,
    max(case when t.target_type = 'User' then 1 else 0 end) as names_user,
    max(case when t.target_type = 'User' and coalesce(t.target_name, t.target_id) in (e.actor_name, e.actor_id) then 1 else 0 end) as is_own
  from seldom_events e left join seldom_targets t on t.event_id = e.event_id and t.event_type = 'application.user_membership.show_password'
  where e.event_type = 'application.user_membership.show_password' and coalesce(e.result, 'SUCCESS') = 'SUCCESS'
  group by e.event_id, e.actor_id, e.actor, e.place, e.published, e.is_proxy
)
select s.event_id as id, s.actor as name, case when s.names_user = 1 and s.is_own = 0 then 'password of somebody else for ' else 'own password for ' end || coalesce(s.app_name, '?') || s.place as detail, s.published as seen_at
from shown s
where s.names_user = 1 and s.is_own = 0 or s.is_proxy
union all
select w.event_id, w.actor, cast(w.apps as varchar) || ' passwords within an hour' || w.place, w.published
from (
  select s.event_id, s.actor, s.place, s.published, (select count(distinct o.app_id) from shown o where o.actor_id = s.actor_id and o.published <= s.published and o.published > s.published - interval '1' hour) as apps from shown s
) w
where w.apps = {least_revealed}
