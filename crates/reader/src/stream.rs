//! One stream's records, and how lines and snapshots change them.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::batch::{Entry, Op};
use crate::manifest::Snapshot;

/// Streams that have a newest state, in the order of the contract.
pub const ENTITY_STREAMS: [&str; 12] = [
    "users",
    "factors",
    "groups",
    "group_memberships",
    "applications",
    "application_users",
    "application_groups",
    "roles",
    "role_assignments",
    "resource_sets",
    "idps",
    "idp_users",
];

/// Streams of which nothing is ever replaced or forgotten.
pub const GROWING_STREAMS: [&str; 2] = ["activity", "usage"];

/// Whether `stream` is one of [`GROWING_STREAMS`].
#[must_use]
pub fn grows(stream: &str) -> bool {
    GROWING_STREAMS.contains(&stream)
}

/// A line as committed.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The manifest that brought it.
    pub sequence: u64,
    /// The whole line: `schema`, `stream`, `op`, `id`, `observed_at`, `bundle`, `source`, …
    pub record: Value,
}

/// A stream's newest state and its history so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stream {
    /// Newest line by record id, without deleted and forgotten records. Of a growing stream, every
    /// line but [`repeated`](Self::repeated).
    pub records: BTreeMap<String, Line>,
    /// Newest tombstone by record id, of records that did not come back. Empty in a growing stream.
    pub tombstones: BTreeMap<String, Line>,
    /// Lines of a growing stream whose id had come before, with that id, as they came.
    pub repeated: Vec<(String, Line)>,
    /// Lines with `op: "upsert"`.
    pub upserts: u64,
    /// Lines with `op: "delete"`, whether or not they found something to delete.
    pub deletes: u64,
    /// Records that complete snapshots took away.
    pub forgotten: u64,
    /// Batches read.
    pub batches: u64,
    /// Size of these as stored.
    pub bytes: u64,
}

impl Stream {
    pub(crate) fn replace(&mut self, sequence: u64, entry: Entry) {
        match entry.op {
            Op::Upsert => {
                self.upserts += 1;
                self.tombstones.remove(&entry.id);
                self.records.insert(
                    entry.id,
                    Line {
                        sequence,
                        record: entry.record,
                    },
                );
            }
            Op::Delete => {
                self.deletes += 1;
                self.records.remove(&entry.id);
                self.tombstones.insert(
                    entry.id,
                    Line {
                        sequence,
                        record: entry.record,
                    },
                );
            }
        }
    }

    /// The manifest that brought the same id first, if one did.
    pub(crate) fn grow(&mut self, sequence: u64, entry: Entry) -> Option<u64> {
        self.upserts += 1;
        let line = Line {
            sequence,
            record: entry.record,
        };
        if let Some(first) = self.records.get(&entry.id) {
            let first = first.sequence;
            self.repeated.push((entry.id, line));
            return Some(first);
        }
        self.records.insert(entry.id, line);
        None
    }

    /// Takes away records last sent before the beginning of snapshots that should have repeated them.
    pub(crate) fn forget<'a>(&mut self, complete: impl IntoIterator<Item = &'a Snapshot>) {
        // One pass for all of them: a manifest may hold thousands of scoped snapshots.
        let mut since_by_scope: HashMap<Option<&str>, u64> = HashMap::new();
        // Those with exceptions are few, and are asked one by one.
        let mut excepting: Vec<&Snapshot> = Vec::new();
        for snapshot in complete {
            if !snapshot.except.is_empty() {
                excepting.push(snapshot);
                continue;
            }
            let since = since_by_scope.entry(snapshot.scope.as_deref()).or_default();
            *since = snapshot.since_sequence.max(*since);
        }
        if since_by_scope.is_empty() && excepting.is_empty() {
            return;
        }
        let covers = |snapshot: &Snapshot, id: &str| match &snapshot.scope {
            Some(scope) => id.split(':').any(|part| part == scope),
            None => true,
        };
        let before = self.records.len();
        self.records.retain(|id, line| {
            let scopes = id.split(':').map(Some).chain([None]);
            let mut since = scopes.filter_map(|scope| since_by_scope.get(&scope));
            since.all(|since| line.sequence >= *since)
                && excepting.iter().all(|snapshot| {
                    line.sequence >= snapshot.since_sequence
                        || !covers(snapshot, id)
                        || snapshot.excepts(id)
                })
        });
        self.forgotten += (before - self.records.len()) as u64;
    }
}
