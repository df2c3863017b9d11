//! Groups and their members.

use serde_json::{Map, Value};

use super::touch;
use super::users::owned;
use crate::event::{Event, Party};
use crate::groups::group_object;
use crate::org::Org;

/// The origin of a membership that nobody gave by hand.
const RULE: &str = "RULE";
const IMPORT: &str = "IMPORT";

/// Users that a job moved.
struct Moved<'a> {
    joined: Vec<&'a str>,
    left: Vec<&'a str>,
}

impl Org {
    /// Creates a group of type `OKTA_GROUP` and returns the id.
    pub fn create_group(&mut self, name: &str) -> String {
        let id = self.put_group("OKTA_GROUP", name);
        let target = self.group_party(&id);
        self.log(Event::new("group.lifecycle.create").on(target));
        id
    }

    /// The group that an app's import brings (`APP_GROUP`): logged as an import, which names the app only.
    pub fn import_group(&mut self, name: &str, app: &str) -> String {
        let id = self.put_group("APP_GROUP", name);
        self.groups.edit(&id, |group| {
            group["source"] = serde_json::json!({"id": app})
        });
        let target = self.group_party(&id);
        self.log(Event::new("system.import.group.create").on(target));
        id
    }

    /// The built-in group Everyone, which every user joins; its members are never logged.
    pub fn create_everyone(&mut self) -> String {
        let id = self.put_group("BUILT_IN", "Everyone");
        let users: Vec<String> = self.users.ids().map(str::to_owned).collect();
        for user in users {
            self.add_member(&id, &user);
        }
        id
    }

    /// Changes a group's profile.
    pub fn update_group(&mut self, id: &str, change: impl FnOnce(&mut Map<String, Value>)) -> bool {
        let now = self.time_text();
        let changed = self.groups.edit(id, |group| {
            group["profile"].as_object_mut().map(change);
            touch(group, &["lastUpdated"], &now);
        });
        if changed {
            let target = self.group_party(id);
            self.log(Event::new("group.profile.update").on(target));
        }
        changed
    }

    /// Deletes a group; its memberships and roles go without events of their own, app users that it granted with theirs.
    pub fn delete_group(&mut self, id: &str) -> bool {
        let target = self.group_party(id);
        if self.groups.remove(id).is_none() {
            return false;
        }
        let (apps, members) = (
            owned(self.app_groups.parents(id)),
            self.members.children(id),
        );
        self.members.drop_parent(id);
        self.app_groups.drop_child(id);
        self.drop_principal(id);
        self.drop_role_target(id);
        self.log(Event::new("group.lifecycle.delete").on(target));
        // Nothing else tells which apps it granted: the jobs that take them away log their own events.
        for (app, user) in apps
            .iter()
            .flat_map(|app| members.iter().map(move |user| (app, user)))
        {
            self.settle(app, user);
        }
        true
    }

    /// Adds a user to a group; Okta logs nothing for the group Everyone.
    pub fn add_member(&mut self, group: &str, user: &str) -> bool {
        let joined = self.join(group, user, Value::Null);
        if joined {
            self.log_member(group, user, "group.user_membership.add");
            self.follow_groups(group, user, "grant");
        }
        joined
    }

    /// Takes a user out of a group.
    pub fn remove_member(&mut self, group: &str, user: &str) -> bool {
        let parted = self.part(group, user);
        if parted {
            self.log_member(group, user, "group.user_membership.remove");
            self.follow_groups(group, user, "revoke");
        }
        parted
    }

    /// A group rule puts users into a group and takes others out. Its event names the rule, neither the group nor the
    /// users; those of the users follow, late with [`crate::Options::late_rules`].
    pub fn apply_rule(&mut self, group: &str, joining: &[&str], leaving: &[&str]) -> bool {
        let Some(moved) = self.move_members(group, joining, leaving, RULE) else {
            return false;
        };
        let id = format!("0pr{}", group.get(3..).unwrap_or_default());
        self.log(
            Event::new("group.user_membership.rule.trigger").on(Party::new(
                "GroupRule",
                &id,
                "unknown",
                "Rule",
            )),
        );
        let job = |org: &mut Self| {
            moved
                .joined
                .iter()
                .for_each(|user| org.log_member(group, user, "group.user_membership.add"));
            moved
                .left
                .iter()
                .for_each(|user| org.log_member(group, user, "group.user_membership.remove"));
            org.follow_moved(group, &moved);
        };
        if self.options.late_rules {
            self.late(job)
        } else {
            job(self)
        }
        true
    }

    /// An app's import puts users into a group and takes others out; the only event of it names the app, neither the
    /// group nor the users. What follows for apps and roles is logged as ever.
    pub fn import_memberships(
        &mut self,
        group: &str,
        joining: &[&str],
        leaving: &[&str],
        app: &str,
    ) -> bool {
        let Some(moved) = self.move_members(group, joining, leaving, IMPORT) else {
            return false;
        };
        let target = self.app_party(app);
        self.log(Event::new("system.import.group_membership.complete").on(target));
        self.follow_moved(group, &moved);
        true
    }

    /// Whether a membership was given by somebody, not by a rule or an import.
    pub(super) fn joined_by_hand(&self, group: &str, user: &str) -> bool {
        let imported = self
            .groups
            .get(group)
            .is_some_and(|group| group["type"] == "APP_GROUP");
        !imported && self.members.get(group, user).is_some_and(Value::is_null)
    }

    /// Those who joined and those who left; `None` where nobody did.
    fn move_members<'a>(
        &mut self,
        group: &str,
        joining: &[&'a str],
        leaving: &[&'a str],
        by: &str,
    ) -> Option<Moved<'a>> {
        let joined: Vec<&str> = joining
            .iter()
            .copied()
            .filter(|user| self.join(group, user, by.into()))
            .collect();
        let left: Vec<&str> = leaving
            .iter()
            .copied()
            .filter(|user| self.part(group, user))
            .collect();
        (!joined.is_empty() || !left.is_empty()).then_some(Moved { joined, left })
    }

    fn follow_moved(&mut self, group: &str, moved: &Moved<'_>) {
        moved
            .joined
            .iter()
            .for_each(|user| self.follow_groups(group, user, "grant"));
        moved
            .left
            .iter()
            .for_each(|user| self.follow_groups(group, user, "revoke"));
    }

    /// Changes a group's object in any way at all, without an event and without moving `lastUpdated`.
    pub fn edit_group(&mut self, id: &str, change: impl FnOnce(&mut Value)) -> bool {
        self.groups.edit(id, change)
    }

    fn put_group(&mut self, kind: &str, name: &str) -> String {
        let id = self.ids.next("00g");
        let mut profile = Map::new();
        profile.insert("name".into(), name.into());
        profile.insert("description".into(), Value::Null);
        let object = group_object(&self.options.domain, &id, kind, &profile, &self.time_text());
        self.groups.put(&id, object);
        id
    }

    /// `by` is kept with the membership; null for one that somebody gave.
    fn join(&mut self, group: &str, user: &str, by: Value) -> bool {
        let deprovisioned = self
            .users
            .get(user)
            .is_none_or(|user| user["status"] == "DEPROVISIONED");
        if deprovisioned || !self.groups.contains(group) || self.members.contains(group, user) {
            return false;
        }
        self.members.put(group, user, by);
        self.members_moved(group);
        true
    }

    pub(super) fn part(&mut self, group: &str, user: &str) -> bool {
        let removed = self.members.remove(group, user).is_some();
        if removed {
            self.members_moved(group);
        }
        removed
    }

    fn log_member(&mut self, group: &str, user: &str, event_type: &'static str) {
        if self
            .groups
            .get(group)
            .is_some_and(|group| group["type"] != "BUILT_IN")
        {
            let (user, group) = (self.user_party(user), self.group_party(group));
            self.log(Event::new(event_type).on(user).on(group));
        }
    }

    /// The consequences of joining and leaving: app users, and the privileges of the group.
    fn follow_groups(&mut self, group: &str, user: &str, what: &str) {
        for app in owned(self.app_groups.parents(group)) {
            self.settle(&app, user);
        }
        if self.assignments.count(group) > 0 {
            self.log_member_privileges(user, what);
        }
    }

    fn members_moved(&mut self, group: &str) {
        let now = self.time_text();
        self.groups.edit(group, |group| {
            touch(group, &["lastMembershipUpdated"], &now)
        });
    }
}
