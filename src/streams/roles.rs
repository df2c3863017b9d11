//! Admin roles: the standard ones, which no listing has, and custom ones with their permissions.
//! <https://developer.okta.com/docs/api/openapi/okta-management/guides/roles/>
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/RoleECustom/>

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::change::{Identity, Kind, Touches, Trigger};
use super::{
    Assembly, Cadence, Context, Fixed, Listing, Parents, Source, Step, Stream, escalation, every,
};
use crate::authomize::{
    Association, Bundle, Grouping, GroupingType, Permission, Privilege, PrivilegeType, SourceType,
    text,
};
use crate::record::Normalized;

pub static LISTING: Listing = Listing {
    name: "roles",
    path: "/api/v1/iam/roles",
    omits: "",
};

pub static STREAM: Stream = Stream {
    name: "roles",
    word: "Roles",
    scope: "okta.roles.read",
    source: Source::Assembled {
        parents: &[Parents {
            listing: &LISTING,
            kind: "Role",
            of: Kind::Role,
            wanted: every,
            keep: true,
            refusal_is_none: false,
        }],
        next,
        assemble,
        mentions: None,
    },
    identity: Identity::Own,
    cadence: Cadence::Full,
    changed_by: &[Trigger {
        events: &["iam.role."],
        touches: Touches::Whole,
    }],
    rereads: &[],
    sweep: None,
    fixed: Some(Fixed {
        known: &STANDARD,
        object: standard,
    }),
    own_id: role_id,
    normalize,
    tombstone: None,
};

/// The id of a custom role, or the type of a standard one.
fn role_id(raw: &RawValue) -> Option<String> {
    super::id_of(raw).or_else(|| super::text_of(raw, "type"))
}

/// The standard role types that Okta documents.
/// <https://developer.okta.com/docs/api/openapi/okta-management/guides/roles/#standard-roles>
pub(super) const STANDARD: [&str; 12] = [
    "SUPER_ADMIN",
    "ORG_ADMIN",
    "APP_ADMIN",
    "USER_ADMIN",
    "HELP_DESK_ADMIN",
    "GROUP_MEMBERSHIP_ADMIN",
    "READ_ONLY_ADMIN",
    "REPORT_ADMIN",
    "API_ACCESS_MANAGEMENT_ADMIN",
    "WORKFLOWS_ADMIN",
    "ACCESS_CERTIFICATIONS_ADMIN",
    "ACCESS_REQUESTS_ADMIN",
];

/// Custom roles' ids begin so.
const CUSTOM: &str = "cr0";

fn standard(kind: &str) -> Value {
    json!({"type": kind, "label": label(kind)})
}

/// Okta's label of a standard role; of one that it does not document, its words.
fn label(kind: &str) -> String {
    match kind {
        "SUPER_ADMIN" => "Super Administrator".to_owned(),
        "ORG_ADMIN" => "Organization Administrator".to_owned(),
        "APP_ADMIN" => "Application Administrator".to_owned(),
        "USER_ADMIN" => "Group Administrator".to_owned(),
        "HELP_DESK_ADMIN" => "Help Desk Administrator".to_owned(),
        "READ_ONLY_ADMIN" => "Read-only Administrator".to_owned(),
        "API_ACCESS_MANAGEMENT_ADMIN" => "API Access Management Administrator".to_owned(),
        _ => {
            let word = |word: &str| match word {
                "ADMIN" => "Administrator".to_owned(),
                _ => word
                    .chars()
                    .take(1)
                    .chain(word.chars().skip(1).flat_map(char::to_lowercase))
                    .collect(),
            };
            kind.split('_').map(word).collect::<Vec<_>>().join(" ")
        }
    }
}

/// The grouping that stands for a role.
pub(super) fn grouping_id(role: &str) -> String {
    format!("role:{role}")
}

/// The privilege that a role gives.
pub(super) fn privilege_id(role: &str) -> String {
    format!("okta:role:{role}")
}

fn next(assembly: &Assembly) -> Option<Step> {
    assembly
        .parts
        .is_empty()
        .then(|| Step::to(format!("/api/v1/iam/roles/{}/permissions", assembly.parent)))?
}

fn assemble(assembly: &Assembly) -> Vec<Value> {
    let permissions = assembly
        .parts
        .first()
        .map(|part| part.items.clone())
        .unwrap_or_default();
    let mut role = assembly.item.clone();
    if let Some(object) = role.as_mut().and_then(Value::as_object_mut) {
        object.insert("permissions".to_owned(), permissions.into());
    }
    role.into_iter().collect()
}

fn normalize(raw: &RawValue, context: &Context<'_>) -> Option<Normalized> {
    let source = context.object(raw)?;
    let id = text(&source, &["id"]).or_else(|| text(&source, &["type"]))?;
    let name = text(&source, &["label"]).unwrap_or_else(|| id.clone());
    let permissions: Vec<String> = source["permissions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|permission| text(permission, &["label"]))
        .collect();
    let grant = |permission: &String| Association {
        source_id: privilege_id(&id),
        target_id: permission.clone(),
    };
    let bundle = Bundle {
        new_privileges: std::iter::once(role_privilege(&id, name, &permissions))
            .chain(
                permissions
                    .iter()
                    .map(|permission| permission_privilege(permission)),
            )
            .collect(),
        new_privileges_grants: permissions.iter().map(grant).collect(),
        ..Bundle::default()
    };
    Some(Normalized {
        id,
        bundle,
        source: source.into(),
        ocsf: None,
    })
}

/// The grouping of whoever holds a standard role over the whole org. It belongs to their assignments: a role that
/// nobody holds so has none, for an empty group with an entitlement says what is not so.
pub(super) fn grouping(role: &str) -> Grouping {
    Grouping {
        unique_id: grouping_id(role),
        origin_id: role.to_owned(),
        name: label(role),
        origin_type: Some("Role".to_owned()),
        kind: GroupingType::Group,
        is_role: true,
        ..Grouping::default()
    }
}

/// The right of that grouping. Custom roles have none: they are never given over the whole org.
pub(super) fn over_the_org(role: &str) -> Permission {
    Permission {
        source_unique_id: grouping_id(role),
        source_type: SourceType::Grouping,
        privilege_id: privilege_id(role),
        asset_id: None,
        is_role: true,
        escalation_path_possible: escalation::is_possible(role, &[]).then_some(true),
        tags: Vec::new(),
    }
}

fn role_privilege(role: &str, label: String, permissions: &[String]) -> Privilege {
    let is_custom = !permissions.is_empty() || role.starts_with(CUSTOM);
    let kind = match role {
        "READ_ONLY_ADMIN" => Some(PrivilegeType::MetadataRead),
        "REPORT_ADMIN" => Some(PrivilegeType::DataRead),
        // A custom role may what its permissions may, and nothing without any.
        _ if is_custom => permissions.iter().map(|one| permission_kind(one)).min(),
        _ => Some(PrivilegeType::Administrative),
    };
    let origin_id = Some(role.to_owned());
    Privilege {
        unique_id: privilege_id(role),
        origin_id,
        origin_name: label,
        privilege_type: kind,
        kind: None,
    }
}

/// A permission of a custom role (`okta.users.manage`).
/// <https://developer.okta.com/docs/api/openapi/okta-management/guides/permissions/>
fn permission_privilege(permission: &str) -> Privilege {
    let kind = permission_kind(permission);
    Privilege {
        unique_id: permission.to_owned(),
        origin_id: Some(permission.to_owned()),
        origin_name: permission.to_owned(),
        privilege_type: Some(kind),
        kind: None,
    }
}

fn permission_kind(permission: &str) -> PrivilegeType {
    if permission.ends_with(".read") {
        PrivilegeType::MetadataRead
    } else {
        PrivilegeType::Administrative
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::Part;
    use serde_json::{to_value, value::to_raw_value};

    fn normalized(role: &Value) -> Normalized {
        normalize(&to_raw_value(role).unwrap(), &Context::default()).unwrap()
    }

    #[test]
    fn a_custom_role_grants_its_permissions() {
        let role = json!({"id": "cr01", "label": "Auditor", "description": "Looks", "_links": {}});
        let part = Part {
            items: vec![
                json!({"label": "okta.users.read", "_links": {}}),
                json!({"label": "okta.groups.manage"}),
            ],
            ..Part::default()
        };
        let assembly = Assembly {
            kind: "Role",
            parent: "cr01".into(),
            item: Some(role),
            parts: vec![part],
        };
        let normalized = normalized(&assemble(&assembly)[0]);
        assert_eq!(normalized.id, "cr01");
        assert_eq!(
            normalized.source.read::<Value>().unwrap()["permissions"],
            json!([{"label": "okta.users.read"}, {"label": "okta.groups.manage"}])
        );
        assert_eq!(
            to_value(&normalized.bundle).unwrap(),
            json!({
                "new_privileges": [
                    {"uniqueId": "okta:role:cr01", "originId": "cr01", "originName": "Auditor", "privilegeType": "Administrative"},
                    {"uniqueId": "okta.users.read", "originId": "okta.users.read", "originName": "okta.users.read", "privilegeType": "Metadata Read"},
                    {"uniqueId": "okta.groups.manage", "originId": "okta.groups.manage", "originName": "okta.groups.manage", "privilegeType": "Administrative"},
                ],
                "new_privileges_grants": [
                    {"sourceId": "okta:role:cr01", "targetId": "okta.users.read"}, {"sourceId": "okta:role:cr01", "targetId": "okta.groups.manage"},
                ],
            })
        );
    }

    #[test]
    fn a_role_alone_is_no_grouping_and_no_right() {
        let custom = json!({"id": "cr01", "label": "Auditor", "permissions": [{"label": "okta.users.manage"}]});
        for role in [standard("SUPER_ADMIN"), custom] {
            let bundle = normalized(&role).bundle;
            assert!(
                bundle.new_groupings.is_empty() && bundle.new_permissions.is_empty(),
                "{role}"
            );
        }
    }

    #[test]
    fn a_custom_role_is_administrative_if_one_of_its_permissions_is() {
        let kind = |permissions: &[&str]| {
            let permissions: Vec<_> = permissions
                .iter()
                .map(|label| json!({"label": label}))
                .collect();
            let role = json!({"id": "cr01", "label": "Auditor", "permissions": permissions});
            normalized(&role).bundle.new_privileges[0].privilege_type
        };
        assert_eq!(
            kind(&["okta.users.read", "okta.apps.read"]),
            Some(PrivilegeType::MetadataRead)
        );
        assert_eq!(
            kind(&["okta.users.read", "okta.apps.manage"]),
            Some(PrivilegeType::Administrative)
        );
        assert_eq!(
            kind(&["okta.a.permission.of.tomorrow"]),
            Some(PrivilegeType::Administrative)
        );
        assert_eq!(kind(&[]), None);
    }

    #[test]
    fn standard_roles_have_their_type_as_id() {
        for kind in STANDARD.iter().chain(&["MOBILE_ADMIN"]) {
            let normalized = normalized(&standard(kind));
            assert_eq!(normalized.id, *kind);
            let name = &normalized.bundle.new_privileges[0].origin_name;
            assert!(name.ends_with("Administrator"), "{normalized:?}");
            assert_eq!(&grouping(kind).name, name);
        }
        assert_eq!(label("MOBILE_ADMIN"), "Mobile Administrator");
        let kind = |role| normalized(&standard(role)).bundle.new_privileges[0].privilege_type;
        assert_eq!(kind("READ_ONLY_ADMIN"), Some(PrivilegeType::MetadataRead));
        assert_eq!(kind("REPORT_ADMIN"), Some(PrivilegeType::DataRead));
        assert_eq!(kind("SUPER_ADMIN"), Some(PrivilegeType::Administrative));
    }
}
