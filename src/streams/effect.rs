//! **The table of effects**: which outcome of which event type is a change. An outcome is not an effect: a lock-out is
//! logged as a failure of the sign-in, and some successes change nothing.
//! <https://developer.okta.com/docs/reference/api/event-types/>

/// The outcomes of an event type that are a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// `SUCCESS` alone: of every type that has no row.
    OnSuccess,
    /// Any: the event tells of the change itself, or of work that may have been half done.
    Always,
    /// None.
    Never,
}

/// Types whose outcome is not their effect; one that ends with a dot stands for all that begin so.
static EFFECTS: &[(&str, Effect)] = &[
    // `FAILURE` with the reason `LOCKED_OUT`: what failed is the sign-in.
    ("user.account.lock", Effect::Always),
    ("user.account.lock.", Effect::Always),
    // Somebody looked at a password.
    ("application.user_membership.show_password", Effect::Never),
    // Somebody was kept out: the policy is as it was.
    ("application.policy.sign_on.deny_access", Effect::Never),
    // A rule that became invalid, or failed for some, has changed what it gives.
    ("group.user_membership.rule.", Effect::Always),
    // The end of an import that may have broken off half-way.
    ("system.import.group_membership.complete", Effect::Always),
    (
        "system.import.membership_processing.complete",
        Effect::Always,
    ),
];

/// Whether an event of this type with this outcome tells of a change. `result`: `outcome.result`; `None` where it has
/// none.
#[must_use]
pub fn is_change(event_type: &str, result: Option<&str>) -> bool {
    match effect_of(event_type) {
        Effect::Always => true,
        Effect::Never => false,
        Effect::OnSuccess => result == Some("SUCCESS"),
    }
}

/// Whether an event of this type changes its actor where it names nobody else: a lock-out is logged as a sign-in that
/// failed, mostly without a target.
#[must_use]
pub fn changes_its_actor(event_type: &str) -> bool {
    event_type == "user.account.lock" || event_type.starts_with("user.account.lock.")
}

/// The row of a type: its own before one of its beginning.
fn effect_of(event_type: &str) -> Effect {
    let is_own = |(row, _): &&(&str, Effect)| *row == event_type;
    let begins = |(row, _): &&(&str, Effect)| row.ends_with('.') && event_type.starts_with(row);
    let row = EFFECTS
        .iter()
        .find(is_own)
        .or_else(|| EFFECTS.iter().find(begins));
    row.map_or(Effect::OnSuccess, |(_, effect)| *effect)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::STREAMS;
    use crate::streams::change::is_read;

    #[test]
    fn an_outcome_is_an_effect_only_as_its_type_says() {
        for (kind, result, expected) in [
            ("user.account.lock", Some("FAILURE"), true),
            ("user.account.lock.limit", Some("FAILURE"), true),
            ("user.account.lock.future", None, true),
            ("user.account.lock", Some("SUCCESS"), true),
            ("user.account.unlock", Some("FAILURE"), false),
            ("user.account.unlock", Some("SUCCESS"), true),
            (
                "application.user_membership.show_password",
                Some("SUCCESS"),
                false,
            ),
            (
                "application.policy.sign_on.deny_access",
                Some("SUCCESS"),
                false,
            ),
            (
                "application.policy.sign_on.rule.update",
                Some("SUCCESS"),
                true,
            ),
            ("application.user_membership.add", Some("SUCCESS"), true),
            ("application.user_membership.add", Some("SKIPPED"), false),
            ("group.user_membership.rule.error", Some("FAILURE"), true),
            ("group.user_membership.add", Some("FAILURE"), false),
            ("group.lifecycle.delete", None, false),
        ] {
            assert_eq!(is_change(kind, result), expected, "{kind} {result:?}");
        }
    }

    /// Types that change what a stream holds, as Okta documents them, by the streams that they must touch. A sign-in is
    /// use, and no change.
    const DOCUMENTED: &[(&str, &[&str])] = &[
        (
            "users",
            &[
                "user.lifecycle.create",
                "user.lifecycle.activate",
                "user.lifecycle.reactivate",
                "user.lifecycle.deactivate",
                "user.lifecycle.suspend",
                "user.lifecycle.unsuspend",
                "user.lifecycle.delete.initiated",
                "user.lifecycle.delete.completed",
                "user.lifecycle.password_mass_expiry",
                "user.account.update_profile",
                "user.account.update_user_type",
                "user.account.update_primary_email",
                "user.account.update_secondary_email",
                "user.account.update_password",
                "user.account.reset_password",
                "user.account.expire_password",
                "user.account.lock",
                "user.account.lock.limit",
                "user.account.unlock",
                "user.account.unlock_by_admin",
                "user.realm.update",
                "user.import.password",
                "user.risk.change",
                "system.import.user.create",
                "system.import.user.update",
                "system.import.user.delete",
                "system.import.user.suspend",
                "system.import.user.unsuspend",
                "system.import.user.unsuspend_after_confirm",
                "system.import.user.update_user_lifecycle_from_master",
                "system.import.user_match.confirm",
                "system.identity_sources.user.create",
                "system.identity_sources.user.update",
                "system.identity_sources.user.delete",
            ],
        ),
        (
            "factors",
            &[
                "user.mfa.factor.activate",
                "user.mfa.factor.deactivate",
                "user.mfa.factor.reset_all",
                "user.mfa.factor.suspend",
                "user.mfa.factor.unsuspend",
                "user.mfa.factor.update",
                "user.credential.enroll",
            ],
        ),
        (
            "groups",
            &[
                "group.lifecycle.create",
                "group.lifecycle.delete",
                "group.profile.update",
                "system.import.group.create",
                "system.import.group.update",
                "system.import.group.delete",
                "system.identity_sources.group.create",
                "system.identity_sources.group.update",
                "system.identity_sources.group.delete",
                "resource.owner.update",
                "app.user_management.user_group_import.upsert_success",
                "app.user_management.user_group_import.delete_success",
            ],
        ),
        (
            "group_memberships",
            &[
                "group.user_membership.add",
                "group.user_membership.remove",
                "group.user_membership.rule.trigger",
                "group.user_membership.rule.evaluation",
                "group.user_membership.rule.invalidate",
                "group.user_membership.rule.deactivated",
                "group.user_membership.rule.add_exclusion",
                "group.user_membership.rule.error",
                "system.import.group_membership.complete",
                "system.import.membership_processing.complete",
                "system.identity_sources.group.user.assign",
                "system.identity_sources.group.user.revoke",
                "directory.external.group.membership.add",
                "directory.external.group.membership.remove",
            ],
        ),
        (
            "applications",
            &[
                "application.lifecycle.create",
                "application.lifecycle.update",
                "application.lifecycle.activate",
                "application.lifecycle.deactivate",
                "application.lifecycle.delete",
                "application.configuration.update_logo",
                "application.configuration.reset_logo",
                "application.configuration.enable_delauth_outbound",
                "application.configuration.disable_delauth_outbound",
                "application.configuration.enable_fed_broker_mode",
                "application.configuration.disable_fed_broker_mode",
                "application.configuration.update_rate_limits",
                "application.policy.sign_on.update",
                "application.policy.sign_on.rule.create",
                "application.policy.sign_on.rule.delete",
                "app.oauth2.client.lifecycle.create",
                "app.oauth2.client.lifecycle.update",
                "app.oauth2.client.lifecycle.activate",
                "app.oauth2.client.lifecycle.deactivate",
                "app.oauth2.client.lifecycle.delete",
                "app.oauth2.credentials.lifecycle.create",
                "app.oauth2.credentials.lifecycle.activate",
                "app.oauth2.credentials.lifecycle.deactivate",
                "app.oauth2.credentials.lifecycle.delete",
                "app.oauth2.admin.consent.grant",
                "app.oauth2.admin.consent.revoke",
                "app.keys.generate",
                "app.keys.clone",
                "app.keys.rotate",
                "app.keys.delete",
                "app.saml.sensitive.attribute.update",
            ],
        ),
        (
            "application_users",
            &[
                "application.user_membership.add",
                "application.user_membership.remove",
                "application.user_membership.update",
                "application.user_membership.change_username",
                "application.user_membership.change_password",
                "application.user_membership.approve",
                "application.user_membership.provision",
                "application.user_membership.deprovision",
                "application.user_membership.revoke",
                "application.user_membership.restore",
                "application.user_membership.restore_password",
                "application.provision.user.push",
                "application.provision.user.push_profile",
                "application.provision.user.sync",
                "application.provision.user.activate",
                "application.provision.user.deactivate",
                "application.provision.user.reactivate",
                "application.provision.user.deprovision",
                "application.provision.user.delete",
                "application.provision.user.remove_entitlements",
                "master_application.user_membership.add",
                "app.realtimesync.import.details.add_user",
                "app.realtimesync.import.details.update_user",
                "app.realtimesync.import.details.delete_user",
            ],
        ),
        (
            "application_groups",
            &[
                "group.application_assignment.add",
                "group.application_assignment.remove",
                "group.application_assignment.update",
                "group.application_assignment.skip_assignment_reconcile",
            ],
        ),
        (
            "role_assignments",
            &[
                "user.account.privilege.grant",
                "user.account.privilege.revoke",
                "group.privilege.grant",
                "group.privilege.revoke",
                "app.oauth2.client.privilege.grant",
                "app.oauth2.client.privilege.revoke",
                "iam.resourceset.bindings.add",
                "iam.resourceset.bindings.delete",
            ],
        ),
        (
            "idps",
            &[
                "system.idp.lifecycle.create",
                "system.idp.lifecycle.update",
                "system.idp.lifecycle.activate",
                "system.idp.lifecycle.deactivate",
                "system.idp.lifecycle.delete",
                "system.idp.key.create",
                "system.idp.key.update",
                "system.idp.key.delete",
            ],
        ),
        (
            "roles",
            &[
                "iam.role.create",
                "iam.role.update",
                "iam.role.delete",
                "iam.role.permissions.add",
                "iam.role.permissions.delete",
                "iam.role.permission.conditions.add",
                "iam.role.permission.conditions.delete",
            ],
        ),
        (
            "resource_sets",
            &[
                "iam.resourceset.create",
                "iam.resourceset.update",
                "iam.resourceset.delete",
                "iam.resourceset.resources.add",
                "iam.resourceset.resources.delete",
                "iam.resourceset.resources.update",
                "iam.resourceset.bindings.add",
                "iam.resourceset.bindings.delete",
            ],
        ),
    ];

    #[test]
    fn every_documented_change_touches_its_stream() {
        let mut untouched = Vec::new();
        for (name, kinds) in DOCUMENTED {
            let stream = STREAMS.iter().find(|stream| stream.name == *name).unwrap();
            for kind in *kinds {
                let touches = stream.touches(kind).next().is_some() && !is_read(kind);
                if !touches || !is_change(kind, Some("SUCCESS")) {
                    untouched.push(format!("{name}: {kind}"));
                }
            }
        }
        assert!(untouched.is_empty(), "{untouched:#?}");
    }
}
