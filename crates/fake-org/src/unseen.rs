//! Lists that lag behind the log: a change is logged at once and seen later, as Okta's own are.

use jiff::Timestamp;

use crate::org::Org;
use crate::table::{Relation, Table};

/// Defines [`Directory`] as a copy of these fields of [`Org`].
macro_rules! directory {
    ($($field:ident: $kind:ty,)*) => {
        /// What lists and objects are made of, at one moment.
        #[derive(Clone, Debug)]
        struct Directory { $($field: $kind,)* }

        impl Directory {
            fn of(org: &Org) -> Self {
                Self { $($field: org.$field.clone(),)* }
            }

            fn exchange(&mut self, org: &mut Org) {
                $(std::mem::swap(&mut self.$field, &mut org.$field);)*
            }
        }
    };
}

directory! {
    users: Table,
    groups: Table,
    members: Relation,
    apps: Table,
    app_users: Relation,
    app_groups: Relation,
    factors: Relation,
    assignments: Relation,
    role_targets: Relation,
    custom_roles: Table,
    permissions: Relation,
    resource_sets: Table,
    resources: Relation,
    bindings: Relation,
    idps: Table,
    idp_users: Relation,
    idp_keys: Table,
}

/// Moments before changes that are not seen yet, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Unseen(Vec<(Timestamp, Directory)>);

impl Org {
    /// Runs changes that are logged at once and that lists and objects show from `until` on only. Later changes wait for
    /// earlier ones to be seen.
    pub fn unseen_until<T>(&mut self, until: Timestamp, changes: impl FnOnce(&mut Self) -> T) -> T {
        let before = Directory::of(self);
        self.unseen.0.push((until, before));
        changes(self)
    }

    /// Answers from what is seen by now.
    pub(crate) fn as_seen<T>(&mut self, answer: impl FnOnce(&Self) -> T) -> T {
        let now = self.now();
        let Some(at) = self.unseen.0.iter().position(|(until, _)| *until > now) else {
            self.unseen.0.clear();
            return answer(self);
        };
        self.unseen.0.drain(..at);
        let (until, mut directory) = self.unseen.0.remove(0);
        directory.exchange(self);
        let answered = answer(self);
        directory.exchange(self);
        self.unseen.0.insert(0, (until, directory));
        answered
    }
}
