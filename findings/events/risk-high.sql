-- id: risk-high
-- title: Sign-in at high risk
-- severity: medium
-- why: Okta's own engine finds the sign-in unlike the user.
-- do: Ask the user; Security > Authentication Policies > App sign-in: deny or step up at high risk.
-- false positives: Travel; a VPN that leaves in another country.
-- reference: Okta customer-detections: itp_user_risk_changed_to_high
-- reference: MITRE ATT&CK T1078.004
select e.event_id as id, coalesce(e.actor_name, e.actor_id, '?') as name, e.event_type || coalesce(' from ' || e.ip, '') || coalesce(', ' || e.country, '') as detail, e.published as seen_at
from recent_events e
where (e.event_type = 'user.session.start' and e.result = 'SUCCESS'
    and (regexp_like(coalesce(e.risk, ''), 'level"?[=:] ?"?HIGH')
      or regexp_like(coalesce(e.log_only_security_data, ''), '"level" ?: ?"HIGH"')))
  or (e.event_type in ('user.risk.change', 'user.risk.detect') and (regexp_like(coalesce(e.risk, ''), 'HIGH')
    or exists (select 1 from event_targets t where t.event_id = e.event_id and t.changed_to like '%HIGH%')))
