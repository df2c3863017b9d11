//! An absorbed page on its way to records.

use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::authomize::rfc3339;
use crate::body::Item;
use crate::record::{Normalized, Op, Record, SCHEMA};
use crate::scrub::Rules;
use crate::streams::{Context, Stream};

/// Objects of one answer, to be mapped by their stream's declaration. Owns its text, so that
/// mapping can go on while the engine already asks for the next page.
#[derive(Debug, Clone)]
pub struct Harvest {
    /// The stream that the objects belong to.
    pub stream: &'static Stream,
    parent: Option<String>,
    observed_at: String,
    items: Vec<Item>,
    /// Ids of records that are gone.
    gone: Vec<String>,
    /// The event that made the collector look.
    cause: Option<String>,
    normalize: Normalize,
}

type Normalize = fn(&RawValue, &Context<'_>) -> Option<Normalized>;

impl Harvest {
    pub(super) fn new(
        stream: &'static Stream,
        parent: Option<String>,
        sent_at: Timestamp,
        items: Vec<Item>,
    ) -> Self {
        let (gone, cause) = (Vec::new(), None);
        Self {
            stream,
            parent,
            observed_at: rfc3339(sent_at),
            items,
            gone,
            cause,
            normalize: stream.normalize,
        }
    }

    /// Records that are gone.
    pub(super) fn tombstones(stream: &'static Stream, gone: Vec<String>, at: Timestamp) -> Self {
        Self {
            gone,
            ..Self::new(stream, None, at, Vec::new())
        }
    }

    /// Names the event that made the collector look.
    pub(super) fn because_of(self, cause: Option<String>) -> Self {
        Self { cause, ..self }
    }

    /// Maps the objects in a way of their own.
    pub(super) fn mapped_by(self, normalize: Option<Normalize>) -> Self {
        Self {
            normalize: normalize.unwrap_or(self.normalize),
            ..self
        }
    }

    /// The objects as records, one at a time; `Err` holds what is known of an object that cannot
    /// be a record because it has no id.
    pub fn records<'a>(
        &'a self,
        rules: &'a Rules,
    ) -> impl Iterator<Item = Result<Record, String>> + 'a {
        let context = Context {
            parent: self.parent.as_deref(),
            rules,
        };
        let gone = self.gone.iter().map(|id| Ok(self.tombstone(id)));
        let upserts = self.items.iter().enumerate().map(move |(at, item)| {
            let normalized = (self.normalize)(item, &context).ok_or_else(|| {
                let parent = self
                    .parent
                    .as_deref()
                    .map(|id| format!(" of {id}"))
                    .unwrap_or_default();
                format!(
                    "item {at} of a page of {}{parent} has no usable id",
                    self.stream.name
                )
            })?;
            Ok(Record {
                schema: SCHEMA,
                stream: self.stream.name,
                op: Op::Upsert,
                id: normalized.id,
                observed_at: self.observed_at.clone(),
                cause: self.cause.clone(),
                bundle: normalized.bundle,
                source: Some(normalized.source),
                ocsf: normalized.ocsf,
            })
        });
        gone.chain(upserts)
    }

    fn tombstone(&self, id: &str) -> Record {
        Record {
            schema: SCHEMA,
            stream: self.stream.name,
            op: Op::Delete,
            id: id.to_owned(),
            observed_at: self.observed_at.clone(),
            cause: self.cause.clone(),
            bundle: self
                .stream
                .tombstone
                .map(|tombstone| tombstone(id))
                .unwrap_or_default(),
            source: None,
            ocsf: None,
        }
    }
}
