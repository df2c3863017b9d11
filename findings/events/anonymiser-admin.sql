-- id: anonymiser-admin
-- title: Admin work through an anonymiser
-- severity: high
-- why: No admin needs to hide from the org that they run.
-- do: Ask the admin on a known number; end the sessions; look at what was changed.
-- false positives: An admin on a journey whose VPN Okta takes for a proxy: an admin, an address and a day are one case.
-- reference: SigmaHQ okta: okta_admin_activity_from_proxy_query
-- reference: MITRE ATT&CK T1090.003
-- reference: MITRE ATT&CK T1078.004
select event_id as id, actor as name, event_type || coalesce(' ' || request_uri, '') || place as detail, published as seen_at
from (
  select e.*, row_number() over (partition by e.actor_id, e.ip, cast(e.published as date) order by e.published, e.event_id) as of_the_day
  from told_events e
  where e.is_proxy and coalesce(e.result, 'SUCCESS') in ('SUCCESS', 'ALLOW') and (lower(coalesce(e.request_uri, '')) like '%admin%' or e.event_type = 'user.session.access_admin_app'
    or e.event_type in ('user.account.privilege.grant', 'group.privilege.grant', 'system.api_token.create', 'user.mfa.factor.reset_all', 'system.idp.lifecycle.create', 'application.lifecycle.create', 'policy.rule.update'))
) first
where of_the_day = 1
