//! Which roles and permissions can make admins: `escalationPathPossible` of a permission.
//! <https://developer.okta.com/docs/api/openapi/okta-management/guides/roles/>
//! <https://developer.okta.com/docs/api/openapi/okta-management/guides/permissions/>

/// Standard roles that grant roles, reset passwords or factors, change memberships of groups that may hold roles, or
/// manage apps that may. Readers are none.
const ROLES: [&str; 6] = [
    "SUPER_ADMIN",
    "ORG_ADMIN",
    "APP_ADMIN",
    "USER_ADMIN",
    "HELP_DESK_ADMIN",
    "GROUP_MEMBERSHIP_ADMIN",
];

/// Permissions of custom roles that do the same.
const PERMISSIONS: [&str; 18] = [
    "okta.apps.clientCredentials.read",
    "okta.apps.manage",
    "okta.groups.manage",
    "okta.groups.members.manage",
    "okta.iam.manage",
    "okta.identityProviders.manage",
    "okta.roles.manage",
    "okta.users.credentials.expirePassword",
    "okta.users.credentials.manage",
    "okta.users.credentials.manageTemporaryAccessCode",
    "okta.users.credentials.resetFactors",
    "okta.users.credentials.resetPassword",
    "okta.users.create",
    "okta.users.groupMembership.manage",
    "okta.users.lifecycle.activate",
    "okta.users.lifecycle.manage",
    "okta.users.manage",
    "okta.users.userprofile.manage",
];

/// Whether somebody with this role can make an admin: a standard role's type, or a custom role with these permissions.
pub(super) fn is_possible(role: &str, permissions: &[String]) -> bool {
    ROLES.contains(&role)
        || permissions
            .iter()
            .any(|permission| PERMISSIONS.contains(&permission.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_can_make_admins_is_told_from_who_reads() {
        let custom = |permission: &str| is_possible("cr01", &[permission.to_owned()]);
        for role in ROLES {
            assert!(is_possible(role, &[]), "{role}");
        }
        for role in [
            "READ_ONLY_ADMIN",
            "REPORT_ADMIN",
            "WORKFLOWS_ADMIN",
            "MOBILE_ADMIN",
            "cr01",
        ] {
            assert!(!is_possible(role, &[]), "{role}");
        }
        assert!(custom("okta.users.credentials.resetFactors") && custom("okta.apps.manage"));
        assert!(custom("okta.groups.members.manage"));
        assert!(!custom("okta.users.read") && !custom("okta.apps.assignment.manage"));
        assert!(!custom("a.permission.of.tomorrow"));
    }
}
