-- id: refresh-token-reused
-- title: A refresh token was used twice
-- severity: high
-- why: Each may be used once: two who use it are the app and a thief.
-- do: Revoke the user's tokens of the app (Directory > People > user > Applications); end the sessions.
-- false positives: An app that retries after a broken connection: a client, an address and a day are one case.
-- reference: Panther: okta_app_refresh_access_token_reuse
-- reference: MITRE ATT&CK T1528
-- reference: MITRE ATT&CK T1550.001
select event_id as id, actor as name, event_type || coalesce(' of ' || object, '') || place as detail, published as seen_at
from (
  select e.*, row_number() over (partition by e.actor, e.ip, cast(e.published as date) order by e.published, e.event_id) as of_the_day
  from seldom_events e
  where e.event_type in ('app.oauth2.token.detect_reuse', 'app.oauth2.as.token.detect_reuse')
) first
where of_the_day = 1
