//! Resource sets: the scopes on which custom roles are given, with their resources and bindings.
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/RoleCResourceSet/>

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::change::{Identity, Kind, Touches, Trigger};
use super::{Assembly, Cadence, Context, Listing, Parents, Source, Step, Stream, every};
use crate::authomize::{Asset, AssetType, Association, Bundle, DESCRIPTION_CHARS, cut, text, time};
use crate::record::Normalized;

pub static LISTING: Listing = Listing {
    name: "resource_sets",
    path: "/api/v1/iam/resource-sets",
    omits: "",
};

pub static STREAM: Stream = Stream {
    name: "resource_sets",
    word: "Roles",
    scope: "okta.roles.read",
    source: Source::Assembled {
        parents: &[Parents {
            listing: &LISTING,
            kind: "ResourceSet",
            of: Kind::ResourceSet,
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
        events: &["iam.resourceset."],
        touches: Touches::Whole,
    }],
    rereads: &[],
    sweep: None,
    fixed: None,
    own_id: super::id_of,
    normalize,
    tombstone: None,
};

/// The resources, the bindings, then the members of each binding.
fn next(assembly: &Assembly) -> Option<Step> {
    let set = format!("/api/v1/iam/resource-sets/{}", assembly.parent);
    match assembly.parts.as_slice() {
        [] => Step::to(format!("{set}/resources")),
        [_] => Step::to(format!("{set}/bindings")),
        [_, bindings, members @ ..] => {
            let role = bindings.items.iter().filter_map(role).nth(members.len())?;
            Step::to(format!("{set}/bindings/{role}/members"))
        }
    }
}

/// The role that a binding gives, if it names one that a path can hold.
fn role(binding: &Value) -> Option<String> {
    text(binding, &["id"]).filter(|id| {
        id.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    })
}

fn assemble(assembly: &Assembly) -> Vec<Value> {
    let items = |at: usize| {
        assembly
            .parts
            .get(at)
            .map(|part| part.items.as_slice())
            .unwrap_or_default()
    };
    let resources: Vec<Value> = items(0).iter().cloned().map(with_resource).collect();
    let mut answers = assembly.parts.iter().skip(2);
    let binding = |binding: &Value| {
        let mut binding = binding.clone();
        // A binding that names no role was not asked for, and is written as it came.
        if let (true, Some(object)) = (role(&binding).is_some(), binding.as_object_mut()) {
            let members = answers
                .next()
                .map(|part| part.items.clone())
                .unwrap_or_default();
            object.insert(
                "members".to_owned(),
                members.into_iter().map(with_principal).collect(),
            );
        }
        binding
    };
    let bindings: Vec<Value> = items(1).iter().map(binding).collect();
    let mut set = assembly.item.clone();
    if let Some(object) = set.as_mut().and_then(Value::as_object_mut) {
        object.insert("resources".to_owned(), resources.into());
        object.insert("bindings".to_owned(), bindings.into());
    }
    set.into_iter().collect()
}

/// A resource has no id of the object that it is: its link has.
fn with_resource(mut resource: Value) -> Value {
    if let Some((kind, id)) = linked(&resource) {
        resource["resource_type"] = json!(kind);
        resource["resource_id"] = json!(id);
    }
    resource
}

/// A member has no id of its principal: its link has.
fn with_principal(mut member: Value) -> Value {
    if let Some((kind, id)) = linked(&member) {
        member["principal_type"] = json!(kind);
        member["principal_id"] = json!(id);
    }
    member
}

/// Kind and id of the object that `_links.self` leads to; `None` for a whole collection.
fn linked(object: &Value) -> Option<(&'static str, String)> {
    let href = text(object, &["_links", "self", "href"])?;
    let path = href.split(['?', '#']).next()?;
    let mut parts = path.rsplit('/').filter(|part| !part.is_empty());
    let (id, collection) = (parts.next()?, parts.next()?);
    let kind = match collection {
        "users" => "User",
        "groups" => "Group",
        "apps" => "Application",
        "clients" => "Client",
        "idps" => "IdentityProvider",
        _ => return None,
    };
    Some((kind, id.to_owned()))
}

fn normalize(raw: &RawValue, context: &Context<'_>) -> Option<Normalized> {
    let source = context.object(raw)?;
    let id = text(&source, &["id"])?;
    let set = Asset {
        unique_id: id.clone(),
        origin_id: id.clone(),
        name: text(&source, &["label"]).unwrap_or_else(|| id.clone()),
        kind: AssetType::Other,
        origin_type: Some("ResourceSet".to_owned()),
        created_at: time(&source, &["created"]),
        description: text(&source, &["description"]).map(|text| cut(&text, DESCRIPTION_CHARS)),
        ..Asset::default()
    };
    let members: Vec<Member> = source["resources"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(member)
        .collect();
    let inherits = |member: &Member| Association {
        source_id: id.clone(),
        target_id: member.id.clone(),
    };
    let bundle = Bundle {
        new_assets_inheritance: members.iter().map(inherits).collect(),
        new_assets: std::iter::once(set)
            .chain(members.into_iter().map(|member| member.asset))
            .collect(),
        ..Bundle::default()
    };
    Some(Normalized {
        id,
        bundle,
        source: source.into(),
        ocsf: None,
    })
}

/// A member of a set, and its asset.
struct Member {
    id: String,
    asset: Asset,
}

/// An object, or a whole collection, known by its Okta resource name. Each is defined here, so
/// that no set contains what nothing defines; an app's or IdP's own stream knows more of it and
/// has the later word.
fn member(resource: &Value) -> Option<Member> {
    let asset = |id: &str, name: String, kind, origin_type: &str| Asset {
        unique_id: id.to_owned(),
        origin_id: id.to_owned(),
        name,
        kind,
        origin_type: Some(origin_type.to_owned()),
        ..Asset::default()
    };
    let orn = text(resource, &["orn"]);
    if let (Some(origin_type), Some(id)) = (
        text(resource, &["resource_type"]),
        text(resource, &["resource_id"]),
    ) {
        let (kind, name) = match origin_type.as_str() {
            // orn:okta:idp:{org}:apps:{catalogue name}:{id}
            "Application" => (
                AssetType::Application,
                orn.as_deref().and_then(|orn| orn.rsplit(':').nth(1)),
            ),
            "IdentityProvider" => (AssetType::Integration, None),
            _ => (AssetType::Other, None),
        };
        let name = name
            .filter(|name| !name.is_empty())
            .unwrap_or(&id)
            .to_owned();
        return Some(Member {
            asset: asset(&id, name, kind, &origin_type),
            id,
        });
    }
    let orn = orn.or_else(|| text(resource, &["id"]))?;
    let name = orn.rsplit(':').next().unwrap_or_default().to_owned();
    Some(Member {
        asset: asset(
            &orn,
            format!("All {name}"),
            AssetType::Other,
            "ResourceCollection",
        ),
        id: orn,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::Part;
    use serde_json::{to_value, value::to_raw_value};

    fn link(path: &str) -> Value {
        json!({"self": {"href": format!("https://acme-admin.okta.com/api/v1/{path}")}})
    }

    fn assembly() -> Assembly {
        let resources = vec![
            json!({"id": "ire1", "orn": "orn:okta:directory:00o1:groups:00g1", "_links": link("groups/00g1")}),
            json!({"id": "ire2", "orn": "orn:okta:idp:00o1:apps:bookmark:0oa1", "_links": link("apps/0oa1")}),
            json!({"id": "ire3", "orn": "orn:okta:directory:00o1:users", "_links": link("users")}),
        ];
        let bindings = vec![json!({"id": "cr01", "_links": {}})];
        let members = vec![
            json!({"id": "irb1", "_links": link("users/00u1")}),
            json!({"id": "irb2", "_links": link("groups/00g2")}),
        ];
        let item = json!({"id": "iam1", "label": "Europe", "description": "", "_links": {}});
        let parts = [resources, bindings, members]
            .into_iter()
            .map(|items| Part {
                items,
                ..Part::default()
            })
            .collect();
        Assembly {
            kind: "ResourceSet",
            parent: "iam1".into(),
            item: Some(item),
            parts,
        }
    }

    #[test]
    fn members_and_resources_are_known_by_their_links() {
        let set = normalize(
            &to_raw_value(&assemble(&assembly())[0]).unwrap(),
            &Context::default(),
        )
        .unwrap();
        assert_eq!(
            set.source.read::<Value>().unwrap()["bindings"],
            json!([{"id": "cr01", "members": [
                {"id": "irb1", "principal_type": "User", "principal_id": "00u1"}, {"id": "irb2", "principal_type": "Group", "principal_id": "00g2"},
            ]}])
        );
        assert_eq!(
            set.source.read::<Value>().unwrap()["resources"][0]["resource_id"],
            "00g1"
        );
        let bundle = to_value(&set.bundle).unwrap();
        let targets: Vec<_> = bundle["new_assets_inheritance"]
            .as_array()
            .unwrap()
            .iter()
            .map(|i| i["targetId"].as_str().unwrap())
            .collect();
        assert_eq!(targets, ["00g1", "0oa1", "orn:okta:directory:00o1:users"]);
        let assets: Vec<_> = bundle["new_assets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|a| a["name"].as_str().unwrap())
            .collect();
        assert_eq!(assets, ["Europe", "00g1", "bookmark", "All users"]);
    }

    #[test]
    fn a_binding_without_a_role_costs_no_other_binding() {
        for odd in [
            json!({"_links": {}}),
            json!({"id": ""}),
            json!({"id": "a/b?c"}),
            json!({"id": []}),
            json!({}),
        ] {
            let mut assembly = assembly();
            assembly.parts.truncate(1);
            assembly.parts.push(Part {
                items: vec![json!({"id": "cr1"}), odd.clone(), json!({"id": "cr2"})],
                ..Part::default()
            });
            for (role, user) in [("cr1", "00u1"), ("cr2", "00u2")] {
                let path = format!("/api/v1/iam/resource-sets/iam1/bindings/{role}/members");
                assert_eq!(next(&assembly).map(|step| step.path), Some(path), "{odd}");
                let member = json!({"id": "irb", "_links": link(&format!("users/{user}"))});
                assembly.parts.push(Part {
                    items: vec![member],
                    ..Part::default()
                });
            }
            assert_eq!(next(&assembly), None, "{odd}");
            let set = &assemble(&assembly)[0];
            for (at, user) in [(0, "00u1"), (2, "00u2")] {
                assert_eq!(
                    set["bindings"][at]["members"][0]["principal_id"], user,
                    "{odd}"
                );
            }
            assert_eq!(set["bindings"][1], odd);
        }
    }

    #[test]
    fn every_binding_is_asked_for_its_members() {
        let path = |parts: usize| {
            let mut assembly = assembly();
            assembly.parts.truncate(parts);
            next(&assembly).map(|step| step.path)
        };
        assert_eq!(
            path(0).as_deref(),
            Some("/api/v1/iam/resource-sets/iam1/resources")
        );
        assert_eq!(
            path(1).as_deref(),
            Some("/api/v1/iam/resource-sets/iam1/bindings")
        );
        assert_eq!(
            path(2).as_deref(),
            Some("/api/v1/iam/resource-sets/iam1/bindings/cr01/members")
        );
        assert_eq!(path(3), None);
    }
}
