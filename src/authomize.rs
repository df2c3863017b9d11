//! The target model: Authomize's Connectors REST API v2, field by field.
//!
//! Shapes are those of `IngestionDataBundleSchema` and of the PATCH models in PyPI
//! `authomize-rest-api-client` 4.6.9. Absent values are left out, never null or empty: every
//! optional field skips itself, and [`text`] turns an empty string into `None`.

use jiff::Timestamp;
#[cfg(feature = "schemas")]
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::Value;
use serde_with::skip_serializing_none;

macro_rules! model {
    ($(#[$doc:meta])* $name:ident { $($(#[$note:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[skip_serializing_none]
        #[derive(Debug, Clone, Default, PartialEq, Serialize)]
        #[cfg_attr(feature = "schemas", derive(JsonSchema))]
        #[serde(rename_all = "camelCase")]
        #[cfg_attr(feature = "schemas", schemars(deny_unknown_fields, transform = refuse_empty))]
        pub struct $name { $($(#[$note])* pub $field: $type,)* }
    };
}

/// The items that Authomize ingests for one record; keys without items are left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[cfg_attr(feature = "schemas", schemars(deny_unknown_fields, transform = refuse_empty))]
pub struct Bundle {
    /// Accounts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub new_users: Vec<User>,
    /// Groups and roles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub new_groupings: Vec<Grouping>,
    /// Privileges: actions that can be allowed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub new_privileges: Vec<Privilege>,
    /// Privilege in privilege.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub new_privileges_grants: Vec<Association>,
    /// Permissions: an account or grouping may use a privilege on an asset.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub new_permissions: Vec<Permission>,
    /// Account in grouping.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub new_accounts_association: Vec<Association>,
    /// Grouping in grouping.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub new_groupings_association: Vec<Association>,
    /// Applications, and other objects of permissions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub new_assets: Vec<Asset>,
    /// Asset in asset.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub new_assets_inheritance: Vec<Association>,
    /// Accounts of software.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub new_service_accounts: Vec<ServiceAccount>,
    /// PATCH items of accounts, laid over the newest `new_users` item of the same id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub update_users: Vec<UserUpdate>,
    /// PATCH items of accounts of software, laid over the newest `new_service_accounts` item of the same id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub update_service_accounts: Vec<ServiceAccountUpdate>,
    /// PATCH items of assets, laid over the newest `new_assets` item of the same id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub update_assets: Vec<AssetUpdate>,
}

model! {
    /// An account (`NewUserRequestSchema`).
    User {
        /// Okta id.
        unique_id: String,
        /// Okta id.
        origin_id: String,
        /// The schema calls it "Username".
        name: Option<String>,
        /// Left out when Okta has none.
        email: Option<String>,
        /// `profile.firstName`.
        first_name: Option<String>,
        /// `profile.lastName`.
        last_name: Option<String>,
        /// See [`UserStatus`].
        status: UserStatus,
        /// `profile.department`.
        department: Option<String>,
        /// `profile.title`.
        title: Option<String>,
        /// Set only where the user's type says so; the model's default is false.
        is_external: Option<bool>,
        /// RFC 3339, UTC.
        #[cfg_attr(feature = "schemas", schemars(extend("format" = "date-time")))]
        last_login_at: Option<String>,
        /// Attributes without a field of their own.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        custom_properties: Vec<CustomProperty>,
    }
}

model! {
    /// PATCH of an account (`UpdateUserSchema`); touches only the fields it names.
    UserUpdate {
        /// Okta id.
        unique_id: String,
        /// `Deleted` for a tombstone.
        status: Option<UserStatus>,
        /// Whether any factor is active that counts beside a password.
        #[serde(rename = "hasMFA", skip_serializing_if = "Option::is_none")]
        has_mfa: Option<bool>,
        /// RFC 3339, UTC.
        #[cfg_attr(feature = "schemas", schemars(extend("format" = "date-time")))]
        last_login_at: Option<String>,
        /// `mfa:sms` and the like: all weak factors, so that an empty list takes away what is no longer there.
        tags: Option<Vec<String>>,
    }
}

model! {
    /// PATCH of an asset; touches only the fields it names, but must name it.
    AssetUpdate {
        /// Okta id.
        unique_id: String,
        /// Required and never empty; a loader never lays it over the name that `new_assets` gave.
        name: String,
        /// RFC 3339, UTC.
        #[cfg_attr(feature = "schemas", schemars(extend("format" = "date-time")))]
        last_used_at: String,
    }
}

model! {
    /// An account of software (`NewServiceAccountRequestSchema`).
    ServiceAccount {
        /// Okta id.
        unique_id: String,
        /// Okta id.
        origin_id: String,
        /// The kind of software.
        #[serde(rename = "type")]
        kind: ServiceAccountType,
        /// Never empty.
        name: Option<String>,
        /// From the app's status.
        status: UserStatus,
    }
}

model! {
    /// PATCH of an account of software; touches only the fields it names.
    ServiceAccountUpdate {
        /// Okta id.
        unique_id: String,
        /// RFC 3339, UTC.
        #[cfg_attr(feature = "schemas", schemars(extend("format" = "date-time")))]
        last_activity_date: String,
    }
}

/// Type of a service account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
pub enum ServiceAccountType {
    /// An app that signs in as itself.
    #[default]
    ApplicationPrincipal,
}

model! {
    /// Something that can be allowed (`NewPrivilegeRequestSchema`).
    Privilege {
        /// `okta:use-app`, `okta:role:<type or id>`, or a permission's own name.
        unique_id: String,
        /// Okta's id of it.
        origin_id: Option<String>,
        /// Label.
        origin_name: String,
        /// None where the model has no kind that fits.
        privilege_type: Option<PrivilegeType>,
        /// The deprecated field, for the one kind that only it has.
        #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
        kind: Option<LegacyPrivilegeType>,
    }
}

/// Kind of a privilege, the most powerful first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
pub enum PrivilegeType {
    /// May change things.
    Administrative,
    /// May read data.
    #[serde(rename = "Data Read")]
    DataRead,
    /// May read about things.
    #[serde(rename = "Metadata Read")]
    MetadataRead,
}

/// Kind of a privilege in the deprecated field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
pub enum LegacyPrivilegeType {
    /// May use it.
    Use,
}

model! {
    /// A permission: an account or grouping may use a privilege on an asset (`NewPermissionRequestSchema`).
    Permission {
        /// A user's, group's or role grouping's id.
        source_unique_id: String,
        /// Which of them.
        source_type: SourceType,
        /// The privilege that is allowed.
        privilege_id: String,
        /// The asset; absent for the whole org.
        asset_id: Option<String>,
        /// Whether the privilege is a role.
        is_role: bool,
        /// Whether its holder can make an admin; left out where not, as in the model's default.
        escalation_path_possible: Option<bool>,
        /// Attributes without a field of their own.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tags: Vec<String>,
    }
}

/// The kind of a permission's source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
pub enum SourceType {
    /// An account.
    #[default]
    User,
    /// A group or role.
    Grouping,
}

model! {
    /// An object of permissions (`NewAssetRequestSchema`).
    Asset {
        /// Okta id.
        unique_id: String,
        /// Okta id.
        origin_id: String,
        /// Required and never empty.
        name: String,
        /// Kind in the model.
        #[serde(rename = "type")]
        kind: AssetType,
        /// Another name of it.
        alternative_name: Option<String>,
        /// Okta's own kind.
        origin_type: Option<String>,
        /// RFC 3339, UTC.
        #[cfg_attr(feature = "schemas", schemars(extend("format" = "date-time")))]
        created_at: Option<String>,
        /// At most 512 characters.
        #[cfg_attr(feature = "schemas", schemars(length(max = DESCRIPTION_CHARS)))]
        description: Option<String>,
        /// Where people see it: in the org's Admin Console, else where the app is opened.
        href: Option<String>,
        /// Attributes without a field of their own, which may be long.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tags: Vec<String>,
        /// Attributes without a field of their own.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        custom_properties: Vec<CustomProperty>,
    }
}

/// Kind of an asset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
pub enum AssetType {
    /// An app.
    Application,
    /// A trust between systems: an identity provider.
    Integration,
    /// Objects that the model has no kind for: groups and resource sets as objects of a role.
    #[default]
    Other,
}

/// Status of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
pub enum UserStatus {
    /// Created, not yet activated.
    Staged,
    /// Can sign in.
    Enabled,
    /// Deactivated for good.
    Disabled,
    /// Locked or suspended.
    Suspended,
    /// Gone from the org.
    Deleted,
    /// A status that Okta does not document.
    #[default]
    Unknown,
}

model! {
    /// A group or a role (`NewGroupingRequestSchema`).
    Grouping {
        /// Okta id, or `role:<type or id>`.
        unique_id: String,
        /// Okta id.
        origin_id: String,
        /// Required and never empty.
        name: String,
        /// Okta's own type.
        origin_type: Option<String>,
        /// `Group` for all that Okta has.
        #[serde(rename = "type")]
        kind: GroupingType,
        /// Whether the grouping is a role.
        is_role: bool,
        /// At most 256 characters.
        #[cfg_attr(feature = "schemas", schemars(length(max = ALTERNATIVE_NAME_CHARS)))]
        alternative_name: Option<String>,
        /// Attributes without a field of their own.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        custom_properties: Vec<CustomProperty>,
    }
}

/// Type of a grouping.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
pub enum GroupingType {
    /// A set of accounts.
    #[default]
    Group,
}

model! {
    /// `sourceId` belongs to `targetId` (`NewAccountsAssociationRequestSchema` and its kin).
    Association {
        /// The member.
        source_id: String,
        /// The whole that it belongs to.
        target_id: String,
    }
}

model! {
    /// A value without a field of its own.
    CustomProperty {
        /// Okta's name of the value, as a path.
        key: String,
        /// The value as text; a long one is cut.
        #[cfg_attr(feature = "schemas", schemars(length(max = CUSTOM_VALUE_CHARS)))]
        value: String,
    }
}

/// Most characters that a custom property's value may have.
pub const CUSTOM_VALUE_CHARS: usize = 64;
/// Most characters of a grouping's `alternativeName`.
pub const ALTERNATIVE_NAME_CHARS: usize = 256;
/// Most characters of an asset's description.
pub const DESCRIPTION_CHARS: usize = 512;

/// The published form of the model: text and lists are left out rather than written empty.
#[cfg(feature = "schemas")]
fn refuse_empty(schema: &mut Schema) {
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for property in properties
        .into_iter()
        .flat_map(|properties| properties.values_mut())
    {
        if is(property, "array") {
            // An optional list is left out where nothing is known: an empty one says that there is nothing.
            if property["type"] == "array" {
                property["minItems"] = 1.into();
            }
            if is(&property["items"], "string") {
                property["items"]["minLength"] = 1.into();
            }
        } else if is(property, "string") {
            property["minLength"] = 1.into();
        }
    }
}

#[cfg(feature = "schemas")]
fn is(schema: &Value, kind: &str) -> bool {
    let types = &schema["type"];
    types == kind
        || types
            .as_array()
            .is_some_and(|types| types.iter().any(|of| of == kind))
}

/// The value at `path` as text: strings, numbers and booleans; `None` where it is absent, null,
/// empty or something else.
#[must_use]
pub fn text(object: &Value, path: &[&str]) -> Option<String> {
    let value = path.iter().try_fold(object, |value, key| value.get(key))?;
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// The time at `path`, as RFC 3339 in UTC, or `None` if there is no valid time.
#[must_use]
pub fn time(object: &Value, path: &[&str]) -> Option<String> {
    text(object, path)?.parse::<Timestamp>().ok().map(rfc3339)
}

/// `2026-11-23T18:00:00.000Z`: the one form of time in all that the function writes.
#[must_use]
pub fn rfc3339(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Custom properties of the values at `paths`, keyed by the dotted path; a list is joined by
/// commas, values that are too long are cut, absent ones are left out.
#[must_use]
pub fn custom_properties(object: &Value, paths: &[&[&str]]) -> Vec<CustomProperty> {
    let value = |path: &[&str]| {
        text(object, path).or_else(|| {
            let list = path
                .iter()
                .try_fold(object, |value, key| value.get(key))?
                .as_array()?;
            let parts: Vec<String> = list.iter().filter_map(|item| text(item, &[])).collect();
            (!parts.is_empty()).then(|| parts.join(","))
        })
    };
    let property = |path: &&[&str]| {
        Some(CustomProperty {
            key: path.join("."),
            value: cut(&value(path)?, CUSTOM_VALUE_CHARS),
        })
    };
    paths.iter().filter_map(property).collect()
}

/// The first `chars` characters.
#[must_use]
pub fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}
