-- id: admin-factor-reset
-- title: An admin's factors were reset
-- severity: critical
-- why: The way of the attacks on large orgs in 2023: the help desk resets the factors of a super admin, and the caller enrols their own.
-- do: Call the admin on a known number; end the sessions, reset the password, look at what enrolled since.
-- false positives: A new phone, after the admin asked for it. A factor that an admin takes off their own account is left out.
-- reference: Okta: Cross-Tenant Impersonation: Prevention and Detection (2023)
-- reference: Okta customer-detections: hunt_on_factor_resets
-- reference: SigmaHQ okta: okta_mfa_reset_or_deactivated
-- reference: Panther: okta_user_mfa_reset_all
-- reference: MITRE ATT&CK T1556.006
select e.event_id as id, coalesce(e.target_name, e.target_display_name, a.user_id) as name, e.event_type || ' by ' || e.actor || e.place || '; held ' || a.roles as detail, e.published as seen_at
from seldom_targets e
join admins_then a on a.event_id = e.event_id and a.user_id = e.target_id and a.event_type in ('user.mfa.factor.reset_all', 'user.mfa.factor.deactivate', 'user.mfa.factor.suspend')
where e.result = 'SUCCESS' and e.event_type in ('user.mfa.factor.reset_all', 'user.mfa.factor.deactivate', 'user.mfa.factor.suspend') and (e.event_type = 'user.mfa.factor.reset_all'
  or (e.event_type in ('user.mfa.factor.deactivate', 'user.mfa.factor.suspend') and coalesce(e.actor_id, '') <> a.user_id))
