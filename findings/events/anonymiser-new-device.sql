-- id: anonymiser-new-device
-- title: New device through an anonymiser
-- severity: high
-- why: A device and a country that the user never had, behind a proxy: the picture of a phished sign-in.
-- do: Ask the user; end the sessions, reset password and factors.
-- false positives: A new phone with a private relay, abroad.
-- reference: Okta customer-detections: successful_authentication_via_new_device_and_proxy
-- reference: MITRE ATT&CK T1078.004
-- reference: MITRE ATT&CK T1566
select event_id as id, actor as name, event_type || place as detail, published as seen_at
from (
  select e.*, row_number() over (partition by e.actor_id, e.ip order by e.published, e.event_id) as number
  from told_events e
  where e.is_proxy and e.event_type like 'user.authentication%' and e.result = 'SUCCESS' and coalesce(e.actor_name, '') <> 'system@okta.com'
    and e.behaviors like '%New Device=POSITIVE%' and (e.behaviors like '%New Geo-Location=POSITIVE%' or e.behaviors like '%New Country=POSITIVE%')
) first
where number = 1
