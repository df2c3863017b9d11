-- id: admin-password-reset
-- title: An admin's password was reset by somebody else
-- severity: high
-- why: Who sets an admin's password is the admin until it is noticed; the help desk is asked for it by telephone.
-- do: Call the admin on a known number; end the sessions; ask who asked for it.
-- false positives: An admin who forgot the password and asked for help.
-- reference: Okta: Cross-Tenant Impersonation: Prevention and Detection (2023)
-- reference: Okta customer-detections: protected_action_super_admin_password_reset
-- reference: MITRE ATT&CK T1098
-- reference: MITRE ATT&CK T1078.004
select e.event_id as id, coalesce(e.target_name, e.target_display_name, a.user_id) as name, e.event_type || ' by ' || e.actor || e.place || '; held ' || a.roles as detail, e.published as seen_at
from seldom_targets e
join admins_then a on a.event_id = e.event_id and a.user_id = e.target_id and a.event_type in ('user.account.reset_password', 'user.account.update_password', 'user.account.expire_password', 'user.account.update_primary_email', 'user.account.update_secondary_email')
where lower(e.target_type) = 'user' and e.result = 'SUCCESS' and coalesce(e.actor_id, '') <> a.user_id
  and e.event_type in ('user.account.reset_password', 'user.account.update_password', 'user.account.expire_password', 'user.account.update_primary_email', 'user.account.update_secondary_email')
