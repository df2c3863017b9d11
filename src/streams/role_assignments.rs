//! Role assignments: which user, group or client app was given which admin role, on what.
//! A role that a user has through a group follows from the group's assignment and is no record.
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/RoleAssignmentAUser/>
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/RoleAssignmentBGroup/>
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/RoleAssignmentClient/>

use serde_json::Value;
use serde_json::value::RawValue;

use super::change::{Identity, Kind, LOSSES_OF_A_USER, Of, Read, Reread, Touches, Trigger};
use super::roles::{grouping_id, privilege_id};
use super::{
    Assembly, Cadence, Context, Listing, Mentions, Parents, Source, Step, Stream, applications,
    every, groups, parse,
};
use crate::authomize::{Asset, AssetType, Association, Bundle, Permission, SourceType, text};
use crate::record::Normalized;

/// The users that hold a role, directly or through a group: saves asking for every user's roles.
pub static ASSIGNEES: Listing = Listing {
    name: "role_assignees",
    path: "/api/v1/iam/assignees/users?limit=100",
    omits: "",
};

const PRINCIPALS: &[Kind] = &[Kind::User, Kind::Group, Kind::Application];
const CHANGES: &[&str] = &[
    "user.account.privilege.",
    "group.privilege.",
    "app.oauth2.client.privilege.",
    "iam.resourceset.bindings.",
];

pub static STREAM: Stream = Stream {
    name: "role_assignments",
    word: "Roles",
    scope: "okta.roles.read",
    source: Source::Assembled {
        parents: &[
            Parents {
                listing: &ASSIGNEES,
                kind: "User",
                of: Kind::User,
                wanted: every,
                keep: false,
                refusal_is_none: false,
            },
            Parents {
                listing: &groups::LISTING,
                kind: "Group",
                of: Kind::Group,
                wanted: every,
                keep: false,
                refusal_is_none: false,
            },
            Parents {
                listing: &applications::LISTING,
                kind: "Client",
                of: Kind::Application,
                wanted: is_client,
                keep: true,
                refusal_is_none: false,
            },
        ],
        next,
        assemble,
        mentions: Some(Mentions {
            stream: "roles",
            ids: role_types,
        }),
    },
    identity: Identity::Principal(PRINCIPALS),
    cadence: Cadence::Full,
    changed_by: &[
        Trigger {
            events: LOSSES_OF_A_USER,
            touches: Touches::Life,
        },
        Trigger {
            events: CHANGES,
            touches: Touches::Each(PRINCIPALS),
        },
        Trigger {
            events: &["iam.role.delete", "iam.resourceset.delete"],
            touches: Touches::Whole,
        },
    ],
    rereads: &[
        Reread {
            of: Of::All(Kind::User),
            read: Read::Assembled {
                parent: "User",
                object: None,
            },
        },
        Reread {
            of: Of::All(Kind::Group),
            read: Read::Assembled {
                parent: "Group",
                object: None,
            },
        },
        Reread {
            of: Of::All(Kind::Application),
            read: Read::Assembled {
                parent: "Client",
                object: Some("/api/v1/apps/{id}"),
            },
        },
    ],
    sweep: None,
    fixed: None,
    own_id: super::id_of,
    normalize,
    tombstone: None,
};

/// Client apps can hold roles; listing clients themselves would need another scope.
fn is_client(app: &RawValue) -> bool {
    parse(app).is_some_and(|app| applications::is_service_app(&app))
}

/// The roles, then the targets of each assignment whose role can be scoped, in their order.
fn next(assembly: &Assembly) -> Option<Step> {
    let roles = roles_path(assembly);
    if assembly.parts.is_empty() {
        return Step::to(roles);
    }
    let assignment = scoped(assembly).nth(assembly.parts.len() - 1)?;
    let (id, targets) = (text(assignment, &["id"])?, targets_path(assignment)?);
    Step::to(format!("{roles}/{id}/targets/{targets}?limit=200"))
}

fn roles_path(assembly: &Assembly) -> String {
    let parent = &assembly.parent;
    match assembly.kind {
        "User" => format!("/api/v1/users/{parent}/roles"),
        "Group" => format!("/api/v1/groups/{parent}/roles"),
        _ => format!("/oauth2/v1/clients/{}/roles", client_id(assembly)),
    }
}

/// An app's client id is mostly, but not always, the app's own.
fn client_id(assembly: &Assembly) -> String {
    let own = assembly
        .item
        .as_ref()
        .and_then(|app| text(app, &["credentials", "oauthClient", "client_id"]));
    own.unwrap_or_else(|| assembly.parent.clone())
}

/// The last part of the path of the targets that a standard role can be narrowed to; `None` for a role that cannot.
/// <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/RoleBTargetAdmin/>
fn targets_path(assignment: &Value) -> Option<&'static str> {
    match assignment["type"].as_str()? {
        "APP_ADMIN" => Some("catalog/apps"),
        "USER_ADMIN" | "HELP_DESK_ADMIN" | "GROUP_MEMBERSHIP_ADMIN" => Some("groups"),
        _ => None,
    }
}

/// The principal's own assignments.
fn direct(assembly: &Assembly) -> impl Iterator<Item = &Value> {
    let through_group = assembly.kind != "Group";
    let entries = assembly
        .parts
        .first()
        .map(|part| part.items.as_slice())
        .unwrap_or_default();
    entries
        .iter()
        .filter(move |entry| !(through_group && entry["assignmentType"] == "GROUP"))
}

/// Whether a role can be narrowed and is known by an id that a path can hold.
fn is_scoped(assignment: &Value) -> bool {
    let is_plain = |id: String| {
        id.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    targets_path(assignment).is_some() && text(assignment, &["id"]).is_some_and(is_plain)
}

fn scoped(assembly: &Assembly) -> impl Iterator<Item = &Value> {
    direct(assembly).filter(|entry| is_scoped(entry))
}

fn role_types(assembly: &Assembly) -> Vec<String> {
    let kinds = direct(assembly).filter_map(|entry| text(entry, &["type"]));
    kinds.filter(|kind| kind != "CUSTOM").collect()
}

fn assemble(assembly: &Assembly) -> Vec<Value> {
    let mut answers = assembly.parts.iter().skip(1);
    let mut assignments = Vec::new();
    for entry in direct(assembly) {
        let is_scoped = is_scoped(entry);
        let answer = if is_scoped { answers.next() } else { None };
        // An assignment that ended while it was read has no targets, which would say: over everything.
        if answer.is_some_and(|part| part.is_gone) {
            continue;
        }
        // Targets that could not be asked for are left out, for the same reason.
        let is_known = is_scoped || targets_path(entry).is_none();
        let targets = is_known.then(|| answer.map(|part| part.items.clone()).unwrap_or_default());
        let mut entry = entry.clone();
        if let Some(object) = entry.as_object_mut() {
            object.insert("principal_id".to_owned(), assembly.parent.clone().into());
            object.insert("principal_type".to_owned(), assembly.kind.into());
            object.extend(targets.map(|targets| ("targets".to_owned(), targets.into())));
        }
        assignments.push(entry);
    }
    assignments
}

fn normalize(raw: &RawValue, context: &Context<'_>) -> Option<Normalized> {
    let source = context.object(raw)?;
    let principal = text(&source, &["principal_id"])?;
    let id = format!("{principal}:{}", text(&source, &["id"])?);
    let role = text(&source, &["role"]).or_else(|| text(&source, &["type"]));
    let bundle = role
        .map(|role| bundle(&source, &principal, &role))
        .unwrap_or_default();
    Some(Normalized {
        id,
        bundle,
        source: source.into(),
        ocsf: None,
    })
}

fn bundle(source: &Value, principal: &str, role: &str) -> Bundle {
    let targets = source["targets"].as_array();
    let assets: Vec<Target> = match text(source, &["resource-set"]) {
        Some(set) => vec![Target {
            id: set,
            asset: None,
        }],
        None => targets.into_iter().flatten().filter_map(target).collect(),
    };
    let is_group = source["principal_type"] == "Group";
    if assets.is_empty() {
        // Only an empty list says: over everything. What cannot be understood says nothing.
        let is_unscoped = source["type"] != "CUSTOM" && targets.is_some_and(Vec::is_empty);
        if !is_unscoped {
            return Bundle::default();
        }
        let association = vec![Association {
            source_id: principal.to_owned(),
            target_id: grouping_id(role),
        }];
        return match is_group {
            true => Bundle {
                new_groupings_association: association,
                ..Bundle::default()
            },
            false => Bundle {
                new_accounts_association: association,
                ..Bundle::default()
            },
        };
    }
    let permission = |target: &Target| Permission {
        source_unique_id: principal.to_owned(),
        source_type: if is_group {
            SourceType::Grouping
        } else {
            SourceType::User
        },
        privilege_id: privilege_id(role),
        asset_id: Some(target.id.clone()),
        is_role: true,
        tags: tags(source),
    };
    Bundle {
        new_permissions: assets.iter().map(permission).collect(),
        new_assets: assets
            .into_iter()
            .filter_map(|target| target.asset)
            .collect(),
        ..Bundle::default()
    }
}

/// Tags of an assignment for its members that have no field of their own in a permission.
fn tags(source: &Value) -> Vec<String> {
    let tag = |key: &&str| text(source, &[key]).map(|value| format!("{key}:{value}"));
    ["status", "assignmentType", "created", "lastUpdated"]
        .iter()
        .filter_map(tag)
        .collect()
}

/// The object that a role is narrowed to, and its asset.
struct Target {
    id: String,
    asset: Option<Asset>,
}

/// A group, an app, or all apps of a catalogue entry (which has a name, not an id). Each is
/// defined here, so that no permission names what nothing defines; an app's own stream knows more
/// of it and has the later word.
fn target(target: &Value) -> Option<Target> {
    let asset = |id: &str, name: Option<String>, kind, origin_type: &str| Asset {
        unique_id: id.to_owned(),
        origin_id: id.to_owned(),
        name: name.unwrap_or_else(|| id.to_owned()),
        kind,
        origin_type: Some(origin_type.to_owned()),
        ..Asset::default()
    };
    if let Some(id) = text(target, &["id"]) {
        let is_group = target.get("objectClass").is_some() || target.get("profile").is_some();
        let asset = match is_group {
            true => asset(
                &id,
                text(target, &["profile", "name"]),
                AssetType::Other,
                "Group",
            ),
            false => asset(
                &id,
                text(target, &["name"]),
                AssetType::Application,
                "Application",
            ),
        };
        return Some(Target {
            id,
            asset: Some(asset),
        });
    }
    let entry = text(target, &["name"])?;
    let id = format!("catalog:{entry}");
    let name = text(target, &["displayName"]).or(Some(entry));
    Some(Target {
        asset: Some(asset(
            &id,
            name,
            AssetType::Application,
            "CatalogApplication",
        )),
        id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::Part;
    use serde_json::{json, to_value, value::to_raw_value};

    fn assembly(kind: &'static str, parts: Vec<Vec<Value>>) -> Assembly {
        let parts = parts
            .into_iter()
            .map(|items| Part {
                items,
                ..Part::default()
            })
            .collect();
        Assembly {
            kind,
            parent: "00u1".into(),
            item: None,
            parts,
        }
    }

    fn normalized(assembly: &Assembly) -> Vec<Normalized> {
        let context = Context::default();
        assemble(assembly)
            .iter()
            .map(|object| normalize(&to_raw_value(object).unwrap(), &context).unwrap())
            .collect()
    }

    #[test]
    fn targets_are_asked_for_where_a_role_can_be_scoped() {
        let roles = vec![
            json!({"id": "ra1", "type": "SUPER_ADMIN"}),
            json!({"id": "IFIFAX2BIRGUSTQ", "type": "APP_ADMIN"}),
            json!({"id": "ra9", "type": "USER_ADMIN", "assignmentType": "GROUP"}),
            json!({"id": "KVJUKUS7IFCE2SKO", "type": "USER_ADMIN", "assignmentType": "USER"}),
        ];
        let path = |parts| next(&assembly("User", parts)).map(|step| step.path);
        assert_eq!(path(vec![]).as_deref(), Some("/api/v1/users/00u1/roles"));
        assert_eq!(
            path(vec![roles.clone()]).as_deref(),
            Some("/api/v1/users/00u1/roles/IFIFAX2BIRGUSTQ/targets/catalog/apps?limit=200")
        );
        assert_eq!(
            path(vec![roles.clone(), vec![]]).as_deref(),
            Some("/api/v1/users/00u1/roles/KVJUKUS7IFCE2SKO/targets/groups?limit=200")
        );
        assert_eq!(path(vec![roles, vec![], vec![]]), None);
        assert_eq!(
            next(&assembly("Group", vec![])).unwrap().path,
            "/api/v1/groups/00u1/roles"
        );
        assert_eq!(
            next(&assembly("Client", vec![])).unwrap().path,
            "/oauth2/v1/clients/00u1/roles"
        );
        let app = json!({"id": "00u1", "credentials": {"oauthClient": {"client_id": "reporting"}}});
        let client = Assembly {
            item: Some(app),
            ..assembly("Client", vec![])
        };
        assert_eq!(
            next(&client).unwrap().path,
            "/oauth2/v1/clients/reporting/roles"
        );
    }

    #[test]
    fn an_unscoped_role_is_membership_in_it() {
        let direct =
            json!({"id": "ra1", "type": "SUPER_ADMIN", "assignmentType": "USER", "_links": {}});
        let inherited = json!({"id": "gra1", "type": "ORG_ADMIN", "assignmentType": "GROUP"});
        let normalized = normalized(&assembly("User", vec![vec![direct, inherited]]));
        assert_eq!(normalized.len(), 1);
        assert_eq!(normalized[0].id, "00u1:ra1");
        assert_eq!(
            normalized[0].source,
            json!({"id": "ra1", "type": "SUPER_ADMIN", "assignmentType": "USER", "principal_id": "00u1", "principal_type": "User", "targets": []})
        );
        let association = json!({"new_accounts_association": [{"sourceId": "00u1", "targetId": "role:SUPER_ADMIN"}]});
        assert_eq!(to_value(&normalized[0].bundle).unwrap(), association);
    }

    #[test]
    fn a_groups_role_is_the_groups_membership() {
        let role = json!({"id": "gra1", "type": "MOBILE_ADMIN", "assignmentType": "GROUP"});
        let assembly = assembly("Group", vec![vec![role]]);
        let association = json!({"new_groupings_association": [{"sourceId": "00u1", "targetId": "role:MOBILE_ADMIN"}]});
        assert_eq!(
            to_value(&normalized(&assembly)[0].bundle).unwrap(),
            association
        );
        assert_eq!(role_types(&assembly), ["MOBILE_ADMIN"]);
    }

    #[test]
    fn a_scoped_role_is_a_permission_on_each_target() {
        let role = json!({"id": "X", "type": "USER_ADMIN", "status": "ACTIVE"});
        let group = json!({"id": "00g1", "objectClass": ["okta:user_group"], "profile": {"name": "Engineers"}, "_links": {}});
        let bundle =
            to_value(&normalized(&assembly("User", vec![vec![role], vec![group]]))[0].bundle)
                .unwrap();
        assert_eq!(
            bundle,
            json!({
                "new_permissions": [{"sourceUniqueId": "00u1", "sourceType": "User", "privilegeId": "okta:role:USER_ADMIN", "assetId": "00g1", "isRole": true, "tags": ["status:ACTIVE"]}],
                "new_assets": [{"uniqueId": "00g1", "originId": "00g1", "name": "Engineers", "type": "Other", "originType": "Group"}],
            })
        );
        let role = json!({"id": "X", "type": "APP_ADMIN"});
        let targets = vec![
            json!({"id": "0oa1", "name": "x"}),
            json!({"name": "facebook", "displayName": "Facebook"}),
        ];
        let bundle =
            to_value(&normalized(&assembly("User", vec![vec![role], targets]))[0].bundle).unwrap();
        let assets: Vec<_> = bundle["new_permissions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| p["assetId"].as_str().unwrap())
            .collect();
        assert_eq!(assets, ["0oa1", "catalog:facebook"]);
        let types: Vec<_> = bundle["new_assets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|a| a["originType"].as_str().unwrap())
            .collect();
        assert_eq!(types, ["Application", "CatalogApplication"]);
    }

    #[test]
    fn a_role_whose_targets_are_gone_while_they_are_read_is_left_out() {
        let roles = vec![
            json!({"id": "X", "type": "USER_ADMIN"}),
            json!({"id": "Y", "type": "APP_ADMIN"}),
        ];
        let mut assembly = assembly(
            "User",
            vec![roles, vec![], vec![json!({"id": "0oa1", "name": "x"})]],
        );
        assembly.parts[1].is_gone = true;
        let normalized = normalized(&assembly);
        assert_eq!(
            normalized
                .iter()
                .map(|role| role.id.as_str())
                .collect::<Vec<_>>(),
            ["00u1:Y"]
        );
        assert_eq!(
            normalized[0].bundle.new_permissions[0].asset_id.as_deref(),
            Some("0oa1")
        );
    }

    #[test]
    fn a_role_whose_targets_are_not_understood_is_over_nothing() {
        let odd_target = vec![
            vec![json!({"id": "X", "type": "USER_ADMIN"})],
            vec![json!({"_links": {}})],
        ];
        let odd_id = vec![vec![json!({"id": "a/b", "type": "HELP_DESK_ADMIN"})]];
        let no_set = vec![vec![
            json!({"id": "irb1", "type": "CUSTOM", "role": "cr01"}),
        ]];
        for parts in [odd_target, odd_id, no_set] {
            let normalized = normalized(&assembly("User", parts));
            assert_eq!(
                (normalized.len(), &normalized[0].bundle),
                (1, &Bundle::default()),
                "{normalized:?}"
            );
        }
    }

    #[test]
    fn a_custom_role_is_a_permission_on_its_resource_set() {
        let role = json!({"id": "irb1", "type": "CUSTOM", "role": "cr01", "resource-set": "iam1"});
        let permission = json!([{"sourceUniqueId": "00u1", "sourceType": "User", "privilegeId": "okta:role:cr01", "assetId": "iam1", "isRole": true}]);
        assert_eq!(
            to_value(&normalized(&assembly("Client", vec![vec![role]]))[0].bundle).unwrap()["new_permissions"],
            permission
        );
    }
}
