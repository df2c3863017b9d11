//! The ids of all that the org holds, for comparing with what a collector brought.

use serde::Serialize;

use crate::org::Org;
use crate::table::Table;

/// Ids per kind, in the order in which the org lists them; pairs are `parent:child`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct State {
    /// Users, deprovisioned ones included.
    pub users: Vec<String>,
    /// Users whose factors can be asked for: all but staged, provisioned and deprovisioned ones.
    pub factors: Vec<String>,
    /// Groups.
    pub groups: Vec<String>,
    /// `group:user`
    pub memberships: Vec<String>,
    /// Apps.
    pub apps: Vec<String>,
    /// `app:user`
    pub app_users: Vec<String>,
    /// `app:group`
    pub app_groups: Vec<String>,
    /// Custom roles.
    pub roles: Vec<String>,
    /// `principal:assignment`, direct assignments only.
    pub role_assignments: Vec<String>,
    /// Resource sets.
    pub resource_sets: Vec<String>,
    /// Identity providers.
    pub idps: Vec<String>,
    /// `idp:user`
    pub idp_users: Vec<String>,
    /// Events that were ever logged, those no longer offered included.
    pub events: usize,
}

impl Org {
    /// The ids of everything.
    #[must_use]
    pub fn state(&self) -> State {
        State {
            users: ids(&self.users),
            factors: self.users_with_factors(),
            groups: ids(&self.groups),
            memberships: self.members.pairs(),
            apps: ids(&self.apps),
            app_users: self.app_users.pairs(),
            app_groups: self.app_groups.pairs(),
            roles: ids(&self.custom_roles),
            role_assignments: self.assignments.pairs(),
            resource_sets: ids(&self.resource_sets),
            idps: ids(&self.idps),
            idp_users: self.idp_users.pairs(),
            events: self.log.len(),
        }
    }

    fn users_with_factors(&self) -> Vec<String> {
        let without = ["STAGED", "PROVISIONED", "DEPROVISIONED"];
        let rows = self
            .users
            .rows()
            .filter(|row| !without.contains(&row.value["status"].as_str().unwrap_or_default()));
        rows.map(|row| row.id.clone()).collect()
    }
}

fn ids(table: &Table) -> Vec<String> {
    table.ids().map(str::to_owned).collect()
}
