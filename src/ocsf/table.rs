//! Which class and activity an event type has: data.
//!
//! Event types: <https://developer.okta.com/docs/reference/api/event-types/>, classes and
//! activities: <https://schema.ocsf.io/1.8.0/>. Where OCSF's own Okta mappings
//! (<https://github.com/ocsf/examples>, `mappings/markdown/Okta`) name a class, it is this one,
//! except that impersonation grants are user access here, since they grant to a user and open no session.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::class::{Class, OTHER};

/// The activity follows from the event type's last word (`VERBS`).
const BY_VERB: &str = "by verb";

/// Class, activity, and the event types that have them. An event type that is not here has what its
/// longest prefix (of whole `.`-separated words) has; one without such a prefix is a base event.
#[rustfmt::skip]
static EVENT_TYPES: &[(Class, &str, &[&str])] = &[
    (Class::Account, "Create", &[
        "app.realtimesync.import.details.add_user", "app.user_management.push_new_user_success",
        "application.provision.user.push", "system.agent.ldap.create_user_JIT", "system.import.user.create",
        "user.lifecycle.create", "user.lifecycle.jit",
    ]),
    (Class::Account, "Enable", &[
        "application.provision.user.activate", "application.provision.user.reactivate",
        "system.import.user.unsuspend", "system.import.user.unsuspend_after_confirm", "user.lifecycle.activate",
        "user.lifecycle.reactivate", "user.lifecycle.unsuspend",
    ]),
    (Class::Account, "Password Change", &[
        "app.ldap.password.change", "application.provision.user.password",
        "application.provision.user.push_okta_password", "application.provision.user.push_password",
        "application.user_membership.change_password", "application.user_membership.restore_password",
        "pam.password.change", "pam.server_account.password_change", "pam.service_account.password.update",
        "pam.service_account.password_rotation", "system.agent.ldap.change_user_password",
        "system.agent.ldap.update_user_password", "user.account.update_password", "user.import.password",
    ]),
    (Class::Account, "Password Reset", &[
        "pam.password.reset", "system.agent.ad.reset_user_password", "system.agent.ldap.reset_user_password",
        "user.account.expire_password", "user.account.reset_password", "user.lifecycle.password_mass_expiry",
    ]),
    (Class::Account, "Disable", &[
        "application.provision.user.deactivate", "application.provision.user.deprovision",
        "scheduled_action.user_suspension.completed", "system.import.user.suspend", "user.lifecycle.deactivate",
        "user.lifecycle.suspend",
    ]),
    (Class::Account, "Delete", &[
        "app.office365.user.delete", "app.realtimesync.import.details.delete_user",
        "application.provision.user.delete", "system.import.user.delete", "user.lifecycle.delete",
    ]),
    (Class::Account, "Lock", &["app.ad.api.user_import.account_locked", "user.account.lock"]),
    (Class::Account, "MFA Factor Enable", &[
        "credential.register", "user.mfa.factor.activate", "user.mfa.factor.unsuspend",
    ]),
    (Class::Account, "MFA Factor Disable", &[
        "credential.revoke", "user.mfa.factor.deactivate", "user.mfa.factor.reset_all", "user.mfa.factor.suspend",
    ]),
    (Class::Account, "Unlock", &[
        "system.agent.ad.unlock_user_account", "system.agent.ldap.unlock_user_account", "user.account.unlock",
        "user.account.unlock_by_admin", "user.account.unlock_failure",
    ]),
    (Class::Account, BY_VERB, &[
        "device.local_account", "pam.server_account", "pam.service_account", "pam.user",
        "system.identity_sources.user",
    ]),
    (Class::Account, "Other", &[
        "app.ad.api.user_import", "app.ad.password_migration_campaign.user", "app.office365.user",
        "app.realtimesync.import", "app.user_management.update_from_master_failed", "application.provision.user",
        "application.user_membership.change_username", "application.user_membership.show_password",
        "device.user_os_account", "scheduled_action.user_suspension", "system.agent.ad.update_user",
        "system.agent.ldap.update_user", "system.csv", "system.import.import_profile", "system.import.user.match",
        "system.import.user.update", "system.import.user.update_user_lifecycle_from_master",
        "system.import.user_match", "user", "user.mfa.factor",
    ]),
    (Class::Authentication, "Logon", &[
        "app.generic.unauth_app_access_attempt", "app.inbound_del_auth", "app.kerberos_rich_client",
        "app.oauth2.invalid_client_credentials", "app.oauth2.signon", "application.policy.sign_on.deny_access",
        "device.password_sync.authentication", "device.platform_sso.authentication", "pam.server.ssh_login",
        "system.email.challenge_factor_redeemed", "system.iwa_agentless", "system.ldapi.bind", "user.authentication",
        "user.device_session.start", "user.mfa.okta_verify", "user.session.access_admin_app", "user.session.start",
    ]),
    (Class::Authentication, "Logoff", &[
        "device.desktop_mfa.device_logout", "system.ldapi.unbind", "user.authentication.slo",
        "user.authentication.universal_logout", "user.device_session.end", "user.session.clear", "user.session.end",
        "user.session.expire", "user.session.impersonation.end",
    ]),
    (Class::Authentication, "Authentication Ticket", &[
        "app.oauth2.as.token.grant", "app.oauth2.token.grant", "app.oauth2.token.oauth_sts", "pam.auth_token",
        "pam.gateway_creds", "pam.user_creds",
    ]),
    (Class::Authentication, "Service Ticket Request", &["app.oauth2.as.authorize", "app.oauth2.authorize"]),
    (Class::Authentication, "Preauth", &[
        "device.custom_push", "system.email.send_factor_verify_message", "system.push",
        "system.sms.send_factor_verify_message", "system.sms.send_okta_push_verify_message",
        "system.voice.send_mfa_challenge_call",
    ]),
    (Class::Authentication, "Account Switch", &["user.session.impersonation.initiate"]),
    (Class::Authentication, "Other", &[
        "app.oauth2.as.evaluate", "app.oauth2.as.interact", "app.oauth2.interact", "core.user_auth",
        "policy.auth_reevaluate", "policy.continuous_access", "policy.entity_risk", "policy.evaluate_sign_on",
        "system.iwa_agentless.redirect", "user.identity_verification", "user.mfa.attempt_bypass", "user.session",
    ]),
    (Class::UserAccess, "Assign Privileges", &[
        "app.oauth2.admin.consent.grant", "app.oauth2.as.consent.grant", "app.oauth2.client.privilege.grant",
        "app.oauth2.consent.grant", "application.user_membership.add", "application.user_membership.approve",
        "application.user_membership.provision", "application.user_membership.restore",
        "iam.resourceset.bindings.add", "master_application.user_membership.add", "user.account.privilege.grant",
        "user.session.impersonation.grant", "workflows.user.role.user.add",
    ]),
    (Class::UserAccess, "Revoke Privileges", &[
        "app.oauth2.admin.consent.revoke", "app.oauth2.as.consent.revoke", "app.oauth2.client.privilege.revoke",
        "app.oauth2.consent.revoke", "application.provision.user.remove_entitlements",
        "application.user_membership.deprovision", "application.user_membership.remove",
        "application.user_membership.revoke", "iam.resourceset.bindings.delete", "user.account.privilege.revoke",
        "user.session.impersonation.revoke", "workflows.user.role.user.remove",
    ]),
    (Class::UserAccess, "Other", &["application.user_membership", "master_application.user_membership"]),
    (Class::Group, "Assign Privileges", &[
        "group.application_assignment.add", "group.privilege.grant", "workflows.user.role.group.add",
    ]),
    (Class::Group, "Revoke Privileges", &[
        "group.application_assignment.remove", "group.privilege.revoke", "workflows.user.role.group.remove",
    ]),
    (Class::Group, "Add User", &[
        "application.provision.group_membership.add", "directory.external.group.membership.add",
        "group.user_membership.add", "pam.member.add", "system.identity_sources.group.user.assign",
    ]),
    (Class::Group, "Remove User", &[
        "application.provision.group_membership.remove", "directory.external.group.membership.remove",
        "group.user_membership.remove", "pam.member.remove", "system.identity_sources.group.user.revoke",
    ]),
    (Class::Group, "Delete", &[
        "app.user_management.user_group_import.delete_success", "application.provision.group.remove",
        "application.provision.group_push.delete_appgroup", "application.provision.group_push.removed",
        "group.lifecycle.delete", "pam.group.delete", "system.identity_sources.group.delete",
        "system.import.group.delete",
    ]),
    (Class::Group, "Create", &[
        "app.user_management.user_group_import.create_failure", "application.provision.group.add",
        "group.lifecycle.create", "pam.group.create", "system.identity_sources.group.create",
        "system.import.group.create",
    ]),
    (Class::Group, "Other", &[
        "app.user_management", "application.provision.group", "application.provision.group_membership",
        "application.provision.group_push", "group", "pam.group", "system.identity_sources.group",
        "system.import.group.update",
    ]),
    (Class::Entity, BY_VERB, &[
        "account", "app.ad.password_migration_campaign", "app.ai_agent_provider", "app.app_instance.csr",
        "app.cross_app_access", "app.interclient_mapping", "app.keys", "app.oauth2.as.key",
        "app.oauth2.as.resource_server", "app.oauth2.client.lifecycle", "app.oauth2.credentials", "app.oauth2.key",
        "app.oauth2.trusted_server", "app.policy", "app.saml", "application", "device", "directory", "event_hook",
        "iam", "inline_hook", "integration", "mim", "network_zone", "oauth2", "pam", "pki", "policy", "resource",
        "resource_servers", "security", "self_service", "system.agent", "system.beta", "system.brand",
        "system.captcha", "system.custom_email_server", "system.custom_error", "system.custom_signin",
        "system.custom_signout", "system.custom_url_domain", "system.email.template", "system.email_domain",
        "system.feature", "system.hook", "system.idp", "system.import.custom_object", "system.iwa",
        "system.iwa_agentless_kerberos", "system.log_stream", "system.mfa", "system.org.captcha",
        "system.org.lifecycle", "system.rate_limit", "system.self_service", "system.theme", "system.well_known_uri",
        "task", "workload_principal", "zone",
    ]),
    (Class::Entity, "Read", &[
        "app.oauth2.client.read_client_secret", "application.configuration.read_client_secret",
    ]),
    (Class::Entity, "Update", &[
        "application.configuration", "application.provision.field_mapping_rule", "device.platform_sso.keys",
        "iam.resourceset.resources", "iam.role.permission", "iam.role.permissions", "security.device",
        "security.voice", "security.zone", "system.iwa_agentless.update", "zone.make_blacklist",
        "zone.remove_blacklist",
    ]),
    (Class::Entity, "Enroll", &[
        "device.desktop_mfa.enrollment.create", "device.enrollment.create", "device.password_sync.enrollment.create",
        "device.platform_sso.enrollment.create", "device.user.add", "mim.createEnrollment", "user.credential.enroll",
    ]),
    (Class::Entity, "Unenroll", &["device.user.remove"]),
    (Class::Entity, "Enable", &["integration.api_service.lifecycle.authorize"]),
    (Class::Api, BY_VERB, &[
        "access", "analytics", "app", "certification", "pam.resource", "personal", "plugin", "support", "system",
        "user.identity_snapshot", "workflows",
    ]),
    (Class::Api, "Read", &["analytics.reports.export", "application.configuration.import_schema"]),
    (Class::Api, "Update", &["system.import.group_membership", "system.import.membership_processing.complete"]),
    (Class::Api, "Delete", &["app.oauth2.as.token.revoke", "app.oauth2.token.revoke"]),
    (Class::Api, "Other", &[
        "app.ai_agent_provider.import", "app.user_management.import", "application.cache",
        "application.configuration.detect_error", "application.integration", "application.provision.integration",
        "core", "event_hook.delivery", "inline_hook.executed", "inline_hook.response", "mim.command", "org",
        "pam.security_policy.evaluate", "security.protected_action.attempt", "system.directory.debugger",
        "system.email", "system.identity_sources", "system.import", "system.import.custom_object.complete",
        "system.sms", "system.voice",
    ]),
    (Class::Finding, "Create", &[
        "app.oauth2.as.token.detect_reuse", "app.oauth2.token.detect_reuse", "security.attack.start",
        "security.breached_credential", "security.events.provider.receive_event", "security.request",
        "security.session", "security.threat.detected", "user.account.report_suspicious_activity_by_enduser",
        "user.risk.detect",
    ]),
    (Class::Finding, "Update", &["user.risk.change"]),
    (Class::Finding, "Close", &["security.attack.end"]),
    (Class::Base, "Other", &["policy.execute", "policy.rule.action", "policy.scheduled"]),
];

/// Last word of an event type, or the part of it before `_`; then the activity of an entity, of an
/// API call and of an account.
#[rustfmt::skip]
static VERBS: &[(&[&str], &str, &str, &str)] = &[
    (&["add", "added", "create", "created", "duplicate", "generate", "clone", "import", "issue", "new", "register", "upload"], "Create", "Create", "Create"),
    (&["download", "downloaded", "export", "query", "read", "reveal", "search", "view"], "Read", "Read", OTHER),
    (&["assign", "change", "edit", "overwrite", "publish", "renew", "reset", "rollover", "rotate", "save", "update", "updated", "upgrade"], "Update", "Update", OTHER),
    (&["delete", "deleted", "remove", "removed", "revoke"], "Delete", "Delete", "Delete"),
    (&["move", "rename"], "Move", "Update", OTHER),
    (&["bind", "enroll"], "Enroll", "Create", OTHER),
    (&["unenroll"], "Unenroll", "Delete", OTHER),
    (&["enable", "enabled"], "Enable", "Update", "Enable"),
    (&["disable", "disabled"], "Disable", "Update", "Disable"),
    (&["activate", "activated", "reactivate"], "Activate", "Update", "Enable"),
    (&["deactivate", "deactivated"], "Deactivate", "Update", "Disable"),
    (&["hold", "suspend"], "Suspend", "Update", "Disable"),
    (&["resume", "unsuspend"], "Resume", "Update", "Enable"),
];

/// An event's place in the schema: its class, and the activity's id and caption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EventKind {
    pub class: Class,
    pub activity_id: u32,
    pub activity: &'static str,
}

/// The kind of an event type; an event without one is a base event of unknown activity.
pub(super) fn kind(event_type: Option<&str>) -> EventKind {
    let Some(event_type) = event_type else {
        return EventKind {
            class: Class::Base,
            activity_id: 0,
            activity: "Unknown",
        };
    };
    let (class, activity) =
        longest(event_type, |prefix| BY_TYPE.get(prefix).copied()).unwrap_or((Class::Base, OTHER));
    let wanted = if activity == BY_VERB {
        by_verb(class, event_type)
    } else {
        activity
    };
    let known = class
        .facts()
        .activities
        .iter()
        .find(|(_, caption)| *caption == wanted);
    let (activity_id, activity) = known.copied().unwrap_or((99, OTHER));
    EventKind {
        class,
        activity_id,
        activity,
    }
}

/// The answer of `find` for the longest of the event type's prefixes, itself included.
pub(super) fn longest<T>(event_type: &str, find: impl Fn(&str) -> Option<T>) -> Option<T> {
    let mut prefix = event_type;
    loop {
        match find(prefix) {
            None => prefix = &prefix[..prefix.rfind('.')?],
            found => return found,
        }
    }
}

fn by_verb(class: Class, event_type: &str) -> &'static str {
    let last = event_type.rsplit('.').next().unwrap_or_default();
    let first_part = last.split('_').next().unwrap_or_default();
    let row = BY_WORD.get(last).or_else(|| BY_WORD.get(first_part));
    row.map_or(OTHER, |(entity, api, account)| match class {
        Class::Entity => entity,
        Class::Account => account,
        _ => api,
    })
}

static BY_TYPE: LazyLock<HashMap<&str, (Class, &str)>> = LazyLock::new(|| {
    let each = EVENT_TYPES
        .iter()
        .flat_map(|(class, activity, types)| types.iter().map(|t| (*t, (*class, *activity))));
    each.collect()
});

static BY_WORD: LazyLock<HashMap<&str, (&str, &str, &str)>> = LazyLock::new(|| {
    let each = VERBS.iter().flat_map(|(words, entity, api, account)| {
        words.iter().map(|w| (*w, (*entity, *api, *account)))
    });
    each.collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: [Class; 8] = [
        Class::Base,
        Class::Finding,
        Class::Account,
        Class::Authentication,
        Class::Entity,
        Class::UserAccess,
        Class::Group,
        Class::Api,
    ];

    fn has(class: Class, activity: &str) -> bool {
        activity == OTHER
            || class
                .facts()
                .activities
                .iter()
                .any(|(_, caption)| *caption == activity)
    }

    #[test]
    fn no_event_type_and_no_verb_stands_twice() {
        assert_eq!(
            BY_TYPE.len(),
            EVENT_TYPES
                .iter()
                .map(|(.., types)| types.len())
                .sum::<usize>()
        );
        assert_eq!(
            BY_WORD.len(),
            VERBS.iter().map(|(words, ..)| words.len()).sum::<usize>()
        );
    }

    #[test]
    fn every_activity_is_one_of_its_class() {
        for (class, activity, types) in EVENT_TYPES {
            let is_by_verb = *activity == BY_VERB
                && matches!(class, Class::Entity | Class::Api | Class::Account);
            assert!(
                is_by_verb || has(*class, activity),
                "{activity} of {types:?}"
            );
        }
        for (words, entity, api, account) in VERBS {
            let fits =
                has(Class::Entity, entity) && has(Class::Api, api) && has(Class::Account, account);
            assert!(fits, "{words:?}");
        }
    }

    #[test]
    fn a_class_has_its_own_uid_in_its_category() {
        for class in CLASSES {
            let facts = class.facts();
            assert_eq!(facts.uid / 1000, facts.category_uid, "{}", facts.name);
            assert_eq!(
                CLASSES
                    .iter()
                    .filter(|other| other.facts().uid == facts.uid)
                    .count(),
                1
            );
        }
    }

    #[test]
    fn the_longest_prefix_of_whole_words_decides() {
        let class = |event_type| kind(Some(event_type)).class;
        assert_eq!(class("user.session.start.some.more"), Class::Authentication);
        assert_eq!(class("user.sessions"), Class::Account);
        assert_eq!(class("users.session"), Class::Base);
        assert_eq!(class("."), Class::Base);
    }
}
