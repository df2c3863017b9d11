//! The two rules: apply a manifest's lines in order, then forget what its complete snapshots did
//! not repeat. And every check that the contract allows.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::Value;

use crate::batch::{self, Entry, Op};
use crate::bundle::Bundle;
use crate::manifest::{BatchEntry, Manifest, Snapshot, batch_prefix, manifest_key, sha256};
use crate::objects::Objects;
use crate::read::{ReadError, get};
use crate::stream::{Line, Stream, grows};
use crate::violation::{Fault, Violation};

/// The known facts of the manifest before the next one.
#[derive(Debug, Clone)]
pub(crate) enum Previous {
    /// There is none.
    Nothing,
    /// Its lowercase hex SHA-256.
    Sha256(String),
    /// It is missing; the next one's word for it cannot be checked.
    Missing,
}

/// An integration's newest state after the manifests read so far.
#[derive(Debug, Clone)]
pub struct State {
    /// By stream, those that a manifest named a batch or a snapshot of.
    pub streams: BTreeMap<String, Stream>,
    /// Those applied, oldest first.
    pub manifests: Vec<Manifest>,
    /// Everything found wrong, in the order it was read.
    pub violations: Vec<Violation>,
    prefix: String,
    integration: String,
    next_sequence: u64,
    previous: Previous,
    named_by: HashMap<String, u64>,
}

impl State {
    /// Nothing read yet; manifest 1 comes next. `prefix` has no slash at either end.
    #[must_use]
    pub fn new(prefix: &str, integration: &str) -> Self {
        Self::starting_at(prefix, integration, 1, Previous::Nothing)
    }

    pub(crate) fn starting_at(
        prefix: &str,
        integration: &str,
        sequence: u64,
        previous: Previous,
    ) -> Self {
        Self {
            streams: BTreeMap::new(),
            manifests: Vec::new(),
            violations: Vec::new(),
            prefix: prefix.to_owned(),
            integration: integration.to_owned(),
            next_sequence: sequence,
            previous,
            named_by: HashMap::new(),
        }
    }

    /// Where the next manifest will be; a follower looks there and gives it to [`apply`](Self::apply).
    #[must_use]
    pub fn next_manifest_key(&self) -> String {
        manifest_key(&self.prefix, &self.integration, self.next_sequence)
    }

    /// Newest lines of a stream by record id; empty for a stream never seen.
    #[must_use]
    pub fn records(&self, stream: &str) -> &BTreeMap<String, Line> {
        static NONE: BTreeMap<String, Line> = BTreeMap::new();
        self.streams
            .get(stream)
            .map_or(&NONE, |stream| &stream.records)
    }

    /// Every stream with a newest state that is not empty. Two readers of the same manifests agree
    /// on it, wherever they started.
    #[must_use]
    pub fn entities(&self) -> BTreeMap<&str, &BTreeMap<String, Line>> {
        let entities = self
            .streams
            .iter()
            .filter(|(name, stream)| !grows(name) && !stream.records.is_empty());
        entities
            .map(|(name, stream)| (name.as_str(), &stream.records))
            .collect()
    }

    /// The bundles of all [`entities`](Self::entities), concatenated.
    #[must_use]
    pub fn bundle(&self) -> Bundle {
        Bundle::of(self.entities().into_values().flat_map(BTreeMap::values))
    }

    /// Applies the manifest that comes next, given as stored.
    ///
    /// Breaches of the contract are added to [`violations`](Self::violations).
    ///
    /// # Errors
    /// A batch could not be had; nothing was changed, the same call may be repeated.
    pub fn apply(&mut self, manifest: &[u8], objects: &dyn Objects) -> Result<(), ReadError> {
        #[derive(Deserialize)]
        struct Numbered {
            sequence: u64,
        }
        let numbered = serde_json::from_slice::<Numbered>(manifest);
        let sequence = numbered.map_or(self.next_sequence, |numbered| numbered.sequence);
        self.apply_at(sequence, manifest, objects)
    }

    /// Applies a commit that was never stored: `lines` in their order, of all streams, then what its complete
    /// snapshots did not repeat is forgotten. For whoever tries a collector without a bucket.
    ///
    /// Breaches of the contract are added to [`violations`](Self::violations).
    pub fn apply_lines(
        &mut self,
        sequence: u64,
        lines: impl IntoIterator<Item = Value>,
        snapshots: &[Snapshot],
    ) {
        self.step_to(sequence);
        for (number, line) in (1..).zip(lines) {
            let fault = match batch::entry(number, line) {
                Ok((stream, entry)) => self.apply_line(sequence, &stream, entry),
                Err(fault) => Some(fault),
            };
            if let Some(fault) = fault {
                self.fault(sequence, fault);
            }
        }
        self.forget(sequence, snapshots);
    }

    /// `sequence` is the number in the manifest's key.
    pub(crate) fn apply_at(
        &mut self,
        sequence: u64,
        bytes: &[u8],
        objects: &dyn Objects,
    ) -> Result<(), ReadError> {
        if sequence < self.next_sequence {
            self.fault(sequence, Fault::ManifestRepeated);
            return Ok(());
        }
        let manifest = Manifest::parse(bytes);
        // All objects before the first change, so that an error leaves the state as it was.
        let named = manifest
            .as_ref()
            .map_or(&[][..], |manifest| &manifest.batches);
        let loaded = named.iter().map(|entry| get(objects, &entry.key));
        let loaded = loaded.collect::<Result<Vec<_>, _>>()?;
        self.step_to(sequence);
        match manifest {
            Ok(manifest) => self.apply_parsed(sequence, manifest, loaded),
            Err(fault) => self.fault(sequence, fault),
        }
        self.previous = Previous::Sha256(sha256(bytes));
        Ok(())
    }

    fn step_to(&mut self, sequence: u64) {
        if sequence > self.next_sequence {
            let missing = Fault::ManifestsMissing {
                first: self.next_sequence,
                last: sequence - 1,
            };
            self.fault(sequence, missing);
            self.previous = Previous::Missing;
        }
        self.next_sequence = sequence.saturating_add(1);
    }

    fn apply_parsed(&mut self, sequence: u64, manifest: Manifest, loaded: Vec<Option<Vec<u8>>>) {
        self.check_manifest(sequence, &manifest);
        for (entry, object) in manifest.batches.iter().zip(loaded) {
            self.apply_batch(sequence, entry, object);
        }
        self.forget(sequence, &manifest.snapshots);
        self.manifests.push(manifest);
    }

    fn check_manifest(&mut self, sequence: u64, manifest: &Manifest) {
        if manifest.sequence != sequence {
            self.fault(
                sequence,
                Fault::SequenceDiffers {
                    found: manifest.sequence,
                },
            );
        }
        if manifest.integration != self.integration {
            let found = manifest.integration.clone();
            self.fault(sequence, Fault::IntegrationDiffers { found });
        }
        if let Some(before) = self
            .manifests
            .last()
            .filter(|before| before.org != manifest.org)
        {
            let (expected, found) = (before.org.clone(), manifest.org.clone());
            self.fault(sequence, Fault::OrgDiffers { expected, found });
        }
        let expected = match &self.previous {
            Previous::Nothing => None,
            Previous::Sha256(sha256) => Some(sha256.clone()),
            Previous::Missing => return,
        };
        if manifest.previous_sha256 != expected {
            let found = manifest.previous_sha256.clone();
            self.fault(sequence, Fault::ChainBroken { expected, found });
        }
    }

    pub(crate) fn apply_batch(
        &mut self,
        sequence: u64,
        entry: &BatchEntry,
        object: Option<Vec<u8>>,
    ) {
        let BatchEntry { key, stream, .. } = entry;
        if let Some(&first) = self.named_by.get(key) {
            return self.fault_at(sequence, key, None, Fault::BatchRepeated { first });
        }
        self.named_by.insert(key.clone(), sequence);
        let expected = batch_prefix(&self.prefix, &self.integration, stream);
        if !key.starts_with(&expected) || !key.ends_with(".jsonl.gz") {
            self.fault_at(sequence, key, None, Fault::BatchMisplaced { expected });
        }
        let Some(object) = object else {
            return self.fault_at(sequence, key, None, Fault::BatchMissing);
        };
        let batch = batch::check(entry, &object);
        for (line, fault) in batch.faults {
            self.fault_at(sequence, key, line, fault);
        }
        let counted = self.streams.entry(stream.clone()).or_default();
        counted.batches += 1;
        counted.bytes += object.len() as u64;
        for line in batch.entries {
            let number = line.number;
            if let Some(fault) = self.apply_line(sequence, stream, line) {
                self.fault_at(sequence, key, Some(number), fault);
            }
        }
    }

    fn apply_line(&mut self, sequence: u64, name: &str, line: Entry) -> Option<Fault> {
        let stream = self.streams.entry(name.to_owned()).or_default();
        if !grows(name) {
            stream.replace(sequence, line);
            return None;
        }
        if line.op == Op::Delete {
            return Some(Fault::GrowingStreamShrunk {
                stream: name.to_owned(),
            });
        }
        let uuid = line.id.clone();
        let first = stream.grow(sequence, line)?;
        (name == "activity").then_some(Fault::ActivityRepeated { uuid, first })
    }

    pub(crate) fn forget(&mut self, sequence: u64, snapshots: &[Snapshot]) {
        let mut by_stream: BTreeMap<&str, Vec<&Snapshot>> = BTreeMap::new();
        for snapshot in snapshots.iter().filter(|snapshot| snapshot.complete) {
            let Snapshot {
                stream,
                since_sequence,
                ..
            } = snapshot;
            if grows(stream) {
                self.fault(
                    sequence,
                    Fault::GrowingStreamShrunk {
                        stream: stream.clone(),
                    },
                );
            } else if *since_sequence > sequence {
                let (stream, since_sequence) = (stream.clone(), *since_sequence);
                self.fault(
                    sequence,
                    Fault::SnapshotFromFuture {
                        stream,
                        since_sequence,
                    },
                );
            } else {
                by_stream.entry(stream).or_default().push(snapshot);
            }
        }
        for (stream, complete) in by_stream {
            self.streams
                .entry(stream.to_owned())
                .or_default()
                .forget(complete);
        }
    }

    fn fault(&mut self, sequence: u64, fault: Fault) {
        let key = manifest_key(&self.prefix, &self.integration, sequence);
        self.fault_at(sequence, &key, None, fault);
    }

    fn fault_at(&mut self, sequence: u64, key: &str, line: Option<u64>, fault: Fault) {
        let violation = Violation {
            manifest: Some(sequence),
            key: key.to_owned(),
            line,
            fault,
        };
        self.violations.push(violation);
    }
}
