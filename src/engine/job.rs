//! A job: one reading that is still to be done, of a scope of a stream.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::streams::Stream;
use crate::streams::change::{Identity, Kind, Of};

/// Jobs of one stream that are kept while they wait for a snapshot that is due or open. More need not be kept: an
/// abandoned snapshot is due again, and a held one has read the changes.
pub(super) const MOST_AWAITING: usize = 1_000;

/// The part of a stream that a job reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The items of a listing, for every stream whose snapshot it serves.
    Whole,
    /// Everything that has changed since a time, by Okta's clock.
    ChangedSince,
    /// One object, which is a record (or all of one that is known here).
    Object(Kind, String),
    /// Every record with this object's id among the parts of its own.
    Parent(Kind, String),
    /// One record, whose id is `{first}:{second}`.
    Pair(String, String),
}

impl Scope {
    /// The id that records of the scope have among the parts of theirs, if there is one.
    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Self::Object(_, id) | Self::Parent(_, id) => Some(id),
            Self::Whole | Self::ChangedSince | Self::Pair(..) => None,
        }
    }

    /// Whether an object's id is among those that the scope names.
    pub(super) fn names(&self, object: &str) -> bool {
        match self {
            Self::Pair(first, second) => first == object || second == object,
            scope => scope.id() == Some(object),
        }
    }

    /// Whether no record of a stream with this identity can be in both scopes.
    pub(super) fn is_apart_from(&self, other: &Self, identity: Identity) -> bool {
        match (self, other) {
            (Self::Pair(..), Self::Pair(..)) => self != other,
            (pair @ Self::Pair(..), scope) | (scope, pair @ Self::Pair(..)) => {
                scope.id().is_some_and(|id| !pair.names(id))
            }
            (
                Self::Object(kind, id) | Self::Parent(kind, id),
                Self::Object(of, other) | Self::Parent(of, other),
            ) => {
                if kind == of {
                    id != other
                } else {
                    matches!(identity, Identity::Principal(_))
                }
            }
            _ => false,
        }
    }

    /// The id for people and manifests: `00u…`, or `0oa…:00u…`.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Pair(first, second) => format!("{first}:{second}"),
            Self::Object(_, id) | Self::Parent(_, id) => id.clone(),
            Self::Whole => "the listing".to_owned(),
            Self::ChangedSince => "the listing of changes".to_owned(),
        }
    }
}

/// Names a job: what it reads (a stream's name, or a listing's where the scope is [`Scope::Whole`]), and the scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) reads: &'static str,
    pub(super) scope: Scope,
}

/// The news that events brought of a job's scope.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Uuid of the newest event; `None` where no event tells of the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Oldest `published` among the events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Newest `published` among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<Timestamp>,
    /// Events that took something away.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub losses: u32,
    /// The object is gone for good: no reading is needed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub gone: bool,
    /// The object is gone for good if Okta does not have it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ends_if_absent: bool,
    /// The stream's open snapshot answers it, unless that does not end well.
    #[serde(default, skip_serializing_if = "is_false")]
    pub left_to_snapshot: bool,
}

impl Change {
    /// Adds what another event said.
    pub(super) fn merge(&mut self, other: Self) {
        self.cause = other.cause.or(self.cause.take());
        self.since = match (self.since, other.since) {
            (Some(own), Some(other)) => Some(own.min(other)),
            (own, other) => own.or(other),
        };
        self.latest = self.latest.max(other.latest);
        self.losses = self.losses.saturating_add(other.losses);
        self.gone |= other.gone;
        self.ends_if_absent |= other.ends_if_absent;
        self.left_to_snapshot &= other.left_to_snapshot;
    }
}

/// The trouble that a job met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobTrouble {
    /// Failed readings in a row.
    pub attempts: u32,
    /// The earliest time of the next attempt.
    pub not_before: Timestamp,
    /// Whether Okta refuses it for want of a right, as opposed to any other failure.
    #[serde(default, skip_serializing_if = "is_false")]
    pub refused: bool,
    /// The answer is not believed: it is looked at again. The error says why; an absence that contradicts its event
    /// has none.
    #[serde(default, skip_serializing_if = "is_false")]
    pub doubted: bool,
    /// The problem in words, at most 400 bytes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
}

/// One reading that is still to be done.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// It is part of the stream's open snapshot, whose end forgets what no part repeats.
    #[serde(default, skip_serializing_if = "is_false")]
    pub of_snapshot: bool,
    /// Records of the scope may have changed: within it, its end forgets what it does not repeat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// News since its first request was sent: the job is done once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Change>,
    /// The first manifest that may hold lines of this reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_sequence: Option<u64>,
    /// When its first request was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began_at: Option<Timestamp>,
    /// For [`Scope::ChangedSince`]: changes are listed from then on, by Okta's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_since: Option<Timestamp>,
    /// Path and query of the next page; `None` before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// How often Okta refused its position.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub expiries: u32,
    /// Records read so far.
    #[serde(default, skip_serializing_if = "is_zero_lines")]
    pub lines: u64,
    /// For [`Scope::Whole`]: the streams whose snapshots it reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub serves: Vec<String>,
    /// The object itself, where it must be known first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Value>,
    /// The trouble it met last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<JobTrouble>,
}

impl Job {
    /// A part of a snapshot.
    pub(super) fn of_snapshot(item: Option<Value>) -> Self {
        Self {
            of_snapshot: true,
            item,
            ..Self::default()
        }
    }

    /// A job that events made due.
    pub(super) fn changed(change: Change) -> Self {
        Self {
            change: Some(change),
            ..Self::default()
        }
    }

    /// As [`Self::changed`], of an object that is live as the events themselves show: it need not be known first.
    pub(super) fn changed_in_life(change: Change) -> Self {
        Self {
            item: Some(Value::Object(serde_json::Map::new())),
            ..Self::changed(change)
        }
    }

    /// Whether a request of it was answered already.
    pub(super) fn has_begun(&self) -> bool {
        self.position.is_some() || self.since_sequence.is_some()
    }

    /// Whether it is a listing whose snapshots were all given up.
    pub(super) fn serves_nothing(&self, scope: &Scope) -> bool {
        *scope == Scope::Whole && self.serves.is_empty()
    }

    /// Whether the object is gone for good.
    pub(super) fn is_gone(&self) -> bool {
        self.change.as_ref().is_some_and(|change| change.gone)
    }

    /// Whether the stream's open snapshot answers it.
    pub(super) fn left_to_snapshot(&self) -> bool {
        self.change
            .as_ref()
            .is_some_and(|change| change.left_to_snapshot)
    }

    /// The event that made the collector look.
    pub(super) fn cause(&self) -> Option<String> {
        self.change.as_ref().and_then(|change| change.cause.clone())
    }

    /// Begins the reading anew, with its first request.
    pub(super) fn restart(&mut self) {
        (
            self.position,
            self.since_sequence,
            self.began_at,
            self.lines,
        ) = (None, None, None, 0);
    }

    /// Takes in another job for the same scope. `is_under_way`: its answer may be older than what
    /// the other asks for.
    pub(super) fn join(&mut self, other: Self, is_under_way: bool) {
        self.of_snapshot |= other.of_snapshot;
        // A snapshot asks again, and decides.
        self.trouble = self
            .trouble
            .take()
            .filter(|trouble| !(trouble.doubted && other.of_snapshot));
        // An object that has changed must be known anew, and one that is to be known is not known by a later event.
        let is_known = other.of_snapshot || self.item.is_some() || self.change.is_none();
        self.item = match other.item.filter(|_| is_known) {
            Some(item) => Some(item),
            None => self.item.take().filter(|_| other.change.is_none()),
        };
        self.changed_since = match (self.changed_since, other.changed_since) {
            (Some(own), Some(other)) => Some(own.min(other)),
            (own, other) => own.or(other),
        };
        let Some(change) = other.change else { return };
        let slot = if is_under_way || self.has_begun() {
            &mut self.again
        } else {
            &mut self.change
        };
        match slot {
            Some(known) => known.merge(change),
            None => *slot = Some(change),
        }
    }
}

/// The scope of records that have an object's id in theirs, or of a pair.
pub(super) fn scope_of(stream: &Stream, of: Of, id: &str) -> Option<Scope> {
    Some(match (of, stream.identity) {
        (Of::Pair, _) => {
            let (first, second) = id.split_once(':')?;
            Scope::Pair(first.to_owned(), second.to_owned())
        }
        (Of::All(kind), Identity::Object(_) | Identity::Own) => Scope::Object(kind, id.to_owned()),
        (Of::All(kind), Identity::Pair(..) | Identity::Principal(_)) => {
            Scope::Parent(kind, id.to_owned())
        }
    })
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_zero_lines(count: &u64) -> bool {
    *count == 0
}
