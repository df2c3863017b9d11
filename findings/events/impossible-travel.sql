-- id: impossible-travel
-- title: Signed in at two places that are too far apart
-- severity: medium
-- why: Nobody travels that fast: two people use one account.
-- do: Ask the user; end the sessions.
-- false positives: A VPN that leaves in another country: an address that the user, or two others, used before is left out, and so are proxies.
-- reference: Panther: Standard.ImpossibleTravel.Login
-- reference: Elastic: Okta User Sessions Started from Different Geolocations
-- reference: MITRE ATT&CK T1078.004
-- parameter: least_km = 500
-- parameter: most_kmh = 1000
select s.event_id as id, s.actor as name, coalesce(s.country_before, '?') || ', then ' || coalesce(s.country, '?') || ' after ' || cast(cast(floor((to_unixtime(s.published) - to_unixtime(s.published_before)) / 60) as bigint) as varchar) || ' minutes' || s.place as detail, s.published as seen_at
from (
  select e.event_id, e.actor, e.actor_id, e.ip, e.country, e.latitude, e.longitude, e.place, e.published, e.is_proxy,
    lag(e.published) over (partition by e.actor_id order by e.published, e.event_id) as published_before, lag(e.country) over (partition by e.actor_id order by e.published, e.event_id) as country_before,
    lag(e.latitude) over (partition by e.actor_id order by e.published, e.event_id) as latitude_before, lag(e.longitude) over (partition by e.actor_id order by e.published, e.event_id) as longitude_before,
    lag(e.ip) over (partition by e.actor_id order by e.published, e.event_id) as ip_before, lag(e.is_proxy) over (partition by e.actor_id order by e.published, e.event_id) as proxy_before
  from told_events e
  where e.result in ('SUCCESS', 'ALLOW') and e.event_type in ('user.session.start', 'user.authentication.sso', 'policy.evaluate_sign_on')
    and e.ip is not null and e.actor_type = 'User' and coalesce(e.user_agent, '') not like 'Okta%'
) s
where s.ip <> s.ip_before and not coalesce(s.is_proxy, false) and not coalesce(s.proxy_before, false) and s.published_before > s.published - interval '24' hour
  and case
    when s.latitude is null or s.latitude_before is null or s.longitude is null or s.longitude_before is null then s.country <> s.country_before and s.published_before > s.published - interval '1' hour
    else 6371 * 2 * asin(sqrt(least(1, pow(sin(radians(cast(s.latitude as double) - cast(s.latitude_before as double)) / 2), 2)
      + cos(radians(cast(s.latitude as double))) * cos(radians(cast(s.latitude_before as double))) * pow(sin(radians(cast(s.longitude as double) - cast(s.longitude_before as double)) / 2), 2)))) > {least_km} and 6371 * 2 * asin(sqrt(least(1, pow(sin(radians(cast(s.latitude as double) - cast(s.latitude_before as double)) / 2), 2)
      + cos(radians(cast(s.latitude as double))) * cos(radians(cast(s.latitude_before as double))) * pow(sin(radians(cast(s.longitude as double) - cast(s.longitude_before as double)) / 2), 2)))) > {most_kmh} * (to_unixtime(s.published) - to_unixtime(s.published_before)) / 3600
  end
  and not exists (select 1 from places p where p.ip = s.ip and p.user_id = s.actor_id and p.first_at < s.published - interval '1' hour)
  and (select count(distinct p.user_id) from places p where p.ip = s.ip and p.user_id <> s.actor_id and p.first_at < s.published + interval '1' day) < 2
