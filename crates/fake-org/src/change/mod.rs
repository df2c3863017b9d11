//! Changes to the org, one file per entity. Each logs what Okta logs, or nothing inside [`crate::Org::silently`].
//!
//! A change that has nothing to change (an unknown id, a member who is one already) does nothing and says so by `false`.

mod apps;
mod assignments;
mod factors;
mod groups;
mod iam;
mod idps;
mod roles;
mod users;

pub use apps::NewApp;
pub use roles::Targets;

use serde_json::Value;

use crate::event::{Event, Party};
use crate::org::Org;

impl Org {
    /// Makes all changes that follow in somebody's name; [`Party::system`] by default.
    pub fn set_actor(&mut self, actor: Party) {
        self.actor = actor;
    }

    /// A user as actor or target.
    #[must_use]
    pub fn user_party(&self, id: &str) -> Party {
        let profile = self.users.get(id).map(|user| &user["profile"]);
        let text = |key: &str| {
            profile
                .and_then(|profile| profile[key].as_str())
                .unwrap_or_default()
        };
        let name = format!("{} {}", text("firstName"), text("lastName"));
        Party::new("User", id, text("login"), name.trim())
    }

    /// A group as an event's target.
    #[must_use]
    pub fn group_party(&self, id: &str) -> Party {
        let name = self
            .groups
            .get(id)
            .map(crate::groups::name)
            .unwrap_or_default();
        Party::new("UserGroup", id, "unknown", name)
    }

    /// Runs what follows from a change by itself; see [`crate::Options::quiet_effects`].
    fn effects<T>(&mut self, changes: impl FnOnce(&mut Self) -> T) -> T {
        if self.options.quiet_effects {
            self.silently(changes)
        } else {
            changes(self)
        }
    }

    fn log(&mut self, event: Event) {
        self.append_event(event);
    }
}

/// Sets times of an object to now.
fn touch(object: &mut Value, keys: &[&str], now: &str) {
    for key in keys {
        object[*key] = now.into();
    }
}
