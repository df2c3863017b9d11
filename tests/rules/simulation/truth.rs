//! What an org says of itself, record by record, and in what a reader differs from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use fake_org::Org;
use reader::{ENTITY_STREAMS, State};
use serde_json::{Value, json};

/// A record: its stream and its id.
pub type Key = (&'static str, String);
/// What is compared of each record.
pub type Truth = BTreeMap<Key, Value>;

/// A record in which a reader differs from the org.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    pub key: Key,
    /// As the org has it.
    pub is: Option<Value>,
    /// As the reader has it.
    pub read: Option<Value>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stream, id) = &self.key;
        match (&self.is, &self.read) {
            (Some(_), None) => write!(f, "{stream} {id} is missing"),
            (None, _) => write!(f, "{stream} {id} is there no more"),
            (Some(is), Some(read)) => write!(f, "{stream} {id} is {is}, not {read}"),
        }
    }
}

/// What is compared of an object. `lastLogin` is usage and no change.
fn compared(stream: &str) -> &'static [&'static str] {
    match stream {
        "users" => &["status", "profile", "lastUpdated", "statusChanged"],
        "groups" => &["type", "profile", "lastUpdated"],
        "applications" => &["label", "status", "signOnMode", "lastUpdated"],
        "application_users" => &["scope", "status", "profile", "lastUpdated"],
        "application_groups" => &["priority", "lastUpdated"],
        "roles" => &["label", "description", "lastUpdated"],
        "role_assignments" => &["type", "role", "resource-set"],
        "resource_sets" => &["label", "description", "lastUpdated"],
        "idps" => &["name", "type", "status", "lastUpdated"],
        "idp_users" => &["profile", "lastUpdated"],
        _ => &[],
    }
}

/// The list within an object, and the ids of its items.
fn held(stream: &str) -> Option<(&'static str, &'static str)> {
    match stream {
        "factors" => Some(("factors", "id")),
        "roles" => Some(("permissions", "label")),
        "resource_sets" => Some(("resources", "id")),
        _ => None,
    }
}

fn parts(stream: &str, object: &Value) -> Value {
    let mut parts: BTreeMap<&str, Value> = BTreeMap::new();
    parts.extend(
        compared(stream)
            .iter()
            .map(|part| (*part, object[*part].clone())),
    );
    if let Some((list, key)) = held(stream) {
        let items = object[list].as_array().into_iter().flatten();
        let ids: BTreeSet<_> = items.filter_map(|item| item[key].as_str()).collect();
        parts.insert(list, json!(ids));
    }
    json!(parts)
}

/// All records that the org has.
pub fn truth(org: &Org) -> Truth {
    let state = org.state();
    let mut truth = Truth::new();
    let mut one = |stream: &'static str, ids: &[String], object: &dyn Fn(&str) -> Option<Value>| {
        for id in ids {
            let object = object(id).unwrap_or_default();
            truth.insert((stream, id.clone()), parts(stream, &object));
        }
    };
    one("users", &state.users, &|id| org.user(id).cloned());
    one("factors", &state.factors, &|id| {
        Some(json!({"factors": org.factors(id)}))
    });
    one("groups", &state.groups, &|id| org.group(id).cloned());
    one("group_memberships", &state.memberships, &|_| None);
    one("applications", &state.apps, &|id| org.app(id).cloned());
    one("application_users", &state.app_users, &|id| {
        id.split_once(':')
            .and_then(|(app, user)| org.app_user(app, user))
            .cloned()
    });
    one("application_groups", &state.app_groups, &|id| {
        id.split_once(':')
            .and_then(|(app, group)| org.app_group(app, group))
            .cloned()
    });
    one("roles", &state.roles, &|id| {
        let mut role = org.custom_role(id)?.clone();
        role["permissions"] = org.permissions(id).into();
        Some(role)
    });
    one("role_assignments", &state.role_assignments, &|id| {
        let (principal, id) = id.split_once(':')?;
        let mut roles = org.role_assignments(principal).into_iter();
        roles.find(|role| role["id"] == id)
    });
    one("resource_sets", &state.resource_sets, &|id| {
        let mut set = org.resource_set(id)?.clone();
        set["resources"] = org.resources(id).into();
        Some(set)
    });
    one("idps", &state.idps, &|id| org.idp(id).cloned());
    one("idp_users", &state.idp_users, &|id| {
        id.split_once(':')
            .and_then(|(idp, user)| org.idp_user(idp, user))
            .cloned()
    });
    truth
}

/// Keys of the records that a reader has; of roles only custom ones, as the standard ones are always there.
pub fn known(reader: &State) -> BTreeSet<Key> {
    let of_stream = |stream: &'static str| {
        let ids = reader.records(stream).keys();
        let ids = ids.filter(move |id| stream != "roles" || id.starts_with("cr0"));
        ids.map(move |id| (stream, id.clone()))
    };
    ENTITY_STREAMS
        .into_iter()
        .filter(|stream| is_compared(stream))
        .flat_map(of_stream)
        .collect()
}

fn is_compared(stream: &str) -> bool {
    stream == "group_memberships" || !compared(stream).is_empty() || held(stream).is_some()
}

/// In what a reader differs from the org. Streams that are `off` are not compared.
pub fn differences(truth: &Truth, reader: &State, off: &[&str]) -> Vec<Difference> {
    let known = known(reader);
    let keys: BTreeSet<&Key> = truth.keys().chain(&known).collect();
    let keys = keys.into_iter().filter(|(stream, _)| !off.contains(stream));
    let differing = keys.filter_map(|key| {
        let line = reader.records(key.0).get(&key.1);
        let read = line.map(|line| parts(key.0, &line.record["source"]));
        let is = truth.get(key).cloned();
        (is != read).then(|| Difference {
            key: key.clone(),
            is,
            read,
        })
    });
    differing.collect()
}

/// Sign-ins and sign-ons that are in a reader's events, and those that its usage counts.
pub fn uses(reader: &State) -> (u64, u64) {
    let events = reader
        .records("activity")
        .values()
        .map(|line| &line.record["source"]);
    let is_use = |event: &&Value| {
        event["outcome"]["result"] == "SUCCESS" && event["actor"]["type"] == "User"
    };
    let of_event = |event: &Value| match event["eventType"].as_str() {
        Some("user.session.start") => 1,
        Some("user.authentication.sso") => {
            let targets = event["target"].as_array().into_iter().flatten();
            targets
                .filter(|target| target["type"] == "AppInstance")
                .count() as u64
        }
        _ => 0,
    };
    (events.filter(is_use).map(of_event).sum(), counted(reader))
}

/// Uses that a reader has counted.
pub fn counted(reader: &State) -> u64 {
    let lines = reader.records("usage").values();
    lines
        .filter_map(|line| line.record["source"]["count"].as_u64())
        .sum()
}
