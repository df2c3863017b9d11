-- id: anonymiser-sign-in
-- title: First sign-in through an anonymiser
-- severity: medium
-- why: Who hides where they are may not be the user.
-- do: Ask the user; Security > Networks: block anonymisers by an enhanced dynamic zone.
-- false positives: A VPN of the user's own on a new device: each user is one case. A device token that the user had before, and the phone that answers a push, are left out. A wrong password through a proxy is the noise of the internet, and left out.
-- reference: Okta customer-detections: hunt_sign_in_attempts_from_proxies
-- reference: SigmaHQ okta: okta_user_session_start_via_anonymised_proxy
-- reference: Panther: okta_anonymizing_vpn_login
-- reference: Elastic: First Occurrence of Okta User Session Started via Proxy
-- reference: MITRE ATT&CK T1090.003
-- reference: MITRE ATT&CK T1078.004
select event_id as id, actor as name, event_type || place || coalesce(' of ' || as_org, '') as detail, published as seen_at
from (
  select e.*, row_number() over (partition by e.actor_id order by e.published, e.event_id) as number
  from told_events e
  where e.is_proxy and e.event_type in ('user.session.start', 'user.authentication.verify', 'user.authentication.sso', 'user.authentication.auth_via_mfa')
    and coalesce(e.actor_id, 'unknown') not in ('unknown', '') and coalesce(e.actor_id, '') not like 'okta%' and coalesce(e.actor_name, '') <> 'system@okta.com'
    and upper(coalesce(e.factor, '')) not like '%PUSH%'
    and not exists (select 1 from devices d where d.user_id = e.actor_id and d.dt_hash = e.dt_hash and d.first_at < e.published - interval '1' hour)
    and (coalesce(e.result, 'SUCCESS') in ('SUCCESS', 'ALLOW') or coalesce(e.reason, '') not in ('', 'INVALID_CREDENTIALS', 'VERIFICATION_ERROR', 'LOCKED_OUT', 'INVALID_LOGIN'))
) first
where number = 1
