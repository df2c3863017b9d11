//! Role assignments, standard and custom, of users, groups and clients.

use serde_json::{Value, json};

use crate::event::{Event, Party};
use crate::org::Org;
use crate::roles::principal_path;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The targets that a standard role is limited to; without any target it covers the whole org.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// Ids of groups.
    pub groups: Vec<String>,
    /// Ids of app instances.
    pub apps: Vec<String>,
    /// Names of catalogue apps, such as `salesforce`: every instance of it.
    pub catalog: Vec<String>,
}

impl Targets {
    fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.apps.is_empty() && self.catalog.is_empty()
    }
}

impl Org {
    /// Assigns a standard role (`SUPER_ADMIN`, `HELP_DESK_ADMIN`, …) to a user (`00u…`), a group (`00g…`) or a client,
    /// and returns the assignment's id. `None` when the principal is unknown or has the role already.
    pub fn assign_role(
        &mut self,
        principal: &str,
        role_type: &str,
        targets: &Targets,
    ) -> Option<String> {
        let kind = self.assignable(principal)?;
        if self
            .role_assignments(principal)
            .iter()
            .any(|role| role["type"] == role_type)
        {
            return None;
        }
        let id = match (targets.is_empty(), kind) {
            (false, _) => base32(role_type),
            (true, "GROUP") => self.ids.next("gra"),
            (true, _) => self.ids.next("ra1"),
        };
        let members = json!({"id": id, "label": label(role_type), "type": role_type});
        self.put_assignment(principal, &id, kind, members);
        for (target, value) in self.target_rows(targets) {
            self.role_targets
                .put(&format!("{principal}:{id}"), &target, value);
        }
        self.log_privileges(principal, "grant");
        Some(id)
    }

    /// Assigns a custom role over a resource set to a user, a group or a client, and returns the assignment's id.
    pub fn assign_custom_role(
        &mut self,
        principal: &str,
        role: &str,
        resource_set: &str,
    ) -> Option<String> {
        let kind = self.assignable(principal)?;
        let label = self.custom_roles.get(role)?["label"].clone();
        self.resource_sets.get(resource_set)?;
        let bound = |known: &Value| known["role"] == role && known["resource-set"] == resource_set;
        if self.role_assignments(principal).iter().any(bound) {
            return None;
        }
        let id = self.ids.next("irb");
        let members = json!({"id": id, "role": role, "label": label, "type": "CUSTOM", "resource-set": resource_set});
        self.put_assignment(principal, &id, kind, members);
        self.bind(role, resource_set);
        self.log_binding(principal, role, resource_set, "add");
        Some(id)
    }

    /// Takes an assignment away.
    pub fn revoke_role(&mut self, principal: &str, assignment: &str) -> bool {
        let Some(role) = self.assignments.remove(principal, assignment) else {
            return false;
        };
        self.role_targets
            .drop_parent(&format!("{principal}:{assignment}"));
        match (role["role"].as_str(), role["resource-set"].as_str()) {
            (Some(custom), Some(set)) => {
                self.unbind(custom, set);
                self.log_binding(principal, custom, set, "delete");
            }
            _ => self.log_privileges(principal, "revoke"),
        }
        true
    }

    /// Takes every assignment of a principal away.
    pub fn revoke_all(&mut self, principal: &str) {
        for assignment in self.assignments.children(principal) {
            self.revoke_role(principal, &assignment);
        }
    }

    /// Forgets a principal's assignments without events.
    pub(super) fn drop_principal(&mut self, principal: &str) {
        self.silently(|org| org.revoke_all(principal));
    }

    /// A deleted group or app is no target any more.
    pub(super) fn drop_role_target(&mut self, target: &str) {
        self.role_targets.drop_child(target);
    }

    /// Okta tells of a group's privileges for each of its members.
    pub(super) fn log_member_privileges(&mut self, user: &str, what: &str) {
        let labels = self.privilege_labels(user);
        let event = Event::new(format!("user.account.privilege.{what}"));
        self.log(
            event
                .on(self.user_party(user))
                .debug("privilegeGranted", labels),
        );
    }

    fn log_privileges(&mut self, principal: &str, what: &str) {
        match self.principal_kind(principal) {
            Some("USER") => self.log_member_privileges(principal, what),
            Some("GROUP") => {
                let event =
                    Event::new(format!("group.privilege.{what}")).on(self.group_party(principal));
                self.log(event.debug("privilegeGranted", self.privilege_labels(principal)));
                for user in self.members.children(principal) {
                    self.log_member_privileges(&user, what);
                }
            }
            _ => {
                let event = Event::new(format!("app.oauth2.client.privilege.{what}"));
                self.log(
                    event
                        .on(self.client_party(principal))
                        .debug("privilegeGranted", self.privilege_labels(principal)),
                );
            }
        }
    }

    fn log_binding(&mut self, principal: &str, role: &str, set: &str, what: &str) {
        let text = |object: Option<&Value>| {
            object
                .and_then(|object| object["label"].as_str())
                .unwrap_or_default()
                .to_owned()
        };
        let role = Party::new(
            "CUSTOM_ROLE",
            role,
            "unknown",
            &text(self.custom_roles.get(role)),
        );
        let set = Party::new(
            "RESOURCE_SET",
            set,
            "unknown",
            &text(self.resource_sets.get(set)),
        );
        let bound = match self.principal_kind(principal) {
            Some("USER") => self.user_party(principal),
            Some("GROUP") => self.group_party(principal),
            _ => self.client_party(principal),
        };
        self.log(
            Event::new(format!("iam.resourceset.bindings.{what}"))
                .on(bound)
                .on(role)
                .on(set),
        );
    }

    fn client_party(&self, id: &str) -> Party {
        Party {
            kind: "PublicClientApp".into(),
            ..self.app_party(id)
        }
    }

    fn privilege_labels(&self, principal: &str) -> String {
        let holders = std::iter::once(principal).chain(self.members.parents(principal));
        let roles = holders.flat_map(|holder| self.role_assignments(holder));
        let labels: Vec<String> = roles
            .filter_map(|role| role["label"].as_str().map(str::to_owned))
            .collect();
        labels.join(", ")
    }

    fn principal_kind(&self, id: &str) -> Option<&'static str> {
        let known = self.apps.contains(id) || self.credentials.clients.contains_key(id);
        match (self.users.contains(id), self.groups.contains(id)) {
            (true, _) => Some("USER"),
            (_, true) => Some("GROUP"),
            _ => known.then_some("CLIENT"),
        }
    }

    /// As [`Org::principal_kind`], of those who may be given a role.
    fn assignable(&self, id: &str) -> Option<&'static str> {
        let gone = self
            .users
            .get(id)
            .is_some_and(|user| user["status"] == "DEPROVISIONED");
        self.principal_kind(id).filter(|_| !gone)
    }

    fn put_assignment(&mut self, principal: &str, id: &str, kind: &str, mut assignment: Value) {
        let now = self.time_text();
        let domain = &self.options.domain;
        assignment["status"] = "ACTIVE".into();
        assignment["created"] = now.clone().into();
        assignment["lastUpdated"] = now.into();
        assignment["assignmentType"] = kind.into();
        assignment["_links"] =
            json!({"assignee": {"href": format!("{domain}{}", principal_path(principal))}});
        if let (Some(role), Some(set)) = (
            assignment["role"].as_str(),
            assignment["resource-set"].as_str(),
        ) {
            let role = format!("{domain}/api/v1/iam/roles/{role}");
            let set = format!("{domain}/api/v1/iam/resource-sets/{set}");
            assignment["_links"]["permissions"] = json!({"href": format!("{role}/permissions")});
            assignment["_links"]["role"] = json!({ "href": role });
            assignment["_links"]["resource-set"] = json!({ "href": set });
        }
        self.assignments.put(principal, id, assignment);
    }

    fn target_rows(&self, targets: &Targets) -> Vec<(String, Value)> {
        let groups = targets.groups.iter().filter_map(|id| {
            Some((
                id.clone(),
                json!({"kind": "group", "object": self.groups.get(id)?}),
            ))
        });
        let apps = targets.apps.iter().filter_map(|id| {
            let app = self.apps.get(id)?;
            let object = json!({"name": app["label"], "status": app["status"], "id": id, "_links": {"self": app["_links"]["self"]}});
            Some((id.clone(), json!({"kind": "app", "object": object})))
        });
        let catalog = targets.catalog.iter().map(|name| {
            let href = format!("{}/api/v1/catalog/apps/{name}", self.options.domain);
            let object = json!({"name": name, "displayName": name, "status": "ACTIVE", "category": "", "verificationStatus": "OKTA_VERIFIED", "signOnModes": ["SAML_2_0"], "_links": {"self": {"href": href}}});
            (name.clone(), json!({"kind": "app", "object": object}))
        });
        groups.chain(apps).chain(catalog).collect()
    }
}

/// The label of a standard role type.
fn label(role_type: &str) -> String {
    let known = match role_type {
        "SUPER_ADMIN" => "Super Administrator",
        "ORG_ADMIN" => "Organization Administrator",
        "APP_ADMIN" => "Application Administrator",
        "USER_ADMIN" => "Group Administrator",
        "HELP_DESK_ADMIN" => "Help Desk Administrator",
        "READ_ONLY_ADMIN" => "Read-only Administrator",
        "REPORT_ADMIN" => "Report Administrator",
        "GROUP_MEMBERSHIP_ADMIN" => "Group Membership Administrator",
        "API_ACCESS_MANAGEMENT_ADMIN" => "API Access Management Administrator",
        "MOBILE_ADMIN" => "Mobile Administrator",
        other => other,
    };
    known.to_owned()
}

/// The id of a scoped standard assignment: the role's type in base32 without padding, the same for every principal.
fn base32(text: &str) -> String {
    let bits: String = text.bytes().map(|byte| format!("{byte:08b}")).collect();
    let groups = bits.as_bytes().chunks(5);
    groups
        .map(|group| {
            char::from(
                BASE32[group
                    .iter()
                    .enumerate()
                    .map(|(at, bit)| usize::from(bit - b'0') << (4 - at))
                    .sum::<usize>()],
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::base32;

    #[test]
    fn ids_of_scoped_roles_are_those_that_okta_gives() {
        assert_eq!(base32("APP_ADMIN"), "IFIFAX2BIRGUSTQ");
        assert_eq!(base32("USER_ADMIN"), "KVJUKUS7IFCE2SKO");
        assert_eq!(base32("HELP_DESK_ADMIN"), "JBCUYUC7IRCVGS27IFCE2SKO");
    }
}
