-- Recent events of all types but those of which most of a log consists. What somebody did to the org is among them.
select e.* from told_events e
where e.event_type not in ('user.session.start', 'user.session.end', 'user.session.access_admin_app', 'user.authentication.sso', 'user.authentication.verify',
  'user.authentication.auth', 'user.authentication.auth_via_mfa', 'user.authentication.auth_via_AD_agent', 'user.authentication.auth_via_LDAP_agent',
  'user.authentication.auth_via_radius', 'user.authentication.auth_via_IDP', 'policy.evaluate_sign_on', 'system.push.send_factor_verify_push',
  'app.oauth2.as.authorize', 'app.oauth2.as.authorize.code', 'app.oauth2.as.token.grant.access_token', 'app.oauth2.as.token.grant.id_token',
  'app.oauth2.authorize.code', 'app.oauth2.token.grant.access_token', 'app.oauth2.token.grant.id_token', 'user.account.update_profile',
  'group.user_membership.add', 'group.user_membership.remove', 'application.user_membership.add', 'application.user_membership.remove')
