-- id: risk-high
-- title: Okta sees a user at risk
-- severity: medium
-- why: Okta's own engine finds the sign-in unlike the user, or knows the attacker.
-- do: Ask the user; Security > Authentication Policies > App sign-in: deny or step up at high risk; see which detection it was.
-- false positives: Travel; a VPN that leaves in another country. Risk that falls is left out.
-- reference: Okta customer-detections: itp_user_risk_changed_to_high
-- reference: Okta customer-detections: itp_brute_force
-- reference: Okta customer-detections: itp_okta_threat_intel_detection
-- reference: Okta customer-detections: itp_suspected_session_hijacking
-- reference: MITRE ATT&CK T1078.004
-- reference: MITRE ATT&CK T1539
select event_id as id, actor as name, event_type || coalesce(' ' || risk, '') || place as detail, published as seen_at
from (
  select e.*, lower(coalesce(e.risk, '')) as told_risk from told_events e where e.event_type in ('user.session.start', 'user.risk.change', 'user.risk.detect')
) e
where (e.event_type = 'user.session.start' and e.result = 'SUCCESS'
    and (regexp_like(coalesce(e.risk, ''), '(^|[^A-Za-z])level\\*"?[=:] ?\\*"?HIGH') or regexp_like(coalesce(e.log_only_security_data, ''), '"risk\\*" ?: ?[{]\\*"level\\*" ?: ?\\*"HIGH')))
  or e.event_type in ('user.risk.change', 'user.risk.detect') and (
    regexp_like(coalesce(e.risk, ''), '(^|[^A-Za-z])(current_?)?[lL]evel\\*"?[=:] ?\\*"?HIGH')
    or regexp_like(e.told_risk, 'threat intelligence|brute force|hijack|push bomb|mfa bomb|session influenced|suspicious ip|credential')
    or exists (select 1 from recent_targets t where t.event_id = e.event_id and t.event_type in ('user.risk.change', 'user.risk.detect') and t.changed_to like '%HIGH%' and coalesce(t.changed_from, '') not like '%HIGH%'))
