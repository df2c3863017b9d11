//! Where a stream's objects are read, and how often.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::Stream;
use super::change::Kind;

/// Where a stream's objects are read.
#[derive(Debug)]
pub enum Source {
    /// They are the items of a listing.
    Listing(&'static Listing),
    /// They are the items of one listing per parent.
    PerParent {
        /// Whose listings they are.
        parents: Parents,
        /// Path and query of the listing, `{parent}` standing for the parent's id.
        path: &'static str,
    },
    /// They are put together from several answers per parent.
    Assembled {
        /// The parents that they are put together for, possibly of several listings.
        parents: &'static [Parents],
        /// The next request for a parent; `None` when all answers are there.
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
    /// The parent's kind in the assembly: `User`, `Group`, `Client`.
    pub kind: &'static str,
    /// The kind of object that the parent is.
    pub of: Kind,
    /// Whether there is anything to read of this one: saves the request.
    pub wanted: fn(&RawValue) -> bool,
    /// Whether the parent's own object is part of what is put together.
    pub keep: bool,
    /// Whether Okta refuses the question (400) where the parent has none: an IdP of a type without users.
    pub refusal_is_none: bool,
}

/// A listing that is read from its first page to its last, for one stream or several.
#[derive(Debug)]
pub struct Listing {
    /// Its name in the cursor.
    pub name: &'static str,
    /// Path and query of the first page.
    pub path: &'static str,
    /// Members that its items may come without, in the words of Okta's `okta-response`: they cost Okta time
    /// and the answer bytes. The items' own requests go without them, too.
    /// <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/User/#tag/User/operation/listUsers!in=header&path=Content-Type>
    pub omits: &'static str,
}

/// A listing is known by its name.
impl PartialEq for Listing {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Listing {}

/// What a listing's items are completed from: a second listing, asked once for all pages of the first.
#[derive(Debug)]
pub struct Join {
    /// The listing that is completed.
    pub listing: &'static Listing,
    /// Path and query of the second listing.
    pub path: &'static str,
    /// The name by which an item of the second listing is looked up.
    pub name: fn(&RawValue) -> Option<String>,
    /// An item of the first listing with what it names, as JSON; `None` where it names nothing and stays as it is.
    pub complete: fn(&RawValue, &BTreeMap<String, Box<RawValue>>) -> Option<String>,
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

/// The answers so far for one parent.
#[derive(Debug, Clone, Default)]
pub struct Assembly {
    /// The parent's kind (see [`Parents::kind`]).
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
    /// Whether Okta answered that what the step is about is not there, which is no empty list.
    pub is_gone: bool,
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
        Some(Self {
            path,
            optional: false,
        })
    }
}
