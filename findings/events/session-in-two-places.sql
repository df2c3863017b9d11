-- id: session-in-two-places
-- title: One session, two networks or two browsers
-- severity: high
-- why: A session belongs to one browser: two of them are a copied cookie.
-- do: End the user's sessions, and look for malware on the first device.
-- false positives: A phone that changes from Wi-Fi to its carrier: two networks, one browser.
-- reference: Okta customer-detections: suspicious_use_of_an_Okta_Session_Cookie
-- reference: Okta customer-detections: itp_suspected_session_hijacking
-- reference: MITRE ATT&CK T1550.004
select e.session_id as id, coalesce(max(e.actor_name), '?') as name,
  cast(count(distinct e.as_number) as varchar) || ' networks, ' || cast(count(distinct concat_ws(' ', e.browser, e.os)) as varchar) || ' browsers: '
    || array_join(array_sort(array_agg(distinct concat_ws(' ', e.as_org, e.browser))), ', ') as detail, max(e.published) as seen_at
from recent_events e
where e.session_id is not null and e.session_id not in ('unknown', '') and e.actor_type = 'User'
group by e.session_id
having count(distinct e.as_number) > 1 or count(distinct concat_ws(' ', e.browser, e.os)) > 1
union all
select e.dt_hash, coalesce(max(e.actor_name), '?'), 'one device token in ' || cast(count(distinct concat_ws(' ', e.browser, e.os)) as varchar) || ' browsers', max(e.published)
from recent_events e
where e.dt_hash is not null and e.dt_hash <> '' and e.actor_type = 'User'
group by e.dt_hash
having count(distinct concat_ws(' ', e.browser, e.os)) > 1
