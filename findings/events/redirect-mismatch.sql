-- id: redirect-mismatch
-- title: A sign-in was to lead somewhere else
-- severity: medium
-- why: A link with another redirect address steals the code of the sign-in.
-- do: Find the link; see who followed it.
-- false positives: A developer's mistake: an app and a day are one case.
-- reference: Okta customer-detections: oauth_mismatched_redirect_uri
-- reference: MITRE ATT&CK T1528
select event_id as id, coalesce(object, actor) as name, event_type || ' ' || coalesce(reason, '') || ' by ' || actor || place as detail, published as seen_at
from (
  select e.*, row_number() over (partition by coalesce(e.object, e.actor), cast(e.published as date) order by e.published, e.event_id) as of_the_day
  from told_events e
  where e.event_type like 'app.oauth2.%' and e.result = 'FAILURE' and (lower(coalesce(e.reason, '')) like '%mismatched_redirect_uri%' or lower(coalesce(e.reason, '')) like '%redirect_uri_mismatch%')
) first
where of_the_day = 1
