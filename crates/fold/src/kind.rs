//! The entities of Authomize's Connectors REST API v2: bundle keys, paths, identities and references.
//!
//! Source: the OpenAPI document in PyPI `authomize-rest-api-client` 4.6.9.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An entity of the model. The order is that of posting: an item comes after those that it refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Accounts of people.
    Users,
    /// Accounts of software.
    ServiceAccounts,
    /// People, as a human resources system knows them.
    Identities,
    /// Groups and roles.
    Groupings,
    /// Rights that can be given.
    Privileges,
    /// Applications and other objects of permissions.
    Assets,
    /// Git repositories.
    GitRepos,
    /// Privileges given to an account or a grouping on an asset.
    Permissions,
    /// Privilege in privilege.
    PrivilegesGrants,
    /// Account in grouping.
    AccountsAssociation,
    /// Grouping in grouping.
    GroupingsAssociation,
    /// Asset in asset.
    AssetsInheritance,
}

/// Every kind, in the order of posting.
pub const KINDS: [Kind; 12] = [
    Kind::Users,
    Kind::ServiceAccounts,
    Kind::Identities,
    Kind::Groupings,
    Kind::Privileges,
    Kind::Assets,
    Kind::GitRepos,
    Kind::Permissions,
    Kind::PrivilegesGrants,
    Kind::AccountsAssociation,
    Kind::GroupingsAssociation,
    Kind::AssetsInheritance,
];

/// A field that names another item, and the kinds that may define it.
pub type Reference = (&'static str, &'static [Kind]);

const ACCOUNT: &[Kind] = &[Kind::Users, Kind::ServiceAccounts];
const GROUPING: &[Kind] = &[Kind::Groupings];
const PRIVILEGE: &[Kind] = &[Kind::Privileges];
const ASSET: &[Kind] = &[Kind::Assets, Kind::GitRepos];

impl Kind {
    /// The kind's name in bundle keys and reports, such as `accounts_association`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::ServiceAccounts => "service_accounts",
            Self::Identities => "identities",
            Self::Groupings => "groupings",
            Self::Privileges => "privileges",
            Self::Assets => "assets",
            Self::GitRepos => "git_repos",
            Self::Permissions => "permissions",
            Self::PrivilegesGrants => "privileges_grants",
            Self::AccountsAssociation => "accounts_association",
            Self::GroupingsAssociation => "groupings_association",
            Self::AssetsInheritance => "assets_inheritance",
        }
    }

    /// Where items are posted, below `/v2/apps/{id}/`.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Users => "accounts/users",
            Self::ServiceAccounts => "accounts/nonHumanIdentities",
            Self::Identities => "identities",
            Self::Groupings => "access/grouping",
            Self::Privileges => "privileges",
            Self::Assets => "assets",
            Self::GitRepos => "assets/git-repository",
            Self::Permissions => "access/permissions",
            Self::PrivilegesGrants => "privileges/grants",
            Self::AccountsAssociation => "association/accounts",
            Self::GroupingsAssociation => "association/groupings",
            Self::AssetsInheritance => "assets/inheritance",
        }
    }

    /// Whether the API lists an app's items of this kind (`GET` of the same path).
    #[must_use]
    pub fn is_listed(self) -> bool {
        self != Self::GitRepos
    }

    /// The kind of a bundle key and whether it updates: `new_users`, `update_users`. `None` for keys of later models.
    #[must_use]
    pub fn of_bundle_key(key: &str) -> Option<(Self, bool)> {
        let (verb, name) = key.split_once('_')?;
        let updates = match verb {
            "new" => false,
            "update" => true,
            _ => return None,
        };
        KINDS
            .into_iter()
            .find(|kind| kind.name() == name)
            .map(|kind| (kind, updates))
    }

    /// Fields that identify an item.
    #[must_use]
    pub fn identity(self) -> &'static [&'static str] {
        match self {
            Self::Permissions => &["sourceType", "sourceUniqueId", "privilegeId", "assetId"],
            Self::PrivilegesGrants
            | Self::AccountsAssociation
            | Self::GroupingsAssociation
            | Self::AssetsInheritance => &["sourceId", "targetId"],
            _ => &["uniqueId"],
        }
    }

    /// The identity of an item as one text, its fields separated by U+001F; `None` for an item without it.
    #[must_use]
    pub fn key(self, item: &Map<String, Value>) -> Option<String> {
        let part = |field: &&str| match item.get(*field).and_then(Value::as_str) {
            Some(text) if !text.is_empty() => Some(text.to_owned()),
            // A permission without an asset is one on the whole org.
            _ if *field == "assetId" => Some(String::new()),
            _ => None,
        };
        let parts: Option<Vec<String>> = self.identity().iter().map(part).collect();
        Some(parts?.join("\u{1f}"))
    }

    /// Lists that a complete item of this kind always has, so that a cleared one is cleared in Authomize too.
    #[must_use]
    pub fn lists(self) -> &'static [&'static str] {
        match self {
            Self::Users | Self::Groupings | Self::Assets | Self::GitRepos => {
                &["tags", "customProperties"]
            }
            Self::ServiceAccounts | Self::Identities | Self::Permissions => &["tags"],
            _ => &[],
        }
    }

    /// The fields in which an item refers to others.
    #[must_use]
    pub fn references(self, item: &Map<String, Value>) -> &'static [Reference] {
        match self {
            Self::Permissions
                if item
                    .get("sourceType")
                    .is_some_and(|kind| kind == "Grouping") =>
            {
                &[
                    ("sourceUniqueId", GROUPING),
                    ("privilegeId", PRIVILEGE),
                    ("assetId", ASSET),
                ]
            }
            Self::Permissions => &[
                ("sourceUniqueId", ACCOUNT),
                ("privilegeId", PRIVILEGE),
                ("assetId", ASSET),
            ],
            Self::PrivilegesGrants => &[("sourceId", PRIVILEGE), ("targetId", PRIVILEGE)],
            Self::AccountsAssociation => &[("sourceId", ACCOUNT), ("targetId", GROUPING)],
            Self::GroupingsAssociation => &[("sourceId", GROUPING), ("targetId", GROUPING)],
            Self::AssetsInheritance => &[("sourceId", ASSET), ("targetId", ASSET)],
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_stand_in_the_order_in_which_they_refer_to_each_other() {
        for kind in KINDS {
            for source in ["User", "Grouping"] {
                let item = Map::from_iter([("sourceType".to_owned(), Value::from(source))]);
                for (field, defining) in kind.references(&item) {
                    assert!(
                        defining.iter().all(|other| *other < kind),
                        "{kind:?}.{field}"
                    );
                }
            }
        }
        assert!(KINDS.is_sorted());
    }

    #[test]
    fn bundle_keys_name_kinds() {
        assert_eq!(Kind::of_bundle_key("new_users"), Some((Kind::Users, false)));
        assert_eq!(
            Kind::of_bundle_key("update_assets"),
            Some((Kind::Assets, true))
        );
        for unknown in ["new_planets", "delete_users", "users", ""] {
            assert_eq!(Kind::of_bundle_key(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn a_permission_on_the_whole_org_has_no_asset() {
        let item = |value: Value| value.as_object().unwrap().clone();
        let whole = item(
            serde_json::json!({"sourceUniqueId": "a", "sourceType": "User", "privilegeId": "p"}),
        );
        assert_eq!(
            Kind::Permissions.key(&whole).as_deref(),
            Some("User\u{1f}a\u{1f}p\u{1f}")
        );
        assert_eq!(Kind::Users.key(&whole), None);
    }
}
