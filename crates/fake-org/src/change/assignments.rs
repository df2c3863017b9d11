//! Users and groups assigned to apps, and sign-on to apps.

use serde_json::{Value, json};

use super::touch;
use crate::event::{Event, Party};
use crate::org::Org;

impl Org {
    /// Assigns an app to a user directly (`scope: USER`), also where a group has done so already.
    pub fn assign_user(&mut self, app: &str, user: &str) -> bool {
        let deprovisioned = self
            .users
            .get(user)
            .is_none_or(|user| user["status"] == "DEPROVISIONED");
        let direct = self
            .app_users
            .get(app, user)
            .is_some_and(|assigned| assigned["scope"] == "USER");
        if deprovisioned || direct || !self.apps.contains(app) {
            return false;
        }
        let event = if self.app_users.contains(app, user) {
            "update"
        } else {
            "add"
        };
        self.put_app_user(app, user, None);
        self.log_app_user(app, user, event);
        true
    }

    /// Takes a direct assignment away; what a group grants remains as `scope: GROUP`.
    pub fn unassign_user(&mut self, app: &str, user: &str) -> bool {
        if self
            .app_users
            .get(app, user)
            .is_none_or(|assigned| assigned["scope"] != "USER")
        {
            return false;
        }
        match self.granting_group(app, user) {
            Some(group) => {
                self.put_app_user(app, user, Some(&group));
                self.log_app_user(app, user, "update");
            }
            None => self.drop_app_user(app, user),
        }
        true
    }

    /// Changes an app user's object.
    pub fn update_app_user(
        &mut self,
        app: &str,
        user: &str,
        change: impl FnOnce(&mut Value),
    ) -> bool {
        let now = self.time_text();
        let changed = self.app_users.edit(app, user, |assigned| {
            change(assigned);
            touch(assigned, &["lastUpdated"], &now);
        });
        if changed {
            self.log_app_user(app, user, "update");
        }
        changed
    }

    /// Assigns an app to a group; its members become app users with `scope: GROUP`.
    pub fn assign_group(&mut self, app: &str, group: &str) -> bool {
        if !self.apps.contains(app)
            || !self.groups.contains(group)
            || self.app_groups.contains(app, group)
        {
            return false;
        }
        let domain = &self.options.domain;
        let href = |path: &str| json!({"href": format!("{domain}/api/v1/{path}")});
        let object = json!({
            "id": group,
            "lastUpdated": self.time_text(),
            "priority": self.app_groups.count(app),
            "profile": {},
            "_links": {"app": href(&format!("apps/{app}")), "self": href(&format!("apps/{app}/groups/{group}")), "group": href(&format!("groups/{group}"))},
        });
        self.app_groups.put(app, group, object);
        self.log_app_group(app, group, "group.application_assignment.add");
        self.settle_members(app, group);
        true
    }

    /// Takes a group's assignment away, and with it what only this group granted.
    pub fn unassign_group(&mut self, app: &str, group: &str) -> bool {
        if self.app_groups.remove(app, group).is_none() {
            return false;
        }
        self.log_app_group(app, group, "group.application_assignment.remove");
        self.settle_members(app, group);
        true
    }

    /// Single sign-on of a user to an app.
    pub fn sso(&mut self, user: &str, app: &str) -> bool {
        if !self.users.contains(user) || !self.apps.contains(app) {
            return false;
        }
        let event = Event::new("user.authentication.sso").by(self.user_party(user));
        self.log(
            event
                .on(self.app_party(app))
                .on(self.app_user_party(app, user)),
        );
        true
    }

    fn settle_members(&mut self, app: &str, group: &str) {
        self.effects(|org| {
            for user in org.members.children(group) {
                org.settle(app, &user);
            }
        });
    }

    /// Makes the app user what the groups say, unless it is assigned directly; who is deprovisioned gets nothing.
    pub(super) fn settle(&mut self, app: &str, user: &str) {
        let assigned = self.app_users.get(app, user);
        if assigned.is_some_and(|assigned| assigned["scope"] == "USER") {
            return;
        }
        match (self.granting_group(app, user), assigned.is_some()) {
            (Some(group), false)
                if self
                    .users
                    .get(user)
                    .is_some_and(|user| user["status"] != "DEPROVISIONED") =>
            {
                self.put_app_user(app, user, Some(&group));
                self.log_app_user(app, user, "add");
            }
            (None, true) => self.drop_app_user(app, user),
            _ => {}
        }
    }

    pub(super) fn drop_app_user(&mut self, app: &str, user: &str) {
        self.app_users.remove(app, user);
        self.log_app_user(app, user, "remove");
    }

    fn granting_group(&self, app: &str, user: &str) -> Option<String> {
        let groups = self.app_groups.of(app)?;
        groups
            .ids()
            .find(|group| self.members.contains(group, user))
            .map(str::to_owned)
    }

    fn put_app_user(&mut self, app: &str, user: &str, group: Option<&str>) {
        let (now, domain) = (self.time_text(), &self.options.domain);
        let profile = self
            .users
            .get(user)
            .map(|user| user["profile"].clone())
            .unwrap_or_default();
        let mut links = json!({"app": {"href": format!("{domain}/api/v1/apps/{app}")}, "user": {"href": format!("{domain}/api/v1/users/{user}")}});
        if let Some(group) = group {
            links["group"] = json!({"name": self.groups.get(group).map(crate::groups::name), "href": format!("{domain}/api/v1/groups/{group}")});
        }
        let object = json!({
            "id": user,
            "externalId": null,
            "created": now,
            "lastUpdated": now,
            "scope": if group.is_some() { "GROUP" } else { "USER" },
            "status": "ACTIVE",
            "statusChanged": now,
            "passwordChanged": null,
            "syncState": "DISABLED",
            "credentials": {"userName": profile["login"]},
            "profile": {"email": profile["email"], "given_name": profile["firstName"], "family_name": profile["lastName"]},
            "_links": links,
        });
        self.app_users.put(app, user, object);
    }

    pub(crate) fn app_user_party(&self, app: &str, user: &str) -> Party {
        let person = self.user_party(user);
        // The log knows an assignment by an id of its own (0ua…), which the API never shows.
        let id = format!("0ua{}{}", tail(app, 8), tail(user, 9));
        Party::new("AppUser", &id, &person.alternate_id, &person.display_name)
    }

    fn log_app_user(&mut self, app: &str, user: &str, what: &str) {
        // Large orgs are made silently; the parties of an event cost more than the assignment.
        if self.silent {
            return;
        }
        let event = Event::new(format!("application.user_membership.{what}"));
        self.log(
            event
                .on(self.app_user_party(app, user))
                .on(self.app_party(app))
                .on(self.user_party(user)),
        );
    }

    fn log_app_group(&mut self, app: &str, group: &str, event_type: &'static str) {
        let id = format!("gra{}{}", tail(app, 8), tail(group, 9));
        let event = Event::new(event_type)
            .on(self.group_party(group))
            .on(self.app_party(app));
        self.log(event.debug("groupAppAssignmentId", id));
    }
}

fn tail(id: &str, chars: usize) -> &str {
    id.get(id.len().saturating_sub(chars)..).unwrap_or(id)
}
