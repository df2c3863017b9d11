//! Custom roles, permissions, resource sets, resources and bindings.

use serde_json::{Value, json};

use super::touch;
use crate::event::{Event, Party};
use crate::org::Org;

impl Org {
    /// Creates a custom role with permissions such as `okta.users.manage` and returns the id.
    pub fn create_custom_role(&mut self, label: &str, permissions: &[&str]) -> String {
        let id = self.ids.next("cr0");
        let (now, href) = (
            self.time_text(),
            format!("{}/api/v1/iam/roles/{id}", self.options.domain),
        );
        let links =
            json!({"permissions": {"href": format!("{href}/permissions")}, "self": {"href": href}});
        let object = json!({"id": id, "label": label, "description": label, "created": now, "lastUpdated": now, "_links": links});
        self.custom_roles.put(&id, object);
        self.silently(|org| {
            permissions
                .iter()
                .filter(|permission| org.add_permission(&id, permission))
                .count()
        });
        self.log_iam(&id, "iam.role.create");
        id
    }

    /// Changes a custom role's object.
    pub fn update_custom_role(&mut self, id: &str, change: impl FnOnce(&mut Value)) -> bool {
        let now = self.time_text();
        let changed = self.custom_roles.edit(id, |role| {
            change(role);
            touch(role, &["lastUpdated"], &now);
        });
        self.log_iam_if(changed, id, "iam.role.update")
    }

    /// Deletes a custom role with all its assignments.
    pub fn delete_custom_role(&mut self, id: &str) -> bool {
        self.delete_iam(id, "role", "iam.role.delete", |org| {
            org.custom_roles.remove(id).is_some()
        })
    }

    /// Adds a permission; false when the role has it.
    pub fn add_permission(&mut self, role: &str, permission: &str) -> bool {
        if !self.custom_roles.contains(role) || self.permissions.contains(role, permission) {
            return false;
        }
        let (now, href) = (
            self.time_text(),
            format!("{}/api/v1/iam/roles/{role}", self.options.domain),
        );
        let links = json!({"role": {"href": href}, "self": {"href": format!("{href}/permissions/{permission}")}});
        let object = json!({"label": permission, "created": now, "lastUpdated": now, "conditions": null, "_links": links});
        self.permissions.put(role, permission, object);
        self.log_iam(role, "iam.role.permissions.add");
        true
    }

    /// Takes a permission away.
    pub fn remove_permission(&mut self, role: &str, permission: &str) -> bool {
        let removed = self.permissions.remove(role, permission).is_some();
        self.log_iam_if(removed, role, "iam.role.permissions.delete")
    }

    /// Creates a resource set and returns the id. A resource is the path of an object, such as `/api/v1/groups/00g…`,
    /// or of a whole list, such as `/api/v1/users`.
    pub fn create_resource_set(&mut self, label: &str, resources: &[&str]) -> String {
        let id = self.ids.next("iam");
        let (now, href) = (
            self.time_text(),
            format!("{}/api/v1/iam/resource-sets/{id}", self.options.domain),
        );
        let links = json!({"bindings": {"href": format!("{href}/bindings")}, "self": {"href": href}, "resources": {"href": format!("{href}/resources")}});
        let object = json!({"id": id, "label": label, "description": label, "created": now, "lastUpdated": now, "_links": links});
        self.resource_sets.put(&id, object);
        self.silently(|org| {
            resources
                .iter()
                .for_each(|resource| drop(org.add_resource(&id, resource)))
        });
        self.log_iam(&id, "iam.resourceset.create");
        id
    }

    /// Changes a resource set's object.
    pub fn update_resource_set(&mut self, id: &str, change: impl FnOnce(&mut Value)) -> bool {
        let now = self.time_text();
        let changed = self.resource_sets.edit(id, |set| {
            change(set);
            touch(set, &["lastUpdated"], &now);
        });
        self.log_iam_if(changed, id, "iam.resourceset.update")
    }

    /// Deletes a resource set with all assignments over it.
    pub fn delete_resource_set(&mut self, id: &str) -> bool {
        self.delete_iam(id, "resource-set", "iam.resourceset.delete", |org| {
            org.resource_sets.remove(id).is_some()
        })
    }

    /// Adds a resource and returns its id (`ire…`).
    pub fn add_resource(&mut self, set: &str, path: &str) -> Option<String> {
        self.resource_sets.get(set)?;
        let id = self.ids.next("ire");
        let (now, domain) = (self.time_text(), &self.options.domain);
        let orn = path.trim_start_matches("/api/v1/").replace('/', ":");
        let object = json!({
            "id": id,
            "orn": format!("orn:okta:directory:{}:{orn}", self.options.org_id),
            "created": now,
            "lastUpdated": now,
            "_links": {"self": {"href": format!("{domain}{path}")}, "resource": {"href": format!("{domain}/api/v1/iam/resource-sets/{set}/resources/{id}")}},
        });
        self.resources.put(set, &id, object);
        self.log_iam(set, "iam.resourceset.resources.add");
        Some(id)
    }

    /// Takes a resource out of a set.
    pub fn remove_resource(&mut self, set: &str, resource: &str) -> bool {
        let removed = self.resources.remove(set, resource).is_some();
        self.log_iam_if(removed, set, "iam.resourceset.resources.delete")
    }

    pub(super) fn bind(&mut self, role: &str, set: &str) {
        let href = format!("{}/api/v1/iam/resource-sets/{set}", self.options.domain);
        let own = format!("{href}/bindings/{role}");
        let links = json!({"self": {"href": own}, "members": {"href": format!("{own}/members")}, "resource-set": {"href": href}});
        self.bindings
            .put(set, role, json!({"id": role, "_links": links}));
    }

    /// A binding without a member is gone.
    pub(super) fn unbind(&mut self, role: &str, set: &str) {
        let bound = |value: &Value| value["role"] == role && value["resource-set"] == set;
        let any = self
            .assignments
            .tables()
            .any(|(_, table)| table.rows().any(|row| bound(&row.value)));
        if !any {
            self.bindings.remove(set, role);
        }
    }

    fn delete_iam(
        &mut self,
        id: &str,
        key: &str,
        event_type: &'static str,
        remove: impl FnOnce(&mut Self) -> bool,
    ) -> bool {
        let event = self.iam_event(id, event_type);
        let tables = self.assignments.tables();
        let rows = tables.flat_map(|(holder, table)| table.rows().map(move |row| (holder, row)));
        let held: Vec<(String, String)> = rows
            .filter(|(_, row)| row.value[key] == id)
            .map(|(holder, row)| (holder.to_owned(), row.id.clone()))
            .collect();
        self.silently(|org| {
            held.iter()
                .filter(|(holder, id)| org.revoke_role(holder, id))
                .count()
        });
        let removed = remove(self);
        if removed {
            self.permissions.drop_parent(id);
            self.resources.drop_parent(id);
            self.bindings.drop_parent(id);
            self.bindings.drop_child(id);
            self.log(event);
        }
        removed
    }

    fn log_iam_if(&mut self, changed: bool, id: &str, event_type: &'static str) -> bool {
        if changed {
            self.log_iam(id, event_type);
        }
        changed
    }

    fn log_iam(&mut self, id: &str, event_type: &'static str) {
        let event = self.iam_event(id, event_type);
        self.log(event);
    }

    fn iam_event(&self, id: &str, event_type: &'static str) -> Event {
        let kind = if event_type.starts_with("iam.role") {
            "CUSTOM_ROLE"
        } else {
            "RESOURCE_SET"
        };
        let object = self
            .custom_roles
            .get(id)
            .or_else(|| self.resource_sets.get(id));
        let label = object
            .and_then(|object| object["label"].as_str())
            .unwrap_or_default();
        Event::new(event_type).on(Party::new(kind, id, "unknown", label))
    }
}
