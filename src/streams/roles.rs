//! Admin roles: the standard ones, which no listing has, and custom ones with their permissions.
//! <https://developer.okta.com/docs/api/openapi/okta-management/guides/roles/>
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/RoleECustom/>

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::change::{Identity, Kind, Touches, Trigger};
use super::{Assembly, Cadence, Context, Fixed, Listing, Parents, Source, Step, Stream, every};
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
    let grouping = Grouping {
        unique_id: grouping_id(&id),
        origin_id: id.clone(),
        name: name.clone(),
        origin_type: Some("Role".to_owned()),
        kind: GroupingType::Group,
        is_role: true,
        ..Grouping::default()
    };
    let permission = Permission {
        source_unique_id: grouping_id(&id),
        source_type: SourceType::Grouping,
        privilege_id: privilege_id(&id),
        asset_id: None,
        is_role: true,
        tags: text(&source, &["description"])
            .map(|text| format!("description:{text}"))
            .into_iter()
            .collect(),
    };
    let grant = |permission: &String| Association {
        source_id: privilege_id(&id),
        target_id: permission.clone(),
    };
    let bundle = Bundle {
        new_groupings: vec![grouping],
        new_privileges: std::iter::once(role_privilege(&id, name))
            .chain(
                permissions
                    .iter()
                    .map(|permission| permission_privilege(permission)),
            )
            .collect(),
        new_privileges_grants: permissions.iter().map(grant).collect(),
        new_permissions: vec![permission],
        ..Bundle::default()
    };
    Some(Normalized {
        id,
        bundle,
        source: source.into(),
        ocsf: None,
    })
}

fn role_privilege(role: &str, label: String) -> Privilege {
    let kind = match role {
        "READ_ONLY_ADMIN" => PrivilegeType::MetadataRead,
        "REPORT_ADMIN" => PrivilegeType::DataRead,
        _ => PrivilegeType::Administrative,
    };
    let origin_id = Some(role.to_owned());
    Privilege {
        unique_id: privilege_id(role),
        origin_id,
        origin_name: label,
        privilege_type: Some(kind),
        kind: None,
    }
}

/// A permission of a custom role (`okta.users.manage`).
/// <https://developer.okta.com/docs/api/openapi/okta-management/guides/permissions/>
fn permission_privilege(permission: &str) -> Privilege {
    let kind = if permission.ends_with(".read") {
        PrivilegeType::MetadataRead
    } else {
        PrivilegeType::Administrative
    };
    Privilege {
        unique_id: permission.to_owned(),
        origin_id: Some(permission.to_owned()),
        origin_name: permission.to_owned(),
        privilege_type: Some(kind),
        kind: None,
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
                "new_groupings": [{"uniqueId": "role:cr01", "originId": "cr01", "name": "Auditor", "originType": "Role", "type": "Group", "isRole": true}],
                "new_privileges": [
                    {"uniqueId": "okta:role:cr01", "originId": "cr01", "originName": "Auditor", "privilegeType": "Administrative"},
                    {"uniqueId": "okta.users.read", "originId": "okta.users.read", "originName": "okta.users.read", "privilegeType": "Metadata Read"},
                    {"uniqueId": "okta.groups.manage", "originId": "okta.groups.manage", "originName": "okta.groups.manage", "privilegeType": "Administrative"},
                ],
                "new_privileges_grants": [
                    {"sourceId": "okta:role:cr01", "targetId": "okta.users.read"}, {"sourceId": "okta:role:cr01", "targetId": "okta.groups.manage"},
                ],
                "new_permissions": [{"sourceUniqueId": "role:cr01", "sourceType": "Grouping", "privilegeId": "okta:role:cr01", "isRole": true, "tags": ["description:Looks"]}],
            })
        );
    }

    #[test]
    fn standard_roles_have_their_type_as_id() {
        for kind in STANDARD.iter().chain(&["MOBILE_ADMIN"]) {
            let normalized = normalized(&standard(kind));
            assert_eq!(normalized.id, *kind);
            assert!(
                normalized.bundle.new_groupings[0]
                    .name
                    .ends_with("Administrator"),
                "{normalized:?}"
            );
        }
        assert_eq!(label("MOBILE_ADMIN"), "Mobile Administrator");
        let kind = |role| normalized(&standard(role)).bundle.new_privileges[0].privilege_type;
        assert_eq!(kind("READ_ONLY_ADMIN"), Some(PrivilegeType::MetadataRead));
        assert_eq!(kind("REPORT_ADMIN"), Some(PrivilegeType::DataRead));
        assert_eq!(kind("SUPER_ADMIN"), Some(PrivilegeType::Administrative));
    }
}
