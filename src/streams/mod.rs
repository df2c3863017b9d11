//! **The table**: every stream, where it is read and what becomes of it.
//!
//! One file an entity; the listing of this folder is the catalogue. To add a stream, write its
//! file and name its declaration in [`STREAMS`] (and its listing in [`LISTINGS`], where no
//! stream has read it so far): nothing else knows streams by name.

mod activity;
mod group_memberships;
mod groups;
mod users;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

pub use activity::{Entry, entry};

use crate::record::Normalized;
use crate::scrub::scrub;

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
        /// The listing whose items are the parents.
        parents: &'static Listing,
        /// Path and query of the listing, `{parent}` standing for the parent's id.
        path: &'static str,
        /// Whether the parent's own object says that its listing is empty: saves the request.
        is_empty: fn(&RawValue) -> bool,
    },
    /// They are the events of the System Log, which only grows.
    SystemLog {
        /// Path and query, but for where to begin.
        path: &'static str,
    },
}

/// A listing that is read from its first page to its last, for one stream or several.
#[derive(Debug, PartialEq, Eq)]
pub struct Listing {
    /// Its name in the cursor.
    pub name: &'static str,
    /// Path and query of the first page.
    pub path: &'static str,
}

/// What a mapping knows beside the object.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Id of the parent, for streams that are read per parent.
    pub parent: Option<&'a str>,
    /// Profile attributes that are never written.
    pub drop_attributes: &'a [String],
}

impl Context<'_> {
    /// The object as it may be written: parsed and scrubbed. A text that is JSON but no text
    /// (a lone surrogate escape) is mended rather than lost.
    #[must_use]
    pub fn object(&self, raw: &RawValue) -> Option<Value> {
        let parsed = serde_json::from_str(raw.get());
        let mut value: Value = parsed.or_else(|_| serde_json::from_str(&without_lone_surrogates(raw.get()))).ok()?;
        if !value.is_object() {
            return None;
        }
        scrub(&mut value, self.drop_attributes);
        Some(value)
    }
}

/// Replaces surrogate escapes that have no partner by U+FFFD, as every decoder that is not
/// strict does. <https://www.rfc-editor.org/rfc/rfc8259#section-8.2>
fn without_lone_surrogates(json: &str) -> String {
    let mut mended = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        mended.push_str(before);
        let length = match (surrogate(escape), surrogate(escape.get(6..).unwrap_or_default())) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(_), _) => 0,
            (None, _) => escape.chars().take(2).map(char::len_utf8).sum(),
        };
        mended.push_str(if length == 0 { "\\ufffd" } else { &escape[..length] });
        rest = &escape[if length == 0 { 6 } else { length }..];
    }
    mended + rest
}

/// The code of the `\uXXXX` escape that `text` begins with, if it is a surrogate's.
fn surrogate(text: &str) -> Option<u16> {
    let code = u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()?;
    (0xD800..=0xDFFF).contains(&code).then_some(code)
}

/// The id of an object, without reading the rest of it.
#[must_use]
pub fn id_of(raw: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Identified {
        id: String,
    }
    serde_json::from_str::<Identified>(raw.get()).ok().map(|object| object.id).filter(|id| !id.is_empty())
}

/// Every listing, in the order in which they are begun.
pub static LISTINGS: &[&Listing] = &[&users::LISTING, &groups::LISTING];

/// Every stream.
pub static STREAMS: &[&Stream] = &[&users::STREAM, &groups::STREAM, &group_memberships::STREAM, &activity::STREAM];

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
    /// The listing that this stream's snapshot walks; none for the System Log.
    #[must_use]
    pub fn listing(&self) -> Option<&'static Listing> {
        match self.source {
            Source::Listing(listing) | Source::PerParent { parents: listing, .. } => Some(listing),
            Source::SystemLog { .. } => None,
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
        for listing in STREAMS.iter().filter_map(|stream| stream.listing()) {
            assert_eq!(super::listing(listing.name), Some(listing));
        }
    }

    #[test]
    fn a_lone_surrogate_costs_no_record() {
        let context = Context { parent: None, drop_attributes: &[] };
        let raw: Box<RawValue> = serde_json::from_str(r#"{"a":"\ud83d\ude00 \ud83d \\ud800 \n\ude00"}"#).unwrap();
        let object = context.object(&raw).unwrap();
        assert_eq!(object["a"], "😀 \u{fffd} \\ud800 \n\u{fffd}");
    }
}
