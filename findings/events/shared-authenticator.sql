-- id: shared-authenticator
-- title: One device or phone of several users
-- severity: high
-- why: An attacker who took several accounts enrols one device for all of them.
-- do: Ask the users; remove the device, reset their factors and passwords.
-- false positives: Shared service accounts; a family's phone; a device that got a new owner months later is left out.
-- reference: Okta customer-detections: device_registered_to_multiple_users
-- reference: Okta customer-detections: phone_number_registered_to_multiple_users
-- reference: MITRE ATT&CK T1556.006
-- reference: MITRE ATT&CK T1098.005
-- parameter: least_sharing = 2
-- parameter: sharing_days = 30
select d.device_id as id, max(d.device_name) as name, cast(count(distinct d.user_id) as varchar) || ' users: ' || array_join(slice(array_sort(array_agg(distinct d.user_name)), 1, 5), ', ') as detail, max(d.published) as seen_at, slice(array_agg(distinct d.event_id), 1, 100) as evidence
from (
  select e.event_id, e.published, e.actor_id as user_id, coalesce(e.actor_name, e.actor_id) as user_name,
    coalesce(nullif(regexp_extract(e.target_detail, 'oktaDeviceId"? ?[:=] ?"?([A-Za-z0-9_-]+)', 1), ''), e.target_id) as device_id, coalesce(e.target_display_name, e.target_name, e.target_id) as device_name
  from seldom_targets e
  where coalesce(e.result, 'SUCCESS') = 'SUCCESS' and e.event_type in ('device.user.add', 'device.enrollment.create', 'system.sms.send_phone_verification_message')
    and (e.event_type in ('device.user.add', 'device.enrollment.create') and (lower(e.target_type) like '%device%' or e.target_detail like '%oktaDeviceId%' or e.target_id like 'guo%')
      or e.event_type = 'system.sms.send_phone_verification_message' and lower(e.target_type) like '%phone%')
) d
where d.device_id is not null
group by d.device_id
having count(distinct d.user_id) >= {least_sharing} and min(d.published) > max(d.published) - interval '{sharing_days}' day
