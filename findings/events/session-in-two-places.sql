-- id: session-in-two-places
-- title: One session, or device token, at two places
-- severity: high
-- why: A session belongs to one browser: two of them at two addresses are a copied cookie.
-- do: End the user's sessions, and look for malware on the first device.
-- false positives: A tablet that asks for desktop pages while it changes networks. The phone that answers a push is not the browser, and left out.
-- reference: Okta customer-detections: suspicious_use_of_an_Okta_Session_Cookie
-- reference: Okta customer-detections: itp_suspected_session_hijacking
-- reference: Panther: okta_potentially_stolen_session
-- reference: Elastic: Multiple Device Token Hashes for Single Okta Session
-- reference: Elastic: Multiple User Agent OS Authentication
-- reference: Elastic: Okta AiTM Session Cookie Replay
-- reference: MITRE ATT&CK T1550.004
-- reference: MITRE ATT&CK T1539
-- parameter: session_hours = 12
with suspects as (
  -- Most sessions and device tokens have one look, at however many addresses.
  select e.session_id as token
  from recent_events e
  where e.session_id is not null and e.session_id not in ('unknown', '', '-') and e.actor_type = 'User' and e.ip is not null
  group by e.session_id
  having min(coalesce(e.browser, '')) <> max(coalesce(e.browser, '')) or min(coalesce(e.os, '')) <> max(coalesce(e.os, '')) or min(coalesce(e.user_agent, '')) <> max(coalesce(e.user_agent, ''))
), suspect_devices as (
  select e.dt_hash as token
  from recent_events e
  where e.dt_hash is not null and e.dt_hash not in ('unknown', '', '-') and e.actor_type = 'User' and e.ip is not null
  group by e.dt_hash
  having min(coalesce(e.browser, '')) <> max(coalesce(e.browser, '')) or min(coalesce(e.os, '')) <> max(coalesce(e.os, '')) or min(coalesce(e.user_agent, '')) <> max(coalesce(e.user_agent, ''))
), used as (
  select k.kind, k.token, k.actor_id, k.event_id, k.actor_name, k.ip, k.browser, k.os, k.user_agent, k.dt_hash, k.published
  from (
    select 'session' as kind, e.session_id as token, e.actor_id, e.event_id, e.actor_name, e.ip, upper(e.browser) as browser, regexp_extract(upper(e.os), '^[A-Z]+', 0) as os, e.user_agent, e.dt_hash, e.published
    from recent_events e
    where e.session_id is not null and e.session_id not in ('unknown', '', '-') and e.actor_type = 'User' and e.ip is not null and coalesce(e.actor_name, '') <> 'system@okta.com'
      and e.event_type <> 'user.authentication.auth_via_mfa' and e.session_id in (select x.token from suspects x)
    union all
    select 'device token', e.dt_hash, e.actor_id, e.event_id, e.actor_name, e.ip, upper(e.browser), regexp_extract(upper(e.os), '^[A-Z]+', 0), e.user_agent, e.dt_hash, e.published
    from recent_events e
    where e.dt_hash is not null and e.dt_hash not in ('unknown', '', '-') and e.actor_type = 'User' and e.ip is not null and coalesce(e.actor_name, '') <> 'system@okta.com'
      and e.dt_hash in (select x.token from suspect_devices x)
  ) k
  where lower(coalesce(k.user_agent, '')) not like 'okta%'
), looks as (
  select kind, token, actor_id, ip, browser, os, regexp_like(lower(coalesce(user_agent, '')), '^(python|curl|wget|httpx|aiohttp|go-http|java/|okhttp|node|axios|ruby|perl)|headless') as is_program,
    min(published) as first_at, max(published) as last_at, max(actor_name) as actor_name, min(event_id) as first_event, max(event_id) as last_event
  from used
  group by kind, token, actor_id, ip, browser, os, regexp_like(lower(coalesce(user_agent, '')), '^(python|curl|wget|httpx|aiohttp|go-http|java/|okhttp|node|axios|ruby|perl)|headless')
)
select l.token as id, coalesce(max(l.actor_name), max(l.actor_id), '?') as name,
  'one ' || max(l.kind) || ': ' || max(concat_ws(' ', l.browser, l.os)) || ' at ' || max(l.ip) || ', and ' || max(case when m.is_program then 'a program' else concat_ws(' ', m.browser, m.os) end) || ' at ' || max(m.ip) as detail, max(m.last_at) as seen_at,
  array_agg(distinct m.first_event) as evidence
from looks l
join looks m on m.kind = l.kind and m.token = l.token and m.actor_id = l.actor_id and m.first_at >= l.first_at and m.first_at <= l.last_at + interval '{session_hours}' hour
  and (m.ip <> l.ip and (m.browser <> l.browser and m.browser <> 'UNKNOWN' and l.browser <> 'UNKNOWN' or m.os <> l.os and m.os <> 'UNKNOWN' and l.os <> 'UNKNOWN')
    or m.is_program and not l.is_program)
group by l.token
union all
select s.session_id, coalesce(max(s.actor_name), '?'), 'one session with ' || cast(count(distinct s.dt_hash) as varchar) || ' device tokens at ' || cast(count(distinct s.ip) as varchar) || ' addresses', max(s.published), array[max(s.event_id)]
from recent_events s
where s.session_id is not null and s.session_id not in ('unknown', '', '-') and s.dt_hash is not null and s.dt_hash not in ('', '-') and coalesce(s.actor_name, '') <> 'system@okta.com'
group by s.session_id
having count(distinct s.dt_hash) >= 4 and count(distinct s.ip) >= 2
