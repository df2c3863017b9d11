//! The open manifest: its number, the order in it, and what it declares complete.

use super::order::Order;
use super::scope::Scope;
use crate::streams::Stream;

/// A snapshot, or a scope, that a manifest declares complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// Name of the stream.
    pub stream: &'static str,
    /// Records of the stream that were last sent before this manifest are gone.
    pub since_sequence: u64,
    /// Only records that have this id among the parts of theirs.
    pub scope: Option<String>,
    /// Ids of objects that did not answer: records that have one of them among the parts of their id stay.
    pub except: Vec<String>,
    /// Manifests that hold the newest lines of what `except` leaves; `None` if they are not known.
    pub kept_sequences: Option<Vec<u64>>,
}

/// The open manifest.
#[derive(Debug, Default, Clone)]
pub(super) struct Epoch {
    /// Number of the newest manifest.
    sequence: u64,
    pub(super) order: Order,
    completed: Vec<Completed>,
}

impl Epoch {
    pub(super) fn after(sequence: u64) -> Self {
        Self {
            sequence,
            ..Self::default()
        }
    }

    /// Number of the manifest that is open.
    pub(super) fn number(&self) -> u64 {
        self.sequence + 1
    }

    /// Notes that manifest `sequence` holds all that was absorbed.
    pub(super) fn committed(&mut self, sequence: u64) {
        self.sequence = sequence;
        self.order.committed();
        self.completed.clear();
    }

    pub(super) fn completed(&self) -> &[Completed] {
        &self.completed
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_committed() && self.completed.is_empty()
    }

    /// Declares that records of a scope that were last sent before manifest `since` are gone.
    pub(super) fn forget(&mut self, stream: &'static Stream, scope: &Scope, since: u64) {
        let Some(id) = scope.id().map(str::to_owned) else {
            return;
        };
        self.order.absorbed(stream.name, scope);
        self.completed.push(Completed {
            stream: stream.name,
            since_sequence: since,
            scope: Some(id),
            except: Vec::new(),
            kept_sequences: None,
        });
    }

    /// Declares a snapshot complete.
    pub(super) fn complete(
        &mut self,
        stream: &'static Stream,
        since: u64,
        except: Vec<String>,
        kept_sequences: Option<Vec<u64>>,
    ) {
        self.completed.push(Completed {
            stream: stream.name,
            since_sequence: since,
            scope: None,
            except,
            kept_sequences,
        });
    }
}
