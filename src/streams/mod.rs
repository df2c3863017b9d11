//! **The table**: every stream, where it is read and what becomes of it.
//!
//! One file per entity; the listing of this folder is the catalogue. To add a stream, write its
//! file and name its declaration in [`STREAMS`] (and its listing in [`LISTINGS`], where no
//! stream has read it so far). CONTRIBUTING.md says what else the tests then ask for.

mod activity;
mod application_groups;
mod application_users;
mod applications;
pub mod change;
pub mod effect;
mod escalation;
mod factors;
mod group_memberships;
mod groups;
mod idp_users;
mod idps;
mod object;
mod resource_sets;
mod role_assignments;
mod roles;
mod source;
mod usage;
mod users;

use serde_json::value::RawValue;

pub use activity::{LogEvent, Party, Traffic, entry, parties};
use change::{ENDS, Identity, Of, Reread, Sweep, Touches, Trigger};
pub use object::{Context, id_of, is_in_transition, parse, text_of};
use object::{every, last_updated, time_of};
pub use source::{Assembly, Cadence, Fixed, Join, Listing, Mentions, Parents, Part, Source, Step};

use crate::authomize::Bundle;
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
    /// Whose ids make up those of its records.
    pub identity: Identity,
    /// System Log events that tell of changes, beside the ends of what its records hang on.
    pub changed_by: &'static [Trigger],
    /// How its records are read again, one way for all that the events name; without any, the
    /// stream is small enough to be read as a whole.
    pub rereads: &'static [Reread],
    /// How to ask for what has changed lately.
    pub sweep: Option<Sweep>,
    /// Objects of it that need no request.
    pub fixed: Option<Fixed>,
    /// The part of a record's id that is an object's own; with the parent's id before it, the whole id of records that
    /// are read per parent.
    pub own_id: fn(&RawValue) -> Option<String>,
    /// One object of an answer → record; `None` where the object has no usable id.
    pub normalize: fn(&RawValue, &Context<'_>) -> Option<Normalized>,
    /// The bundle that tells Authomize of a record that is gone, by its id.
    pub tombstone: Option<fn(&str) -> Bundle>,
}

/// Every listing, in the order in which they are begun: the factors last, so that they never delay the others.
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

/// Listings that are completed from others.
pub static JOINS: &[&Join] = &[&idps::TRUSTED_KEYS];

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
    LISTINGS
        .iter()
        .copied()
        .find(|listing| listing.name == name)
}

/// The stream whose objects a listing's items are; `None` for a listing that serves others only.
#[must_use]
pub fn own_stream(listing: &Listing) -> Option<&'static Stream> {
    STREAMS
        .iter()
        .copied()
        .find(|stream| matches!(stream.source, Source::Listing(own) if own == listing))
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
    /// The listings that this stream's snapshot walks; empty for a stream that grows with the System Log.
    #[must_use]
    pub fn listings(&self) -> Vec<&'static Listing> {
        match &self.source {
            Source::Listing(listing) => vec![listing],
            Source::PerParent { parents, .. } => vec![parents.listing],
            Source::Assembled { parents, .. } => {
                parents.iter().map(|parents| parents.listing).collect()
            }
            Source::SystemLog { .. } | Source::Counted { .. } => Vec::new(),
        }
    }

    /// The listings that it walks where the streams `off` are switched off. Of a stream that is put
    /// together for the items of several, those whose own stream is off are left out: who does
    /// not have the groups collected has no admin role for them, and stays healthy.
    #[must_use]
    pub fn listings_without(&self, off: &[String]) -> Vec<&'static Listing> {
        let mut listings = self.listings();
        let is_off = |listing: &Listing| {
            own_stream(listing).is_some_and(|own| off.iter().any(|off| off == own.name))
        };
        if listings.len() > 1 {
            listings.retain(|listing| !is_off(listing));
        }
        listings
    }

    /// The scopes of its requests and of the listings that it walks where `off` are switched off.
    #[must_use]
    pub fn scopes_without(&self, off: &[String]) -> Vec<&'static str> {
        let listings = self
            .listings_without(off)
            .into_iter()
            .filter_map(own_stream);
        std::iter::once(self.scope)
            .chain(listings.map(|own| own.scope))
            .collect()
    }

    /// Whether its objects are put together from several answers.
    #[must_use]
    pub fn is_assembled(&self) -> bool {
        matches!(self.source, Source::Assembled { .. })
    }

    /// The parents of this kind (see [`Parents::kind`]) that it is put together for.
    #[must_use]
    pub fn parents_of_kind(&self, kind: &str) -> Option<&'static Parents> {
        match self.source {
            Source::Assembled { parents, .. } => {
                parents.iter().find(|parents| parents.kind == kind)
            }
            _ => None,
        }
    }

    /// The records of this stream that events of this type touch.
    pub fn touches(&self, event_type: &str) -> impl Iterator<Item = Touches> + use<> {
        let identity = self.identity;
        let ends = ENDS.iter().filter(
            move |end| matches!(end.touches, Touches::Gone(kind) if identity.hangs_on(kind)),
        );
        let touched: Vec<_> = self
            .changed_by
            .iter()
            .chain(ends)
            .filter(|trigger| trigger.is_for(event_type))
            .collect();
        touched.into_iter().map(|trigger| trigger.touches)
    }

    /// How the records `of` are read again; `None` where only a snapshot reads them.
    #[must_use]
    pub fn reread(&self, of: Of) -> Option<&'static Reread> {
        self.rereads.iter().find(|reread| reread.of == of)
    }

    /// The parents that this stream reads of a listing's items.
    #[must_use]
    pub fn parents_of(&self, listing: &str) -> Option<&Parents> {
        match &self.source {
            Source::PerParent { parents, .. } => {
                Some(parents).filter(|parents| parents.listing.name == listing)
            }
            Source::Assembled { parents, .. } => parents
                .iter()
                .find(|parents| parents.listing.name == listing),
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
