-- id: admin-console-weak
-- title: Admin Console by a new device, or a weak factor
-- severity: high
-- why: A stolen session or a phished code shows first as a device and an address that the admin never had.
-- do: Ask the admin; end the sessions (Directory > People > the admin > More Actions > Clear User Sessions).
-- false positives: A new laptop at a new place, on the first day.
-- reference: Okta customer-detections: admin_console_login_weak_mfa
-- reference: Okta customer-detections: request_to_access_admin_console_from_new_device_or_ip
-- reference: SigmaHQ okta: okta_new_behaviours_admin_console
-- reference: MITRE ATT&CK T1078.004
select e.event_id as id, coalesce(e.actor_name, e.actor_id, '?') as name,
  case when e.second_method in ('sms', 'voice', 'call', 'email', 'security_question') or e.first_method in ('sms', 'voice', 'call', 'email', 'security_question')
    then 'weak factor ' || coalesce(e.second_method, e.first_method) else 'new device and new address' end
    || coalesce(' from ' || e.ip, '') || coalesce(', ' || e.country, '') as detail, e.published as seen_at
from recent_events e
where e.result = 'SUCCESS'
  and (e.event_type = 'user.session.access_admin_app' or (e.event_type = 'user.authentication.sso'
    and exists (select 1 from event_targets t where t.event_id = e.event_id and t.target_display_name = 'Okta Admin Console')))
  and ((regexp_like(coalesce(e.behaviors, e.log_only_security_data, ''), 'New Device"?[=:] ?"?POSITIVE')
      and regexp_like(coalesce(e.behaviors, e.log_only_security_data, ''), 'New IP"?[=:] ?"?POSITIVE'))
    or e.second_method in ('sms', 'voice', 'call', 'email', 'security_question')
    or e.first_method in ('sms', 'voice', 'call', 'email', 'security_question'))
