//! Changes in the org: which events tell of them, and how the records concerned are read again.
//! Events only mark records; the answers decide.
//! <https://developer.okta.com/docs/reference/api/event-types/>

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Context;
use crate::record::Normalized;

/// An object that events name and that records hang on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// `00u…`
    User,
    /// `00g…`
    Group,
    /// `0oa…`; a client app is the principal of its role assignments, too.
    Application,
    /// `0oa…`
    IdentityProvider,
    /// `cr0…`, a custom admin role.
    Role,
    /// `iam…`
    ResourceSet,
}

/// Whose ids make up the ids of a stream's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// The record is an object that nothing else hangs on, or an event.
    Own,
    /// The record is (all that is known here of) one object of this kind: its end is a tombstone.
    Object(Kind),
    /// `{first}:{second}`: the end of either is the end of the record.
    Pair(Kind, Kind),
    /// `{principal}:{…}`, the principal being of one of these kinds.
    Principal(&'static [Kind]),
}

/// The records that one rereading brings up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Of {
    /// All records that have an object's id in theirs.
    All(Kind),
    /// One record, whose id is a pair.
    Pair,
}

/// A way to read records of a stream again.
#[derive(Debug)]
pub struct Reread {
    /// The records that it brings up to date.
    pub of: Of,
    /// The request.
    pub read: Read,
}

/// The request of a [`Reread`]. In paths, `{id}` stands for the object's id, `{parent}` and
/// `{child}` for those of a pair.
#[derive(Debug)]
pub enum Read {
    /// One object; where there is none, the record is gone.
    Object {
        /// Its path.
        path: &'static str,
    },
    /// A listing of all records with the id; what it does not repeat is gone.
    Listing {
        /// Path and query of the first page.
        path: &'static str,
        /// Items of a page.
        page_items: u64,
        /// Maps its items to records, where they differ from those of the snapshot; gives `None`
        /// for an item that cannot tell.
        normalize: Option<fn(&RawValue, &Context<'_>) -> Option<Normalized>>,
    },
    /// Put together like the snapshot's.
    Assembled {
        /// The parent's kind (see [`Parents::kind`](super::Parents::kind)).
        parent: &'static str,
        /// Path of the object itself, where it must be known first: the parent that is not
        /// `wanted` has nothing.
        object: Option<&'static str>,
    },
}

/// Events, and what their success touches.
#[derive(Debug)]
pub struct Trigger {
    /// Event types; one that ends with a dot stands for all that begin so.
    pub events: &'static [&'static str],
    /// The records that they touch.
    pub touches: Touches,
}

/// The records of a stream that an event touches. An event that lacks the target it should name touches all
/// that it could mean: what has changed lately, where that can be asked for, else the whole stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touches {
    /// The records of each target of these kinds.
    Each(&'static [Kind]),
    /// As `Each`, or those of the actor: people do this to themselves.
    EachOrActor(Kind),
    /// As `Each`, where a listing of the records takes few pages at most: what follows from the
    /// event has events of its own, which may be long in coming.
    EachOfFew(Kind),
    /// The records of each user among the targets, whose life has changed. Without one, those of
    /// the users that have changed lately.
    Life,
    /// The record of the pair that the targets name; of one target alone, all of its records.
    Pair,
    /// Each target of this kind is gone for good, and with it what hung on it: Okta never uses an
    /// id twice. No read is needed.
    Gone(Kind),
    /// The records that have changed lately.
    Lately,
    /// Everything.
    Whole,
}

/// Asking for what has changed lately, with or without an event.
#[derive(Debug)]
pub struct Sweep {
    /// Path and query, `{since}` standing for a time.
    pub path: &'static str,
    /// The time that Okta compares.
    pub time: fn(&RawValue) -> Option<Timestamp>,
    /// The meaning of the items.
    pub rows: Rows,
    /// When an item last began or ended its life, for a stream of objects whose life decides what they have: users.
    pub life: Option<fn(&RawValue) -> Option<Timestamp>>,
}

/// The meaning of a [`Sweep`]'s items.
#[derive(Debug, Clone, Copy)]
pub enum Rows {
    /// Objects of the stream.
    Records,
    /// Objects of this kind, all of whose records in the stream are read again, but for those that
    /// `wanted` leaves out.
    Parents {
        /// The kind.
        kind: Kind,
        /// Whether a row's records are worth a read of their own.
        wanted: fn(&RawValue) -> bool,
    },
}

impl Kind {
    /// The types that events give it, and how its ids begin.
    fn signs(self) -> (&'static [&'static str], &'static str) {
        match self {
            Self::User => (&["User"], "00u"),
            Self::Group => (&["UserGroup", "Group"], "00g"),
            Self::Application => (&["AppInstance", "PublicClientApp", "ServiceClient"], "0oa"),
            Self::IdentityProvider => (&["IdentityProvider", "IDP", "Idp"], "0oa"),
            Self::Role => (&["CustomRole"], "cr0"),
            Self::ResourceSet => (&["ResourceSet"], "iam"),
        }
    }

    /// Whether an event's target is of this kind. The type says so; where it is one that nothing
    /// is known of, the id does.
    #[must_use]
    pub fn names(self, kind: &str, id: &str) -> bool {
        let (types, beginning) = self.signs();
        let known = [
            Self::User,
            Self::Group,
            Self::Application,
            Self::IdentityProvider,
        ];
        let is_known =
            kind == "AppUser" || known.iter().any(|known| known.signs().0.contains(&kind));
        types.contains(&kind) || (!is_known && id.starts_with(beginning))
    }
}

/// Whether events of this type only tell of a read, as `system.idp.lifecycle.read_client_secret` does:
/// the collector's own reads are events, too.
#[must_use]
pub fn is_read(event_type: &str) -> bool {
    let last = event_type.rsplit('.').next().unwrap_or_default();
    last == "read" || last.starts_with("read_")
}

/// Whether events of this type take something away: an absence does not contradict them.
#[must_use]
pub fn takes_away(event_type: &str) -> bool {
    [
        "remove",
        "revoke",
        "deprovision",
        "delete",
        "deactivate",
        "unlink",
    ]
    .iter()
    .any(|word| event_type.contains(word))
}

/// Whether an absence is the end of the object that an event of this type names. A source that deletes a user has Okta
/// deactivate the user, or delete the user as well: the object's own answer tells which.
/// <https://developer.okta.com/docs/reference/api/event-types/>
#[must_use]
pub fn ends_if_absent(event_type: &str) -> bool {
    [
        "system.import.user.delete",
        "system.identity_sources.user.delete",
    ]
    .contains(&event_type)
}

/// What events of a type say of the records that they name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// They are there.
    Came,
    /// They are gone.
    Gone,
}

/// The effect of events of this type; `None` where it shows in the records alone. The last word of a type says it:
/// `group.user_membership.add`.
#[must_use]
pub fn effect(event_type: &str) -> Option<Effect> {
    match event_type.rsplit('.').next().unwrap_or_default() {
        "add" | "create" | "grant" | "assign" | "activate" => Some(Effect::Came),
        "remove" | "delete" | "revoke" | "unassign" | "deactivate" | "reset_all" => {
            Some(Effect::Gone)
        }
        _ => None,
    }
}

impl Trigger {
    /// Whether it is for events of this type.
    #[must_use]
    pub fn is_for(&self, event_type: &str) -> bool {
        let fits = |wanted: &&str| {
            *wanted == event_type || wanted.ends_with('.') && event_type.starts_with(*wanted)
        };
        self.events.iter().any(fits)
    }
}

impl Identity {
    /// Whether an object's end takes records with it.
    #[must_use]
    pub fn hangs_on(self, kind: Kind) -> bool {
        match self {
            Self::Own => false,
            Self::Object(own) => own == kind,
            Self::Pair(first, second) => first == kind || second == kind,
            Self::Principal(kinds) => kinds.contains(&kind),
        }
    }
}

/// Events of a user's life that change what the user has, without an event for each of it: who is
/// created joins Everyone, who is deactivated loses what rules and active apps gave.
pub(super) const LIFE_OF_A_USER: &[&str] = &[
    "user.lifecycle.create",
    "user.lifecycle.activate",
    "user.lifecycle.reactivate",
    "user.lifecycle.deactivate",
    "user.lifecycle.delete.initiated",
    "system.import.user.create",
    "system.import.user.delete",
    "system.import.user.update_user_lifecycle_from_master",
    "system.import.user_match.confirm",
    "system.identity_sources.user.create",
    "system.identity_sources.user.delete",
];
/// The events of a user's life that take away: nobody is given a role by beginning.
pub const LOSSES_OF_A_USER: &[&str] = &[
    "user.lifecycle.deactivate",
    "user.lifecycle.delete.initiated",
    "system.import.user.delete",
    "system.import.user.update_user_lifecycle_from_master",
    "system.identity_sources.user.delete",
];
const END_OF_A_USER: &[&str] = &["user.lifecycle.delete.completed"];
const END_OF_A_GROUP: &[&str] = &[
    "group.lifecycle.delete",
    "system.import.group.delete",
    "system.identity_sources.group.delete",
    "app.user_management.user_group_import.delete_success",
];
const END_OF_AN_APPLICATION: &[&str] = &[
    "application.lifecycle.delete",
    "app.oauth2.client.lifecycle.delete",
];
const END_OF_AN_IDP: &[&str] = &["system.idp.lifecycle.delete"];

/// Events that tell of the end of an object, for every stream that hangs on it.
pub static ENDS: &[Trigger] = &[
    Trigger {
        events: END_OF_A_USER,
        touches: Touches::Gone(Kind::User),
    },
    Trigger {
        events: END_OF_A_GROUP,
        touches: Touches::Gone(Kind::Group),
    },
    Trigger {
        events: END_OF_AN_APPLICATION,
        touches: Touches::Gone(Kind::Application),
    },
    Trigger {
        events: END_OF_AN_IDP,
        touches: Touches::Gone(Kind::IdentityProvider),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_known_by_its_type_or_else_by_its_id() {
        assert!(Kind::User.names("User", "00u1") && Kind::User.names("Person", "00u1"));
        assert!(
            !Kind::Application.names("AppUser", "0oa1") && !Kind::User.names("AppUser", "0ua1")
        );
        assert!(Kind::Group.names("UserGroup", "x") && !Kind::Group.names("Person", "00u1"));
        assert!(
            Kind::Application.names("PublicClientApp", "client")
                && Kind::Application.names("", "0oa1")
        );
    }

    #[test]
    fn a_read_is_known_by_the_last_word_of_its_type() {
        assert!(is_read("system.idp.lifecycle.read_client_secret") && is_read("iam.role.read"));
        assert!(!is_read("system.idp.lifecycle.create") && !is_read("user.readiness.update"));
    }

    #[test]
    fn a_type_says_whether_something_comes_or_goes() {
        assert!(
            takes_away("group.user_membership.remove") && takes_away("user.lifecycle.deactivate")
        );
        assert_eq!(
            effect("application.user_membership.add"),
            Some(Effect::Came)
        );
        assert_eq!(effect("user.account.privilege.revoke"), Some(Effect::Gone));
        assert_eq!(effect("user.account.update_profile"), None);
    }

    #[test]
    fn a_trigger_is_for_a_type_or_all_that_begin_like_it() {
        let trigger = Trigger {
            events: &["iam.role.", "group.lifecycle.create"],
            touches: Touches::Whole,
        };
        assert!(
            trigger.is_for("iam.role.permissions.add") && trigger.is_for("group.lifecycle.create")
        );
        assert!(!trigger.is_for("iam.roles") && !trigger.is_for("group.lifecycle.created"));
    }
}
