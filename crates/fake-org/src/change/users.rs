//! Users come, change, and go.

use serde_json::{Map, Value};

use super::touch;
use crate::event::Event;
use crate::org::Org;
use crate::users::{NewUser, user_object};

impl Org {
    /// Creates a user and returns the id; it joins the group Everyone, if the org has one.
    pub fn create_user(&mut self, user: NewUser) -> String {
        let id = self.ids.next("00u");
        let activated = user.status != "STAGED";
        let object = user_object(&self.options.domain, &id, user, &self.time_text());
        self.users.put(&id, object);
        let target = self.user_party(&id);
        self.log(Event::new("user.lifecycle.create").on(target.clone()));
        if activated {
            self.log(Event::new("user.lifecycle.activate").on(target));
        }
        self.join_everyone(&id);
        id
    }

    /// Changes a profile.
    pub fn update_user(&mut self, id: &str, change: impl FnOnce(&mut Map<String, Value>)) -> bool {
        let now = self.time_text();
        let changed = self.users.edit(id, |user| {
            user["profile"].as_object_mut().map(change);
            touch(user, &["lastUpdated"], &now);
        });
        self.log_user(changed, id, "user.account.update_profile")
    }

    /// `SUSPENDED`
    pub fn suspend_user(&mut self, id: &str) -> bool {
        self.move_user(id, "SUSPENDED", "user.lifecycle.suspend")
    }

    /// A suspended user becomes `ACTIVE`.
    pub fn unsuspend_user(&mut self, id: &str) -> bool {
        self.move_user(id, "ACTIVE", "user.lifecycle.unsuspend")
    }

    /// `LOCKED_OUT`
    pub fn lock_user(&mut self, id: &str) -> bool {
        self.move_user(id, "LOCKED_OUT", "user.account.lock")
    }

    /// A locked user becomes `ACTIVE`.
    pub fn unlock_user(&mut self, id: &str) -> bool {
        self.move_user(id, "ACTIVE", "user.account.unlock_by_admin")
    }

    /// `PASSWORD_EXPIRED`
    pub fn expire_password(&mut self, id: &str) -> bool {
        self.move_user(id, "PASSWORD_EXPIRED", "user.account.expire_password")
    }

    /// A staged, provisioned or deactivated user becomes `ACTIVE`.
    pub fn activate_user(&mut self, id: &str) -> bool {
        let changed = self.move_user(id, "ACTIVE", "user.lifecycle.activate");
        if changed {
            self.join_everyone(id);
            self.effects(|org| org.settle_all(id));
        }
        changed
    }

    /// `DEPROVISIONED`: active apps, roles, factors and the groups that a rule or an app brought are taken away, each
    /// with its event. Everyone, groups joined by hand and assignments of inactive apps stay.
    pub fn deactivate_user(&mut self, id: &str) -> bool {
        if !self.move_user(id, "DEPROVISIONED", "user.lifecycle.deactivate") {
            return false;
        }
        self.effects(|org| {
            for app in owned(org.app_users.parents(id)) {
                if org.apps.get(&app).is_some_and(is_active) {
                    org.drop_app_user(&app, id);
                }
            }
            org.revoke_all(id);
            for group in owned(org.members.parents(id)) {
                if !org.joined_by_hand(&group, id) {
                    org.remove_member(&group, id);
                }
            }
            org.reset_factors(id);
        });
        true
    }

    /// Deletes a user, deactivating it first; what deactivation left goes without events of its own.
    pub fn delete_user(&mut self, id: &str) -> bool {
        if !self.users.contains(id) {
            return false;
        }
        self.deactivate_user(id);
        let target = self.user_party(id);
        self.users.remove(id);
        self.idp_users.drop_child(id);
        self.app_users.drop_child(id);
        for group in owned(self.members.parents(id)) {
            self.part(&group, id);
        }
        self.log(Event::new("user.lifecycle.delete.initiated").on(target.clone()));
        self.log(Event::new("user.lifecycle.delete.completed").on(target));
        true
    }

    /// A session begins: `lastLogin` moves, `lastUpdated` does not.
    pub fn sign_in(&mut self, id: &str) -> bool {
        let now = self.time_text();
        let changed = self
            .users
            .edit(id, |user| touch(user, &["lastLogin"], &now));
        if changed {
            let (actor, session) = (self.user_party(id), self.ids.next("102"));
            self.log(Event {
                session: Some(session),
                ..Event::new("user.session.start").by(actor.clone()).on(actor)
            });
        }
        changed
    }

    /// Changes a user's object in any way at all, without an event and without moving `lastUpdated`.
    pub fn edit_user(&mut self, id: &str, change: impl FnOnce(&mut Value)) -> bool {
        self.users.edit(id, change)
    }

    fn move_user(&mut self, id: &str, status: &str, event_type: &'static str) -> bool {
        if self
            .users
            .get(id)
            .is_none_or(|user| user["status"] == status)
        {
            return false;
        }
        let now = self.time_text();
        let changed = self.users.edit(id, |user| {
            user["status"] = status.into();
            touch(user, &["statusChanged", "lastUpdated"], &now);
        });
        self.log_user(changed, id, event_type)
    }

    fn log_user(&mut self, changed: bool, id: &str, event_type: &'static str) -> bool {
        if changed {
            let target = self.user_party(id);
            self.log(Event::new(event_type).on(target));
        }
        changed
    }

    fn join_everyone(&mut self, user: &str) {
        let everyone = self
            .groups
            .rows()
            .find(|row| row.value["type"] == "BUILT_IN")
            .map(|row| row.id.clone());
        if let Some(everyone) = everyone {
            self.effects(|org| org.add_member(&everyone, user));
        }
    }

    /// Gives a user every app that its groups grant.
    fn settle_all(&mut self, user: &str) {
        for group in owned(self.members.parents(user)) {
            for app in owned(self.app_groups.parents(&group)) {
                self.settle(&app, user);
            }
        }
    }
}

fn is_active(app: &Value) -> bool {
    app["status"] == "ACTIVE"
}

pub(super) fn owned<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<String> {
    ids.map(str::to_owned).collect()
}
