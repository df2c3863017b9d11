//! Role assignments: which user, group or client app was given which admin role, on what.
//! A role that a user has through a group follows from the group's assignment and is no record.
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/RoleAssignmentAUser/>
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/RoleAssignmentBGroup/>
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/RoleAssignmentClient/>

use serde_json::Value;
use serde_json::value::RawValue;

use super::change::{Identity, Kind, LOSSES_OF_A_USER, Of, Read, Reread, Touches, Trigger};
use super::roles::{grouping, grouping_id, over_the_org, privilege_id};
use super::{
    Assembly, Cadence, Context, Listing, Mentions, Parents, Source, Step, Stream, applications,
    escalation, every, groups, parse,
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

/// The roles, then the targets of each assignment whose role can be scoped, in their order, then the permissions of
/// each custom role.
fn next(assembly: &Assembly) -> Option<Step> {
    let roles = roles_path(assembly);
    let Some(asked) = assembly.parts.len().checked_sub(1) else {
        return Step::to(roles);
    };
    if let Some(assignment) = scoped(assembly).nth(asked) {
        let (id, targets) = (text(assignment, &["id"])?, targets_path(assignment)?);
        return Step::to(format!("{roles}/{id}/targets/{targets}?limit=200"));
    }
    let custom = custom_roles(assembly);
    let role = custom.get(asked.checked_sub(scoped(assembly).count())?)?;
    Some(Step {
        path: format!("/api/v1/iam/roles/{role}/permissions"),
        optional: true,
    })
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

/// The custom roles among the principal's own, each once.
fn custom_roles(assembly: &Assembly) -> Vec<String> {
    let mut roles = Vec::new();
    for role in direct(assembly).filter_map(custom_role) {
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    roles
}

/// The custom role of an assignment, if it is known by an id that a path can hold.
fn custom_role(assignment: &Value) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    text(assignment, &["role"])
        .filter(|role| assignment["type"] == "CUSTOM" && role.bytes().all(is_plain))
}

/// The permissions of a custom role, by their labels.
fn permissions_of(assembly: &Assembly, role: &str) -> Vec<Value> {
    let at = custom_roles(assembly).iter().position(|one| one == role);
    let part = at.and_then(|at| assembly.parts.get(1 + scoped(assembly).count() + at));
    let items = part.map(|part| part.items.as_slice()).unwrap_or_default();
    items
        .iter()
        .filter_map(|permission| permission.get("label").cloned())
        .collect()
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
        let permissions = custom_role(entry).map(|role| permissions_of(assembly, &role));
        let mut entry = entry.clone();
        if let Some(object) = entry.as_object_mut() {
            object.extend(permissions.map(|labels| (PERMISSIONS.to_owned(), labels.into())));
            object.insert("principal_id".to_owned(), assembly.parent.clone().into());
            object.insert("principal_type".to_owned(), assembly.kind.into());
            object.extend(targets.map(|targets| ("targets".to_owned(), targets.into())));
        }
        assignments.push(entry);
    }
    assignments
}

/// A custom role's permissions, on their way to the bundle: they are the role's, and stand in its own record.
const PERMISSIONS: &str = "role_permissions";

fn normalize(raw: &RawValue, context: &Context<'_>) -> Option<Normalized> {
    let mut source = context.object(raw)?;
    let permissions = source.as_object_mut()?.remove(PERMISSIONS);
    let permissions: Vec<String> = permissions
        .as_ref()
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|label| text(label, &[]))
        .collect();
    let principal = text(&source, &["principal_id"])?;
    let id = format!("{principal}:{}", text(&source, &["id"])?);
    let role = text(&source, &["role"]).or_else(|| text(&source, &["type"]));
    let bundle = role
        .map(|role| bundle(&source, &principal, &role, &permissions))
        .unwrap_or_default();
    Some(Normalized {
        id,
        bundle,
        source: source.into(),
        ocsf: None,
    })
}

fn bundle(source: &Value, principal: &str, role: &str, permissions: &[String]) -> Bundle {
    let reach = match source["status"] == "INACTIVE" {
        true => Reach::Nothing,
        false => reach(source),
    };
    let is_group = source["principal_type"] == "Group";
    let targets = match reach {
        Reach::Nothing => return Bundle::default(),
        Reach::Org => return member(principal, is_group, role),
        Reach::Targets(targets) => targets,
    };
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
        escalation_path_possible: escalation::is_possible(role, permissions).then_some(true),
        tags: tags(source),
    };
    Bundle {
        new_permissions: targets.iter().map(permission).collect(),
        new_assets: targets
            .into_iter()
            .filter_map(|target| target.asset)
            .collect(),
        ..Bundle::default()
    }
}

/// A member of the grouping of a standard role. Each holder's record defines the grouping and its right, all of them
/// alike, so that they are there as long as anybody is.
fn member(principal: &str, is_group: bool, role: &str) -> Bundle {
    let association = vec![Association {
        source_id: principal.to_owned(),
        target_id: grouping_id(role),
    }];
    let (users, groups) = match is_group {
        true => (Vec::new(), association),
        false => (association, Vec::new()),
    };
    Bundle {
        new_groupings: vec![grouping(role)],
        new_permissions: vec![over_the_org(role)],
        new_accounts_association: users,
        new_groupings_association: groups,
        ..Bundle::default()
    }
}

/// What an assignment is over.
enum Reach {
    /// Nothing that is understood, which says nothing.
    Nothing,
    Org,
    Targets(Vec<Target>),
}

fn reach(source: &Value) -> Reach {
    let is_custom = source["type"] == "CUSTOM";
    if let Some(set) = text(source, &["resource-set"]) {
        // The sets of standard roles (`ACCESS_CERTIFICATIONS_IAM_POLICY`) are in no list: they are all that the role is for.
        let is_listed = set.starts_with("iam");
        return match is_custom || is_listed {
            true => Reach::Targets(vec![resource_set(set, is_listed)]),
            false => Reach::Org,
        };
    }
    match source["targets"].as_array() {
        // Only an empty list says: over everything. A custom role always has a resource set.
        Some(targets) if targets.is_empty() && !is_custom => Reach::Org,
        Some(targets) => Reach::Targets(targets.iter().filter_map(target).collect()),
        None => Reach::Nothing,
    }
}

/// A set is defined by its own stream; here only if that does not list it.
fn resource_set(id: String, is_listed: bool) -> Target {
    let unlisted = || asset(&id, Some(id.clone()), AssetType::Other, "ResourceSet");
    let asset = (!is_listed).then(unlisted);
    Target { id, asset }
}

/// Tags of an assignment for its members that have no field of their own in a permission.
fn tags(source: &Value) -> Vec<String> {
    let tag = |key: &&str| text(source, &[key]).map(|value| format!("{key}:{value}"));
    ["status", "assignmentType", "created", "lastUpdated"]
        .iter()
        .filter_map(tag)
        .collect()
}

/// The object that a role is narrowed to, and its asset if no stream defines it.
struct Target {
    id: String,
    asset: Option<Asset>,
}

/// A group or an app, which their own streams define and nothing here renames; or all apps of a catalogue entry,
/// which has a name, not an id, and is an asset of its own.
fn target(target: &Value) -> Option<Target> {
    if let Some(id) = text(target, &["id"]) {
        return Some(Target { id, asset: None });
    }
    let entry = text(target, &["name"])?;
    let id = format!("catalog:{entry}");
    let name = text(target, &["displayName"]).or(Some(entry));
    let asset = asset(&id, name, AssetType::Application, "CatalogApplication");
    Some(Target {
        id,
        asset: Some(asset),
    })
}

fn asset(id: &str, name: Option<String>, kind: AssetType, origin_type: &str) -> Asset {
    Asset {
        unique_id: id.to_owned(),
        origin_id: id.to_owned(),
        name: name.unwrap_or_else(|| id.to_owned()),
        kind,
        origin_type: Some(origin_type.to_owned()),
        ..Asset::default()
    }
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
        let bundle = json!({
            "new_groupings": [{"uniqueId": "role:SUPER_ADMIN", "originId": "SUPER_ADMIN", "name": "Super Administrator", "originType": "Role", "type": "Group", "isRole": true}],
            "new_permissions": [{"sourceUniqueId": "role:SUPER_ADMIN", "sourceType": "Grouping", "privilegeId": "okta:role:SUPER_ADMIN", "isRole": true, "escalationPathPossible": true}],
            "new_accounts_association": [{"sourceId": "00u1", "targetId": "role:SUPER_ADMIN"}],
        });
        assert_eq!(to_value(&normalized[0].bundle).unwrap(), bundle);
    }

    #[test]
    fn a_groups_role_is_the_groups_membership() {
        let role = json!({"id": "gra1", "type": "MOBILE_ADMIN", "assignmentType": "GROUP"});
        let assembly = assembly("Group", vec![vec![role]]);
        let association = json!([{"sourceId": "00u1", "targetId": "role:MOBILE_ADMIN"}]);
        let bundle = to_value(&normalized(&assembly)[0].bundle).unwrap();
        assert_eq!(bundle["new_groupings_association"], association);
        assert_eq!(bundle["new_groupings"][0]["uniqueId"], "role:MOBILE_ADMIN");
        assert!(
            bundle["new_permissions"][0]
                .get("escalationPathPossible")
                .is_none()
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
                "new_permissions": [{"sourceUniqueId": "00u1", "sourceType": "User", "privilegeId": "okta:role:USER_ADMIN", "assetId": "00g1", "isRole": true, "escalationPathPossible": true, "tags": ["status:ACTIVE"]}],
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
        assert_eq!(
            types,
            ["CatalogApplication"],
            "an app's own stream defines it"
        );
    }

    #[test]
    fn a_standard_role_on_a_set_that_no_list_has_is_over_the_org() {
        for (kind, set) in [
            (
                "ACCESS_CERTIFICATIONS_ADMIN",
                "ACCESS_CERTIFICATIONS_IAM_POLICY",
            ),
            ("WORKFLOWS_ADMIN", "00o1_WORKFLOWS_IAM_POLICY"),
        ] {
            let role = json!({"id": "irb1", "type": kind, "resource-set": set});
            let bundle = normalized(&assembly("User", vec![vec![role]]))[0]
                .bundle
                .clone();
            assert_eq!(bundle.new_permissions[0].asset_id, None, "{kind}");
            assert_eq!(
                bundle.new_accounts_association[0].target_id,
                format!("role:{kind}")
            );
            let role = json!({"id": "irb1", "type": "CUSTOM", "role": "cr01", "resource-set": set});
            let bundle = normalized(&assembly("User", vec![vec![role]]))[0]
                .bundle
                .clone();
            assert_eq!(bundle.new_permissions[0].asset_id.as_deref(), Some(set));
            assert_eq!(bundle.new_assets[0].unique_id, set);
        }
        let role = json!({"id": "irb1", "type": "WORKFLOWS_ADMIN", "resource-set": "iam1"});
        let bundle = normalized(&assembly("User", vec![vec![role]]))[0]
            .bundle
            .clone();
        assert_eq!(bundle.new_permissions[0].asset_id.as_deref(), Some("iam1"));
        assert!(bundle.new_assets.is_empty() && bundle.new_groupings.is_empty());
    }

    #[test]
    fn an_inactive_assignment_gives_nothing() {
        for role in [
            json!({"id": "ra1", "type": "SUPER_ADMIN", "status": "INACTIVE"}),
            json!({"id": "irb1", "type": "CUSTOM", "status": "INACTIVE", "role": "cr01", "resource-set": "iam1"}),
        ] {
            let normalized = normalized(&assembly("User", vec![vec![role]]));
            assert_eq!(normalized[0].bundle, Bundle::default());
        }
    }

    #[test]
    fn a_custom_role_that_can_make_admins_is_told_by_its_permissions() {
        let role = |id: &str, role: &str| json!({"id": id, "type": "CUSTOM", "role": role, "resource-set": "iam1"});
        let roles = vec![
            role("irb1", "cr01"),
            role("irb2", "cr02"),
            role("irb3", "cr01"),
            role("irb4", "a/b"),
        ];
        let scoped = json!({"id": "X", "type": "USER_ADMIN"});
        let mut parts = vec![[vec![scoped], roles].concat(), vec![json!({"id": "00g1"})]];
        let mut paths = Vec::new();
        for permission in ["okta.users.read", "okta.users.credentials.resetPassword"] {
            let step = next(&assembly("User", parts.clone())).unwrap();
            paths.push((step.path, step.optional));
            parts.push(vec![json!({"label": permission, "_links": {}})]);
        }
        let path = |role: &str| (format!("/api/v1/iam/roles/{role}/permissions"), true);
        assert_eq!(paths, [path("cr01"), path("cr02")]);
        assert_eq!(next(&assembly("User", parts.clone())), None);
        let normalized = normalized(&assembly("User", parts));
        let possible = normalized
            .iter()
            .map(|one| one.bundle.new_permissions[0].escalation_path_possible);
        assert_eq!(
            possible.collect::<Vec<_>>(),
            [Some(true), None, Some(true), None, None]
        );
        assert!(
            normalized[1]
                .source
                .read::<Value>()
                .unwrap()
                .get(PERMISSIONS)
                .is_none()
        );
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
