-- id: support-access
-- title: Okta's staff was in the org
-- severity: medium
-- why: Support sees what an admin sees, and was itself broken into in 2022 and in 2023.
-- do: Settings > Account > Give Access to Okta Support: end the access; ask who opened the case.
-- false positives: A support case of one's own.
-- reference: SigmaHQ okta: okta_session_impersonation_granted
-- reference: Panther: okta_account_support_access
-- reference: Elastic: Okta User Session Impersonation
-- reference: MITRE ATT&CK T1199
select e.event_id as id, e.actor as name, e.event_type || coalesce(' ' || e.object, '') || e.place as detail, e.published as seen_at
from seldom_events e
where e.event_type in ('user.session.impersonation.initiate', 'user.session.impersonation.grant', 'user.session.impersonation.extend', 'support.org.view', 'support.org.update')
