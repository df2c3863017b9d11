//! **The table**: every stream, where it is read and what becomes of it.
//!
//! One file an entity; the listing of this folder is the catalogue. To add a stream, write its
//! file and name its declaration in [`STREAMS`] (and its listing in [`LISTINGS`], where no
//! stream has read it so far): nothing else knows streams by name.

mod activity;
mod application_groups;
mod application_users;
mod applications;
mod factors;
mod group_memberships;
mod groups;
mod idp_users;
mod idps;
mod object;
mod resource_sets;
mod role_assignments;
mod roles;
mod usage;
mod users;

use serde_json::Value;
use serde_json::value::RawValue;

pub use activity::{Entry, entry};
use object::every;
pub use object::{Context, id_of, parse};

use crate::record::Normalized;

/// A stream's declaration.
#[derive(Debug)]
pub struct Stream {
    /// Its name in records, keys, events and reports.
    pub name: &'static str,
    /// The word that people use for it.
    pub word: &'static str,
    /// The OAuth scope that its requests need.
    pub scope: &'static str,
    /// Where its objects are read.
    pub source: Source,
    /// How often a snapshot of it begins.
    pub cadence: Cadence,
    /// Beginnings of the System Log event types whose success makes a snapshot due at once: for
    /// streams that are small enough to be read as a whole whenever they change.
    pub touched_by: &'static [&'static str],
    /// Objects of it that need no request.
    pub fixed: Option<Fixed>,
    /// One object of an answer → record; none where the object has no usable id.
    pub normalize: fn(&RawValue, &Context<'_>) -> Option<Normalized>,
}

/// Where a stream's objects are read.
#[derive(Debug)]
pub enum Source {
    /// They are the items of a listing.
    Listing(&'static Listing),
    /// They are the items of one listing a parent.
    PerParent {
        /// Whose listings they are.
        parents: Parents,
        /// Path and query of the listing, `{parent}` standing for the parent's id.
        path: &'static str,
    },
    /// They are put together from several answers a parent.
    Assembled {
        /// What they are put together for, possibly of several listings.
        parents: &'static [Parents],
        /// What to ask next for a parent; none when all is there.
        next: fn(&Assembly) -> Option<Step>,
        /// The answers for a parent → objects.
        assemble: fn(&Assembly) -> Vec<Value>,
        /// The stream some of whose objects show only here, and the ids that show.
        mentions: Option<Mentions>,
    },
    /// They are the events of the System Log, which only grows.
    SystemLog {
        /// Path and query, but for where to begin.
        path: &'static str,
    },
    /// They are counted from the events of a System Log stream, without a request.
    Counted {
        /// That stream.
        from: &'static Stream,
    },
}

/// Objects of another stream that show only in what is put together.
#[derive(Debug)]
pub struct Mentions {
    /// That stream.
    pub stream: &'static str,
    /// The ids that show.
    pub ids: fn(&Assembly) -> Vec<String>,
}

/// Items of a listing that something is read of.
#[derive(Debug)]
pub struct Parents {
    /// The listing.
    pub listing: &'static Listing,
    /// What a parent is (`User`, `Group`, `Client`).
    pub kind: &'static str,
    /// Whether there is anything to read of this one: saves the request.
    pub wanted: fn(&RawValue) -> bool,
    /// Whether the parent's own object is part of what is put together.
    pub keep: bool,
}

/// A listing that is read from its first page to its last, for one stream or several.
#[derive(Debug, PartialEq, Eq)]
pub struct Listing {
    /// Its name in the cursor.
    pub name: &'static str,
    /// Path and query of the first page.
    pub path: &'static str,
    /// Whether it is read after all others, so that it never delays them.
    pub last: bool,
}

/// How often a snapshot begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cadence {
    /// With every full synchronization.
    Full,
    /// With every reading of the factors.
    Factors,
}

/// Objects that need no request: those that are documented, and those that were seen since.
#[derive(Debug)]
pub struct Fixed {
    /// Ids of the documented ones.
    pub known: &'static [&'static str],
    /// The object of an id.
    pub object: fn(&str) -> Value,
}

/// What was answered so far for one parent.
#[derive(Debug, Clone, Default)]
pub struct Assembly {
    /// What the parent is (see [`Parents::kind`]).
    pub kind: &'static str,
    /// Its id.
    pub parent: String,
    /// Its own object, where it is kept.
    pub item: Option<Value>,
    /// Answers, in the order of their steps, all pages of each.
    pub parts: Vec<Part>,
}

/// All pages of one step.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// Items, as read.
    pub items: Vec<Value>,
}

/// A request for a parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Path and query of the first page.
    pub path: String,
    /// Whether the object is worth having without it: a refusal then counts as no items.
    pub optional: bool,
}

impl Step {
    /// A step that must be answered.
    #[must_use]
    pub fn to(path: String) -> Option<Self> {
        Some(Self { path, optional: false })
    }
}

/// Every listing, in the order in which they are begun.
pub static LISTINGS: &[&Listing] = &[
    &users::LISTING,
    &groups::LISTING,
    &applications::LISTING,
    &role_assignments::ASSIGNEES,
    &roles::LISTING,
    &resource_sets::LISTING,
    &idps::LISTING,
    &factors::LISTING,
];

/// Every stream.
pub static STREAMS: &[&Stream] = &[
    &users::STREAM,
    &factors::STREAM,
    &groups::STREAM,
    &group_memberships::STREAM,
    &applications::STREAM,
    &application_users::STREAM,
    &application_groups::STREAM,
    &roles::STREAM,
    &role_assignments::STREAM,
    &resource_sets::STREAM,
    &idps::STREAM,
    &idp_users::STREAM,
    &activity::STREAM,
    &usage::STREAM,
];

/// Names of every stream, in the table's order.
#[must_use]
pub fn names() -> Vec<&'static str> {
    STREAMS.iter().map(|stream| stream.name).collect()
}

/// The stream of this name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Stream> {
    STREAMS.iter().copied().find(|stream| stream.name == name)
}

/// The listing of this name.
#[must_use]
pub fn listing(name: &str) -> Option<&'static Listing> {
    LISTINGS.iter().copied().find(|listing| listing.name == name)
}

/// The stream whose objects a listing's items are; none for a listing that serves others only.
#[must_use]
pub fn own_stream(listing: &Listing) -> Option<&'static Stream> {
    STREAMS.iter().copied().find(|stream| matches!(stream.source, Source::Listing(own) if own == listing))
}

/// The scopes that the streams need, each once, in the table's order.
#[must_use]
pub fn scopes<'a>(streams: impl IntoIterator<Item = &'a &'static Stream>) -> Vec<&'static str> {
    let mut scopes = Vec::new();
    for stream in streams {
        if !scopes.contains(&stream.scope) {
            scopes.push(stream.scope);
        }
    }
    scopes
}

impl Stream {
    /// The listings that this stream's snapshot walks; none for what grows with the System Log.
    #[must_use]
    pub fn listings(&self) -> Vec<&'static Listing> {
        match &self.source {
            Source::Listing(listing) => vec![listing],
            Source::PerParent { parents, .. } => vec![parents.listing],
            Source::Assembled { parents, .. } => parents.iter().map(|parents| parents.listing).collect(),
            Source::SystemLog { .. } | Source::Counted { .. } => Vec::new(),
        }
    }

    /// The listings that it walks where the streams `off` are switched off. Of a stream that is put
    /// together for the items of several, those whose own stream is off are left out: who does
    /// not have the groups collected has no admin role for them, and stays healthy.
    #[must_use]
    pub fn listings_without(&self, off: &[String]) -> Vec<&'static Listing> {
        let mut listings = self.listings();
        let is_off = |listing: &Listing| own_stream(listing).is_some_and(|own| off.iter().any(|off| off == own.name));
        if listings.len() > 1 {
            listings.retain(|listing| !is_off(listing));
        }
        listings
    }

    /// The scopes of its requests and of the listings that it walks where `off` are switched off.
    #[must_use]
    pub fn scopes_without(&self, off: &[String]) -> Vec<&'static str> {
        let listings = self.listings_without(off).into_iter().filter_map(own_stream);
        std::iter::once(self.scope).chain(listings.map(|own| own.scope)).collect()
    }

    /// Whether its objects are put together from several answers.
    #[must_use]
    pub fn is_assembled(&self) -> bool {
        matches!(self.source, Source::Assembled { .. })
    }

    /// The parents that this stream reads of a listing's items.
    #[must_use]
    pub fn parents_of(&self, listing: &str) -> Option<&Parents> {
        match &self.source {
            Source::PerParent { parents, .. } => Some(parents).filter(|parents| parents.listing.name == listing),
            Source::Assembled { parents, .. } => parents.iter().find(|parents| parents.listing.name == listing),
            Source::Listing(_) | Source::SystemLog { .. } | Source::Counted { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_listing_is_declared() {
        let mut names = names();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), STREAMS.len());
        for listing in STREAMS.iter().flat_map(|stream| stream.listings()) {
            assert_eq!(super::listing(listing.name), Some(listing));
        }
    }
}
