//! Whether a reader's state is the org's, objects included.

use std::collections::{BTreeMap, BTreeSet};

use fake_org::Org;
use reader::{ENTITY_STREAMS, Reader, State};
use serde_json::{Value, json};

use crate::support::rig::Rig;

/// By stream, then by record id: what the org says of the object.
type Said = BTreeMap<&'static str, BTreeMap<String, Value>>;

/// What is compared of an object, by stream. `lastLogin` is usage and no change.
fn compared(stream: &str) -> &'static [&'static str] {
    match stream {
        "users" => &["status", "profile", "lastUpdated", "statusChanged"],
        "groups" => &["type", "profile", "lastUpdated"],
        "applications" => &["label", "status", "signOnMode", "lastUpdated"],
        "application_users" => &["scope", "status", "profile", "lastUpdated"],
        "application_groups" => &["priority", "lastUpdated"],
        "roles" => &["label", "description", "lastUpdated", "held"],
        "role_assignments" => &["type", "role", "resource-set"],
        "resource_sets" => &["label", "description", "lastUpdated", "held"],
        "idps" => &["name", "type", "status", "lastUpdated"],
        "idp_users" => &["profile", "lastUpdated"],
        _ => &["held"],
    }
}

/// Asserts that the reader's state is the org's: ids, then objects. `unmoved`: also what moves with other objects and
/// has no event of its own.
pub fn assert_equal(rig: &Rig, unmoved: bool) {
    assert_equal_but(rig, unmoved, &BTreeSet::new(), &BTreeSet::new());
}

/// As [`assert_equal`], of what has none of these ids among the parts of its own. `failed`: streams in which records may
/// be left that are gone.
pub fn assert_in_step_but(rig: &Rig, troubled: &BTreeSet<String>, failed: &BTreeSet<&str>) {
    assert_equal_but(rig, troubled.is_empty(), troubled, failed);
}

/// Ids of records as the org has them, by stream.
pub fn ids_by_stream(org: &Org) -> BTreeMap<&'static str, BTreeSet<String>> {
    said(org)
        .into_iter()
        .map(|(stream, objects)| (stream, objects.into_keys().collect()))
        .collect()
}

fn assert_equal_but(
    rig: &Rig,
    unmoved: bool,
    troubled: &BTreeSet<String>,
    failed: &BTreeSet<&str>,
) {
    let (state, org) = (rig.read(), rig.org());
    let mut said = said(&org);
    let is_troubled = |id: &str| id.split(':').any(|part| troubled.contains(part));
    said.values_mut()
        .for_each(|objects| objects.retain(|id, _| !is_troubled(id)));
    assert_same("activity", &state, org.event_uuids().iter(), troubled);
    let compared: BTreeSet<_> = said.keys().copied().collect();
    assert_eq!(
        compared,
        ENTITY_STREAMS.into_iter().collect(),
        "every stream with a newest state is compared"
    );
    for (stream, objects) in &said {
        if failed.contains(stream) {
            let missing: Vec<_> = objects
                .keys()
                .filter(|id| !state.records(stream).contains_key(*id))
                .collect();
            assert!(missing.is_empty(), "{stream}: {missing:?} missing");
        } else {
            assert_same(stream, &state, objects.keys(), troubled);
        }
        for (id, object) in objects {
            let read = &state.records(stream)[id].record["source"];
            assert_eq!(
                parts(stream, &with_held(stream, read)),
                parts(stream, object),
                "{stream} {id}"
            );
            if unmoved && *stream == "groups" {
                assert_eq!(
                    read["lastMembershipUpdated"], object["lastMembershipUpdated"],
                    "{stream} {id}"
                );
            }
            if unmoved && *stream == "resource_sets" {
                assert_eq!(bound(read), bound_by(&org, id), "bindings of {id}");
            }
        }
    }
    assert_used(&state);
}

/// Asserts that exactly these records are there; of roles, the standard ones are there besides.
fn assert_same<'a>(
    stream: &str,
    state: &State,
    ids: impl Iterator<Item = &'a String>,
    troubled: &BTreeSet<String>,
) {
    let (ids, records): (BTreeSet<&String>, _) = (ids.collect(), state.records(stream));
    let is_troubled = |id: &str| id.split(':').any(|part| troubled.contains(part));
    let is_extra = |id: &&String| {
        !ids.contains(*id) && !is_troubled(id) && (stream != "roles" || id.starts_with("cr0"))
    };
    let missing: Vec<_> = ids
        .iter()
        .filter(|id| !records.contains_key(**id))
        .collect();
    let extra: Vec<_> = records.keys().filter(is_extra).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "{stream}: {missing:?} missing, {extra:?} too many"
    );
}

/// Asserts that a new reader knows what one knows that has read everything, and that no manifest is missing.
pub fn assert_newest(rig: &Rig) {
    let objects = rig.store.objects.lock().unwrap().clone();
    let (whole, newest) = (
        rig.read(),
        Reader::read_newest(&objects, "okta", "okta").unwrap(),
    );
    assert!(newest.violations.is_empty(), "{:#?}", newest.violations);
    for stream in ENTITY_STREAMS {
        let records = |state: &State| -> Vec<(String, Value)> {
            state
                .records(stream)
                .iter()
                .map(|(id, line)| (id.clone(), line.record.clone()))
                .collect()
        };
        assert_eq!(
            records(&newest),
            records(&whole),
            "a new reader knows other {stream}"
        );
    }
    let numbers: Vec<u64> = whole
        .manifests
        .iter()
        .map(|manifest| manifest.sequence)
        .collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}

/// Every sign-in and sign-on of a user is counted once.
fn assert_used(state: &State) {
    let events = state
        .records("activity")
        .values()
        .map(|line| &line.record["source"]);
    let succeeded = events
        .filter(|event| event["outcome"]["result"] == "SUCCESS")
        .collect::<Vec<_>>();
    let is = |event: &&&Value, kind: &str| {
        event["eventType"] == kind && event["actor"]["type"] == "User"
    };
    let of = |kind: &str| {
        succeeded
            .iter()
            .filter(|event| is(event, kind))
            .copied()
            .collect::<Vec<_>>()
    };
    let is_app = |target: &&Value| target["type"] == "AppInstance";
    let apps = |event: &Value| {
        event["target"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(is_app)
            .count() as u64
    };
    let happened = of("user.session.start").len() as u64
        + of("user.authentication.sso")
            .into_iter()
            .map(apps)
            .sum::<u64>();
    let counted = state
        .records("usage")
        .values()
        .map(|line| line.record["source"]["count"].as_u64().unwrap());
    assert_eq!(counted.sum::<u64>(), happened, "sign-ins and sign-ons");
}

fn parts(stream: &str, object: &Value) -> BTreeMap<&'static str, Value> {
    compared(stream)
        .iter()
        .map(|key| (*key, object[*key].clone()))
        .collect()
}

/// What is put together from several answers, as a set of ids.
fn with_held(stream: &str, source: &Value) -> Value {
    let (list, key) = match stream {
        "factors" => ("factors", "id"),
        "roles" => ("permissions", "label"),
        "resource_sets" => ("resources", "id"),
        _ => return source.clone(),
    };
    let mut source = source.clone();
    source["held"] = ids(source[list].as_array().into_iter().flatten(), key);
    source
}

fn ids<'a>(objects: impl IntoIterator<Item = &'a Value>, key: &str) -> Value {
    let ids: BTreeSet<&str> = objects
        .into_iter()
        .filter_map(|object| object[key].as_str())
        .collect();
    json!(ids)
}

fn said(org: &Org) -> Said {
    let state = org.state();
    let one = |ids: &[String], object: &dyn Fn(&str) -> Value| -> BTreeMap<String, Value> {
        ids.iter().map(|id| (id.clone(), object(id))).collect()
    };
    let two = |ids: &[String], object: &dyn Fn(&str, &str) -> Value| -> BTreeMap<String, Value> {
        ids.iter()
            .filter_map(|id| {
                Some((
                    id.clone(),
                    id.split_once(':').map(|(one, two)| object(one, two))?,
                ))
            })
            .collect()
    };
    let is = |object: Option<&Value>| object.unwrap().clone();
    let holding = |object: Option<&Value>, held: Value| {
        let mut object = is(object);
        object["held"] = held;
        object
    };
    [
        ("users", one(&state.users, &|id| is(org.user(id)))),
        (
            "factors",
            one(
                &state.factors,
                &|id| json!({"held": ids(&org.factors(id), "id")}),
            ),
        ),
        ("groups", one(&state.groups, &|id| is(org.group(id)))),
        (
            "group_memberships",
            two(&state.memberships, &|_, _| json!({})),
        ),
        ("applications", one(&state.apps, &|id| is(org.app(id)))),
        (
            "application_users",
            two(&state.app_users, &|app, user| is(org.app_user(app, user))),
        ),
        (
            "application_groups",
            two(&state.app_groups, &|app, group| {
                is(org.app_group(app, group))
            }),
        ),
        (
            "roles",
            one(&state.roles, &|id| {
                holding(org.custom_role(id), ids(&org.permissions(id), "label"))
            }),
        ),
        (
            "role_assignments",
            two(&state.role_assignments, &|principal, id| {
                assignment(org, principal, id)
            }),
        ),
        (
            "resource_sets",
            one(&state.resource_sets, &|id| {
                holding(org.resource_set(id), ids(&org.resources(id), "id"))
            }),
        ),
        ("idps", one(&state.idps, &|id| is(org.idp(id)))),
        (
            "idp_users",
            two(&state.idp_users, &|idp, user| is(org.idp_user(idp, user))),
        ),
    ]
    .into()
}

fn assignment(org: &Org, principal: &str, id: &str) -> Value {
    org.role_assignments(principal)
        .into_iter()
        .find(|role| role["id"] == id)
        .unwrap()
}

/// Role and principal of every binding of a resource set as read.
fn bound(set: &Value) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let bindings = set["bindings"].as_array().into_iter().flatten();
    let members = bindings.flat_map(|role| {
        role["members"]
            .as_array()
            .into_iter()
            .flatten()
            .map(move |member| (role, member))
    });
    members
        .map(|(role, member)| (text(&role["id"]), text(&member["principal_id"])))
        .collect()
}

/// The same as the org says.
fn bound_by(org: &Org, set: &str) -> BTreeSet<(String, String)> {
    let pairs = org.state().role_assignments;
    let principals: BTreeSet<&str> = pairs
        .iter()
        .filter_map(|pair| pair.split(':').next())
        .collect();
    let held = principals.into_iter().flat_map(|principal| {
        org.role_assignments(principal)
            .into_iter()
            .map(move |role| (role, principal))
    });
    let here = held.filter(|(role, _)| role["resource-set"] == set);
    here.map(|(role, principal)| {
        (
            role["role"].as_str().unwrap_or_default().to_owned(),
            principal.to_owned(),
        )
    })
    .collect()
}
