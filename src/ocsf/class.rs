//! The classes of the schema that System Log events have. <https://schema.ocsf.io/1.8.0/>

/// An activity's caption where the class has none for it.
pub(super) const OTHER: &str = "Other";

/// A class of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Class {
    Base,
    Finding,
    Account,
    Authentication,
    Entity,
    UserAccess,
    Group,
    Api,
}

/// A class's ids and captions in the schema.
pub(super) struct ClassFacts {
    pub uid: u32,
    pub name: &'static str,
    pub category_uid: u32,
    pub category_name: &'static str,
    /// Ids and captions, without 0 Unknown and 99 Other.
    pub activities: &'static [(u32, &'static str)],
}

impl Class {
    pub(super) fn facts(self) -> &'static ClassFacts {
        match self {
            Self::Base => &BASE,
            Self::Finding => &FINDING,
            Self::Account => &ACCOUNT,
            Self::Authentication => &AUTHENTICATION,
            Self::Entity => &ENTITY,
            Self::UserAccess => &USER_ACCESS,
            Self::Group => &GROUP,
            Self::Api => &API,
        }
    }
}

const fn iam(
    uid: u32,
    name: &'static str,
    activities: &'static [(u32, &'static str)],
) -> ClassFacts {
    ClassFacts {
        uid,
        name,
        category_uid: 3,
        category_name: "Identity & Access Management",
        activities,
    }
}

static BASE: ClassFacts = ClassFacts {
    uid: 0,
    name: "Base Event",
    category_uid: 0,
    category_name: "Uncategorized",
    activities: &[],
};
static FINDING: ClassFacts = ClassFacts {
    uid: 2004,
    name: "Detection Finding",
    category_uid: 2,
    category_name: "Findings",
    activities: &[(1, "Create"), (2, "Update"), (3, "Close")],
};
static ACCOUNT: ClassFacts = iam(
    3001,
    "Account Change",
    &[
        (1, "Create"),
        (2, "Enable"),
        (3, "Password Change"),
        (4, "Password Reset"),
        (5, "Disable"),
        (6, "Delete"),
        (9, "Lock"),
        (10, "MFA Factor Enable"),
        (11, "MFA Factor Disable"),
        (12, "Unlock"),
    ],
);
static AUTHENTICATION: ClassFacts = iam(
    3002,
    "Authentication",
    &[
        (1, "Logon"),
        (2, "Logoff"),
        (3, "Authentication Ticket"),
        (4, "Service Ticket Request"),
        (6, "Preauth"),
        (7, "Account Switch"),
    ],
);
static ENTITY: ClassFacts = iam(
    3004,
    "Entity Management",
    &[
        (1, "Create"),
        (2, "Read"),
        (3, "Update"),
        (4, "Delete"),
        (5, "Move"),
        (6, "Enroll"),
        (7, "Unenroll"),
        (8, "Enable"),
        (9, "Disable"),
        (10, "Activate"),
        (11, "Deactivate"),
        (12, "Suspend"),
        (13, "Resume"),
    ],
);
static USER_ACCESS: ClassFacts = iam(
    3005,
    "User Access Management",
    &[(1, "Assign Privileges"), (2, "Revoke Privileges")],
);
static GROUP: ClassFacts = iam(
    3006,
    "Group Management",
    &[
        (1, "Assign Privileges"),
        (2, "Revoke Privileges"),
        (3, "Add User"),
        (4, "Remove User"),
        (5, "Delete"),
        (6, "Create"),
    ],
);
static API: ClassFacts = ClassFacts {
    uid: 6003,
    name: "API Activity",
    category_uid: 6,
    category_name: "Application Activity",
    activities: &[(1, "Create"), (2, "Read"), (3, "Update"), (4, "Delete")],
};
