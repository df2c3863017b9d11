//! Display messages and legacy types of the event types that the fake logs.

/// Display message and legacy type of an event type; a type that is not in the table gets its own name as message.
pub(crate) fn described(event_type: &str) -> (&str, Option<&'static str>) {
    DESCRIPTIONS
        .iter()
        .find(|(known, ..)| *known == event_type)
        .map_or((event_type, None), |(_, message, legacy)| {
            (*message, *legacy)
        })
}

type Description = (&'static str, &'static str, Option<&'static str>);

static DESCRIPTIONS: &[Description] = &[
    (
        "user.session.start",
        "User login to Okta",
        Some("core.user_auth.login_success"),
    ),
    (
        "user.session.end",
        "User logout from Okta",
        Some("core.user_auth.logout_success"),
    ),
    (
        "user.authentication.sso",
        "User single sign on to app",
        Some("app.auth.sso"),
    ),
    (
        "user.authentication.auth_via_mfa",
        "Authentication of user via MFA",
        Some("core.user.factor.attempt_success"),
    ),
    (
        "policy.evaluate_sign_on",
        "Evaluation of sign-on policy",
        None,
    ),
    (
        "app.oauth2.token.grant.access_token",
        "OAuth2 access token is granted",
        Some("app.oauth2.token.grant.access_token_success"),
    ),
    (
        "user.lifecycle.create",
        "Create Okta user",
        Some("core.user.config.user_creation.success"),
    ),
    (
        "user.lifecycle.activate",
        "Activate Okta user",
        Some("core.user.config.user_activated"),
    ),
    ("user.lifecycle.reactivate", "Reactivate Okta user", None),
    (
        "user.lifecycle.deactivate",
        "Deactivate Okta user",
        Some("core.user.config.user_deactivated"),
    ),
    (
        "user.lifecycle.suspend",
        "Suspend Okta user",
        Some("core.user.config.user_suspended"),
    ),
    (
        "user.lifecycle.unsuspend",
        "Unsuspend Okta user",
        Some("core.user.config.user_unsuspended"),
    ),
    (
        "user.lifecycle.delete.initiated",
        "Delete Okta user initiated",
        None,
    ),
    (
        "user.lifecycle.delete.completed",
        "Delete Okta user completed",
        None,
    ),
    (
        "user.account.update_profile",
        "Update user profile for Okta",
        Some("core.user.config.profile_update.success"),
    ),
    (
        "user.account.expire_password",
        "Expire user's Okta password",
        None,
    ),
    (
        "user.account.update_password",
        "User update password for Okta",
        Some("core.user.config.password_update.success"),
    ),
    (
        "user.account.lock",
        "Max sign in attempts exceeded",
        Some("core.user_auth.account_locked"),
    ),
    ("user.account.unlock", "Unlock user account for Okta", None),
    (
        "user.account.unlock_by_admin",
        "Unlock user account by admin",
        None,
    ),
    (
        "user.account.privilege.grant",
        "Grant user privilege",
        Some("core.user.admin_privilege.granted"),
    ),
    (
        "user.account.privilege.revoke",
        "Revoke user privilege",
        Some("core.user.admin_privilege.revoked"),
    ),
    (
        "user.mfa.factor.activate",
        "Activate factor or authenticator enrollment method for user",
        Some("core.user.factor.activate"),
    ),
    (
        "user.mfa.factor.deactivate",
        "Reset factor for user",
        Some("core.user.factor.reset"),
    ),
    (
        "user.mfa.factor.reset_all",
        "Reset all factors for user",
        Some("core.user.factor.reset_all"),
    ),
    ("group.lifecycle.create", "Create Okta group", None),
    ("group.lifecycle.delete", "Delete Okta group", None),
    ("group.profile.update", "Update Okta group profile", None),
    (
        "group.user_membership.add",
        "Add user to group membership",
        Some("core.user_group_member.user_add"),
    ),
    (
        "group.user_membership.remove",
        "Remove user from group membership",
        Some("core.user_group_member.user_remove"),
    ),
    (
        "group.user_membership.rule.trigger",
        "Trigger an evaluation of group rule",
        None,
    ),
    (
        "group.application_assignment.add",
        "Add assigned application to group",
        None,
    ),
    (
        "group.application_assignment.remove",
        "Remove assigned application from group",
        None,
    ),
    (
        "group.application_assignment.update",
        "Update group application assignment",
        None,
    ),
    ("group.privilege.grant", "Grant group privilege", None),
    ("group.privilege.revoke", "Revoke group privilege", None),
    (
        "application.lifecycle.create",
        "Create application",
        Some("app.generic.config.app_created"),
    ),
    (
        "application.lifecycle.update",
        "Update application",
        Some("app.generic.config.app_updated"),
    ),
    (
        "application.lifecycle.activate",
        "Activate application",
        Some("app.generic.config.app_activated"),
    ),
    (
        "application.lifecycle.deactivate",
        "Deactivate application",
        Some("app.generic.config.app_deactivated"),
    ),
    (
        "application.lifecycle.delete",
        "Delete application",
        Some("app.generic.config.app_deleted"),
    ),
    (
        "application.user_membership.add",
        "Add user to application membership",
        Some("app.generic.provision.assign_user_to_app"),
    ),
    (
        "application.user_membership.update",
        "Update user in application membership",
        None,
    ),
    (
        "application.user_membership.remove",
        "Remove user's application membership",
        Some("app.generic.provision.deactivate_user_from_app"),
    ),
    (
        "app.oauth2.client.privilege.grant",
        "Grant privilege to OAuth2 client",
        None,
    ),
    (
        "app.oauth2.client.privilege.revoke",
        "Revoke privilege from OAuth2 client",
        None,
    ),
    ("iam.role.create", "Create custom role", None),
    ("iam.role.update", "Update custom role", None),
    ("iam.role.delete", "Delete custom role", None),
    (
        "iam.role.permissions.add",
        "Add permission to custom role",
        None,
    ),
    (
        "iam.role.permissions.delete",
        "Delete permission from custom role",
        None,
    ),
    ("iam.resourceset.create", "Create resource set", None),
    ("iam.resourceset.update", "Update resource set", None),
    ("iam.resourceset.delete", "Delete resource set", None),
    (
        "iam.resourceset.resources.add",
        "Add resource to resource set",
        None,
    ),
    (
        "iam.resourceset.resources.delete",
        "Delete resource from resource set",
        None,
    ),
    (
        "iam.resourceset.bindings.add",
        "Assign admin role to user or group with resource set",
        None,
    ),
    (
        "iam.resourceset.bindings.delete",
        "Unassign admin role from user or group with resource set",
        None,
    ),
    (
        "system.import.group.create",
        "Create group through import",
        None,
    ),
    (
        "system.import.group_membership.complete",
        "Import group memberships complete",
        None,
    ),
    (
        "system.idp.lifecycle.create",
        "Create identity provider",
        None,
    ),
    (
        "system.idp.lifecycle.update",
        "Update identity provider",
        None,
    ),
    (
        "system.idp.lifecycle.activate",
        "Activate identity provider",
        None,
    ),
    (
        "system.idp.lifecycle.deactivate",
        "Deactivate identity provider",
        None,
    ),
    (
        "system.idp.lifecycle.delete",
        "Delete identity provider",
        None,
    ),
];
