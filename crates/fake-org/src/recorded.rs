//! Recorded objects, loaded verbatim: nulls, odd fields and all.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use serde_json::{Value, json};

use crate::org::Org;

/// How many objects a file brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Loaded {
    /// Lines read.
    pub read: usize,
    /// Of these, objects whose id had been read before; the last one stays.
    pub duplicates: usize,
}

type Loader = fn(&mut Org, Value) -> bool;

/// Files in the order in which they build on each other. A loader says whether its object is new.
const FILES: [(&str, Loader); 13] = [
    ("users.jsonl", |org, user| {
        let id = id(&user);
        org.users.put(&id, user)
    }),
    ("groups.jsonl", |org, group| {
        let id = id(&group);
        org.groups.put(&id, group)
    }),
    ("apps.jsonl", |org, app| {
        let id = id(&app);
        org.apps.put(&id, app)
    }),
    ("idps.jsonl", |org, idp| {
        let id = id(&idp);
        org.idps.put(&id, idp)
    }),
    ("factors.jsonl", load_factor),
    ("app_users.jsonl", |org, assigned| {
        let app = org.app_of(&assigned);
        let id = id(&assigned);
        org.app_users.put(&app, &id, assigned)
    }),
    ("app_groups.jsonl", |org, assigned| {
        let app = org.app_of(&assigned);
        let id = id(&assigned);
        org.app_groups.put(&app, &id, assigned)
    }),
    ("custom_roles.jsonl", |org, role| {
        let id = id(&role);
        org.custom_roles.put(&id, role)
    }),
    ("custom_role_permissions.jsonl", load_permission),
    ("resource_sets.jsonl", |org, set| {
        let id = id(&set);
        org.resource_sets.put(&id, set)
    }),
    ("resource_set_resources.jsonl", load_resource),
    ("resource_set_bindings.jsonl", load_binding),
    ("roles.jsonl", load_assignment),
];

impl Org {
    /// Loads every known `*.jsonl` of a directory and returns what each file brought; files that are not there are
    /// left out. Parents that a recording names but does not hold are taken from what there is, so that everything can
    /// be listed. Every group gets a member, every role target a scoped assignment.
    ///
    /// # Errors
    /// When a file cannot be read or a line is no JSON.
    pub fn load_recorded(&mut self, directory: &Path) -> io::Result<BTreeMap<String, Loaded>> {
        let mut counts = BTreeMap::new();
        for (name, load) in FILES {
            let Some(objects) = objects(&directory.join(name))? else {
                continue;
            };
            let read = objects.len();
            let new = objects
                .into_iter()
                .filter_map(|object| load(self, object).then_some(()))
                .count();
            counts.insert(
                name.to_owned(),
                Loaded {
                    read,
                    duplicates: read - new,
                },
            );
        }
        if let Some(targets) = objects(&directory.join("role_targets.jsonl"))? {
            counts.insert("role_targets.jsonl".into(), self.load_targets(targets));
        }
        self.load_memberships();
        Ok(counts)
    }

    /// The app that an assignment links to, else the first one.
    fn app_of(&self, assigned: &Value) -> String {
        let linked = last_segment(&assigned["_links"]["app"]["href"]);
        let known = linked.filter(|app| self.apps.contains(app));
        known
            .or_else(|| self.apps.ids().next().map(str::to_owned))
            .unwrap_or_default()
    }

    /// The linked object where it is known, else the n-th of those there are.
    fn spread(ids: &[String], linked: Option<String>, n: usize) -> String {
        let known = linked.filter(|id| ids.contains(id));
        known
            .or_else(|| ids.get(n % ids.len().max(1)).cloned())
            .unwrap_or_default()
    }

    fn load_memberships(&mut self) {
        let users: Vec<String> = self.users.ids().map(str::to_owned).collect();
        let groups: Vec<String> = self.groups.ids().map(str::to_owned).collect();
        if users.is_empty() {
            return;
        }
        for (n, group) in groups.iter().enumerate() {
            if self.members.count(group) == 0 {
                self.members
                    .put(group, &users[n % users.len()], Value::Null);
            }
        }
    }

    /// Spreads targets over the scoped assignments (their ids are those of roles, not of assignments).
    fn load_targets(&mut self, targets: Vec<Value>) -> Loaded {
        let scoped: Vec<String> = self
            .assignments
            .pairs()
            .into_iter()
            .filter(|pair| is_scoped(pair))
            .collect();
        let read = targets.len();
        let new = targets.into_iter().enumerate().filter(|(n, object)| {
            let Some(assignment) = scoped.get(n % scoped.len().max(1)) else {
                return false;
            };
            let target = object["id"]
                .as_str()
                .or_else(|| object["name"].as_str())
                .unwrap_or_default();
            let kind = if target.starts_with("00g") {
                "group"
            } else {
                "app"
            };
            self.role_targets
                .put(assignment, target, json!({"kind": kind, "object": object}))
        });
        let new = new.count();
        Loaded {
            read,
            duplicates: read - new,
        }
    }
}

fn is_scoped(pair: &str) -> bool {
    let id = pair.split(':').next_back().unwrap_or_default();
    id.len() != 20
        && id
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte))
}

fn load_factor(org: &mut Org, factor: Value) -> bool {
    let users: Vec<String> = org.users.ids().map(str::to_owned).collect();
    let user = Org::spread(
        &users,
        last_segment(&factor["_links"]["user"]["href"]),
        org.factors.tables().count(),
    );
    let id = id(&factor);
    org.factors.put(&user, &id, factor)
}

fn load_permission(org: &mut Org, permission: Value) -> bool {
    let roles: Vec<String> = org.custom_roles.ids().map(str::to_owned).collect();
    let role = Org::spread(
        &roles,
        last_segment(&permission["_links"]["role"]["href"]),
        0,
    );
    let label = permission["label"].as_str().unwrap_or_default().to_owned();
    org.permissions.put(&role, &label, permission)
}

/// Some recordings of resources are of the set itself, as adding to it answers; these replace the set.
fn load_resource(org: &mut Org, resource: Value) -> bool {
    let id = id(&resource);
    if id.starts_with("iam") {
        return org.resource_sets.put(&id, resource);
    }
    let sets: Vec<String> = org.resource_sets.ids().map(str::to_owned).collect();
    let linked = resource["_links"]["resource"]["href"]
        .as_str()
        .and_then(|href| href.split('/').nth_back(2));
    let set = Org::spread(
        &sets,
        linked.map(str::to_owned),
        org.resources.tables().count(),
    );
    org.resources.put(&set, &id, resource)
}

fn load_binding(org: &mut Org, mut binding: Value) -> bool {
    let (sets, roles): (Vec<String>, Vec<String>) = (
        org.resource_sets.ids().map(str::to_owned).collect(),
        org.custom_roles.ids().map(str::to_owned).collect(),
    );
    let set = Org::spread(
        &sets,
        last_segment(&binding["_links"]["resource-set"]["href"]),
        0,
    );
    let linked =
        last_segment(&binding["_links"]["self"]["href"]).filter(|id| id.starts_with("cr0"));
    let n = org.bindings.count(&set);
    let role = Org::spread(
        &roles,
        binding["id"].as_str().map(str::to_owned).or(linked),
        n,
    );
    // The answer to the creation of a binding has links only; a listing of it has the role's id.
    if binding["id"].is_null() {
        binding["id"] = role.clone().into();
    }
    org.bindings.put(&set, &role, binding)
}

fn load_assignment(org: &mut Org, role: Value) -> bool {
    let href = role["_links"]["assignee"]["href"]
        .as_str()
        .unwrap_or_default();
    let holders: Vec<String> = match href.contains("/groups/") {
        true => org.groups.ids().map(str::to_owned).collect(),
        false => org.users.ids().map(str::to_owned).collect(),
    };
    let n = org.assignments.tables().count();
    let holder = Org::spread(
        &holders,
        last_segment(&role["_links"]["assignee"]["href"]),
        n,
    );
    let id = id(&role);
    org.assignments.put(&holder, &id, role)
}

fn id(object: &Value) -> String {
    object["id"].as_str().unwrap_or_default().to_owned()
}

fn last_segment(href: &Value) -> Option<String> {
    href.as_str()?.rsplit('/').next().map(str::to_owned)
}

/// The objects of a file; `None` when it is not there.
fn objects(path: &Path) -> io::Result<Option<Vec<Value>>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let parsed: Result<Vec<Value>, _> = lines.map(serde_json::from_str).collect();
    parsed.map(Some).map_err(|error| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{}: {error}", path.display()),
        )
    })
}
