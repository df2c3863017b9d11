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
    let members = source["resources"].as_array();
    let members: Vec<Member> = members.into_iter().flatten().filter_map(member).collect();
    let set = Asset {
        unique_id: id.clone(),
        origin_id: id.clone(),
        name: text(&source, &["label"]).unwrap_or_else(|| id.clone()),
        kind: AssetType::Other,
        origin_type: Some("ResourceSet".to_owned()),
        created_at: time(&source, &["created"]),
        description: text(&source, &["description"]).map(|text| cut(&text, DESCRIPTION_CHARS)),
        tags: members.iter().filter_map(left_out).collect(),
        ..Asset::default()
    };
    let inherits = |member: &Member| {
        let target_id = match member {
            Member::Listed(id) => id.clone(),
            Member::Own(asset) => asset.unique_id.clone(),
            Member::Account(_) => return None,
        };
        Some(Association {
            source_id: id.clone(),
            target_id,
        })
    };
    let bundle = Bundle {
        new_assets_inheritance: members.iter().filter_map(inherits).collect(),
        new_assets: std::iter::once(set)
            .chain(members.iter().filter_map(|member| match member {
                Member::Own(asset) => Some((**asset).clone()),
                _ => None,
            }))
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

/// A member of a set.
enum Member {
    /// An object that its own stream defines as an asset: it is known by its id, and nothing here renames it.
    Listed(String),
    /// A user: an account, which the model knows no way to put into a set. It is named among the set's tags.
    Account(String),
    /// An object or a whole collection that no stream lists.
    Own(Box<Asset>),
}

/// The tag that names a member which the model has no place for.
fn left_out(member: &Member) -> Option<String> {
    match member {
        Member::Account(id) => Some(format!("member:User:{id}")),
        _ => None,
    }
}

fn member(resource: &Value) -> Option<Member> {
    let orn = text(resource, &["orn"]);
    let named = orn.as_deref().and_then(Orn::read);
    let linked = || {
        let kind = text(resource, &["resource_type"])?;
        listed(&kind, text(resource, &["resource_id"])?)
    };
    match named {
        // What the name says is within an object is not the object, whatever the link leads to.
        Some(orn) if orn.is_within() => Some(Member::Own(Box::new(orn.asset()))),
        Some(orn) => orn
            .listed()
            .or_else(linked)
            .or_else(|| Some(Member::Own(Box::new(orn.asset())))),
        None => linked().or_else(|| {
            let id = orn.or_else(|| text(resource, &["id"]))?;
            Some(Member::Own(Box::new(own(
                &id,
                format!("Resource {id}"),
                "Resource",
            ))))
        }),
    }
}

/// The member that this id of this kind is, if a stream lists such objects.
fn listed(kind: &str, id: String) -> Option<Member> {
    match kind {
        "User" => Some(Member::Account(id)),
        "Group" | "Application" | "Client" | "IdentityProvider" => Some(Member::Listed(id)),
        _ => None,
    }
}

fn own(id: &str, name: String, origin_type: &str) -> Asset {
    Asset {
        unique_id: id.to_owned(),
        origin_id: id.to_owned(),
        name,
        kind: AssetType::Other,
        origin_type: Some(origin_type.to_owned()),
        ..Asset::default()
    }
}

/// An Okta resource name: `orn:{partition}:{service}:{org}:{collection}`, then the object's id, then what of it.
/// <https://developer.okta.com/docs/api/openapi/okta-management/guides/roles/#okta-resource-name-orn>
struct Orn<'a> {
    whole: &'a str,
    collection: &'a str,
    /// Of apps that of the catalogue before the id.
    entry: Option<&'a str>,
    id: Option<&'a str>,
    /// What of the object: `contained_resources`.
    within: Vec<&'a str>,
}

impl<'a> Orn<'a> {
    fn read(whole: &'a str) -> Option<Self> {
        let mut parts = whole.strip_prefix("orn:")?.splitn(4, ':');
        let rest = parts.nth(3)?;
        let mut parts = rest.split(':').filter(|part| !part.is_empty());
        let collection = parts.next()?;
        let mut rest: Vec<&str> = parts.collect();
        let mut entry = None;
        // orn:okta:idp:{org}:apps:{catalogue entry}:{id}, or one of the two.
        if collection == "apps" && rest.first().is_some_and(|first| !is_app_id(first)) {
            entry = Some(rest.remove(0));
        }
        let id = (!rest.is_empty()).then(|| rest.remove(0));
        Some(Self {
            whole,
            collection,
            entry,
            id,
            within: rest,
        })
    }

    fn is_within(&self) -> bool {
        !self.within.is_empty()
    }

    /// The object, if a stream lists such.
    fn listed(&self) -> Option<Member> {
        let kind = match self.collection {
            "users" => "User",
            "groups" => "Group",
            "apps" => "Application",
            "idps" | "identity-providers" | "identity_providers" => "IdentityProvider",
            _ => return None,
        };
        listed(kind, self.id?.to_owned())
    }

    /// The asset that it is: one object under its kind and id, or a whole collection.
    fn asset(&self) -> Asset {
        let collection = self.collection.replace(['_', '-'], " ");
        let (name, origin_type) = match (self.id, self.entry) {
            (Some(id), _) => {
                let within: String = self
                    .within
                    .iter()
                    .map(|part| format!("{} of ", part.replace(['_', '-'], " ")))
                    .collect();
                (
                    format!("{within}{} {id}", singular(&collection)),
                    "Resource",
                )
            }
            (None, Some(entry)) => (format!("All {entry} {collection}"), "ResourceCollection"),
            (None, None) => (format!("All {collection}"), "ResourceCollection"),
        };
        own(self.whole, name, origin_type)
    }
}

/// Whether a part of an app's name is its id and not its catalogue entry.
fn is_app_id(part: &str) -> bool {
    part.starts_with("0oa") && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// One of a collection: `policies` → `policy`, `realms` → `realm`.
fn singular(collection: &str) -> String {
    match collection.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => collection.trim_end_matches('s').to_owned(),
    }
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
        assert_eq!(assets, ["Europe", "All users"]);
    }

    fn bundle(resources: Vec<Value>) -> Value {
        let mut assembly = assembly();
        assembly.parts[0].items = resources;
        let raw = to_raw_value(&assemble(&assembly)[0]).unwrap();
        to_value(normalize(&raw, &Context::default()).unwrap().bundle).unwrap()
    }

    #[test]
    fn an_object_that_a_stream_lists_is_known_by_its_id_alone() {
        for (orn, href, id) in [
            (
                "orn:okta:idp:00o1:apps:oidc_client:0oa1",
                "apps/0oa1",
                "0oa1",
            ),
            ("orn:okta:idp:00o1:apps:0oa1", "x", "0oa1"),
            ("orn:okta:directory:00o1:groups:00g1", "groups/00g1", "00g1"),
            ("orn:okta:idp:00o1:idps:0oa9", "idps/0oa9", "0oa9"),
            ("of-tomorrow", "idps/0oa9", "0oa9"),
        ] {
            let bundle = bundle(vec![
                json!({"id": "ire1", "orn": orn, "_links": link(href)}),
            ]);
            assert_eq!(bundle["new_assets"].as_array().unwrap().len(), 1, "{orn}");
            assert_eq!(
                bundle["new_assets_inheritance"],
                json!([{"sourceId": "iam1", "targetId": id}])
            );
        }
        let user = json!({"id": "ire1", "orn": "orn:okta:directory:00o1:users:00u1", "_links": link("users/00u1")});
        let bundle = bundle(vec![user]);
        assert!(
            bundle.get("new_assets_inheritance").is_none(),
            "an account is no asset"
        );
        assert_eq!(bundle["new_assets"][0]["tags"], json!(["member:User:00u1"]));
    }

    #[test]
    fn a_name_with_an_id_is_one_object_and_one_without_is_a_collection() {
        for (orn, name) in [
            ("orn:okta:directory:00o1:realms:guo1", "realm guo1"),
            (
                "orn:okta:idp:00o1:authorization_servers:aus1",
                "authorization server aus1",
            ),
            ("orn:okta:workflow:00o1:flows:77", "flow 77"),
            ("orn:okta:idp:00o1:policies:rst1", "policy rst1"),
            (
                "orn:okta:directory:00o1:groups:00g1:contained_resources",
                "contained resources of group 00g1",
            ),
            ("orn:okta:directory:00o1:groups", "All groups"),
            ("orn:okta:idp:00o1:apps:slack", "All slack apps"),
            ("orn:okta:idp:00o1:customizations", "All customizations"),
        ] {
            // A link to the group does not make its people the group.
            let bundle = bundle(vec![
                json!({"id": "ire1", "orn": orn, "_links": link("groups/00g1")}),
            ]);
            let is_link_believed = bundle["new_assets_inheritance"][0]["targetId"] == "00g1";
            if orn.ends_with("contained_resources") {
                assert!(!is_link_believed);
            }
            let bundle = self::bundle(vec![json!({"id": "ire1", "orn": orn, "_links": {}})]);
            assert_eq!(bundle["new_assets"][1]["name"], name);
            assert_eq!(bundle["new_assets"][1]["uniqueId"], orn);
            assert_eq!(bundle["new_assets_inheritance"][0]["targetId"], orn);
        }
        let odd = bundle(vec![
            json!({"id": "ire1"}),
            json!({"orn": "orn:"}),
            json!({}),
            json!(null),
        ]);
        assert_eq!(odd["new_assets"].as_array().unwrap().len(), 3, "{odd}");
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
