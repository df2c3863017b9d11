//! Reading an integration's manifests, from the first or from where a new reader may start.

use std::collections::{BTreeMap, BTreeSet};

use crate::manifest::{Manifest, manifest_key, manifest_prefix, sequence_of, sha256};
use crate::objects::{Objects, ObjectsError};
use crate::state::{Previous, State};
use crate::stream::{ENTITY_STREAMS, grows};
use crate::violation::{Fault, Violation};

/// Why nothing could be read. A breach of the contract is no error but a [`Violation`].
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The objects cannot be had.
    #[error("cannot read {key}")]
    Objects {
        /// The object, or the prefix that was listed.
        key: String,
        /// Why not.
        source: ObjectsError,
    },
    /// The integration has committed nothing, or has another name.
    #[error("no manifests of integration {integration:?} under {prefix:?}; {}", there_are(.integrations))]
    NoManifests {
        /// Key prefix.
        prefix: String,
        /// The integration asked for.
        integration: String,
        /// Those that have manifests under this prefix.
        integrations: Vec<String>,
    },
}

fn there_are(integrations: &[String]) -> String {
    match integrations {
        [] => "there is no integration at all".to_owned(),
        some => format!("there are: {}", some.join(", ")),
    }
}

/// Reads a bucket, or a copy of one. `prefix` has no slash at either end, `integration` is a slug.
#[derive(Debug, Clone, Copy)]
pub struct Reader;

impl Reader {
    /// Reads every manifest.
    ///
    /// # Errors
    /// There is no manifest, or an object cannot be had.
    pub fn read(
        objects: &dyn Objects,
        prefix: &str,
        integration: &str,
    ) -> Result<State, ReadError> {
        Self::read_from(objects, prefix, integration, 1)
    }

    /// Reads the manifests that a new reader needs: the same entities as [`read`](Self::read) gives,
    /// of growing streams only later records.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_newest(
        objects: &dyn Objects,
        prefix: &str,
        integration: &str,
    ) -> Result<State, ReadError> {
        let start = Self::start(objects, prefix, integration)?;
        Self::read_from(objects, prefix, integration, start)
    }

    /// Reads the manifests from `sequence` on, which [`start`](Self::start) knows.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_from(
        objects: &dyn Objects,
        prefix: &str,
        integration: &str,
        sequence: u64,
    ) -> Result<State, ReadError> {
        let sequence = sequence.max(1);
        let listed = Listed::of(objects, prefix, integration)?;
        let previous = previous_of(objects, prefix, integration, sequence)?;
        let mut state = State::starting_at(prefix, integration, sequence, previous);
        state
            .violations
            .extend(listed.foreign.into_iter().map(unexpected));
        for sequence in listed.sequences.range(sequence..) {
            let key = manifest_key(prefix, integration, *sequence);
            if let Some(bytes) = get(objects, &key)? {
                state.apply_at(*sequence, &bytes, objects)?;
            }
        }
        Ok(state)
    }

    /// Where a new reader may start: the lowest `since_sequence` of the newest complete snapshots.
    /// A stream that never had one must be read from its first batch, so the walk back ends early
    /// only if every one of [`ENTITY_STREAMS`] has one. (A stream that is not among them and that no
    /// manifest on the way back names is then not seen; [`read`](Self::read) sees it.)
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn start(objects: &dyn Objects, prefix: &str, integration: &str) -> Result<u64, ReadError> {
        let listed = Listed::of(objects, prefix, integration)?;
        let mut starts = Starts::default();
        let newest = listed.sequences.last().copied().unwrap_or_default();
        for sequence in (1..=newest).rev() {
            if starts.is_settled() {
                break;
            }
            let bytes = get(objects, &manifest_key(prefix, integration, sequence))?;
            match bytes.map(|bytes| Manifest::parse(&bytes)) {
                Some(Ok(manifest)) => starts.see(sequence, &manifest),
                // Its content is unknown; a full read reports its fault.
                _ => return Ok(1),
            }
        }
        Ok(starts.lowest())
    }

    /// The integrations that have committed something under `prefix`.
    ///
    /// # Errors
    /// The keys cannot be listed.
    pub fn integrations(objects: &dyn Objects, prefix: &str) -> Result<Vec<String>, ReadError> {
        let manifests = format!("{prefix}/manifests/");
        let keys = list(objects, &manifests)?;
        let names = keys
            .iter()
            .filter_map(|key| key.strip_prefix(&manifests)?.split_once('/'));
        let names: BTreeSet<&str> = names.map(|(integration, _)| integration).collect();
        Ok(names.into_iter().map(str::to_owned).collect())
    }
}

pub(crate) fn get(objects: &dyn Objects, key: &str) -> Result<Option<Vec<u8>>, ReadError> {
    let wrap = |source| ReadError::Objects {
        key: key.to_owned(),
        source,
    };
    objects.get(key).map_err(wrap)
}

fn list(objects: &dyn Objects, prefix: &str) -> Result<Vec<String>, ReadError> {
    let wrap = |source| ReadError::Objects {
        key: prefix.to_owned(),
        source,
    };
    objects.list(prefix).map_err(wrap)
}

fn unexpected(key: String) -> Violation {
    Violation {
        manifest: None,
        key,
        line: None,
        fault: Fault::UnexpectedObject,
    }
}

fn previous_of(
    objects: &dyn Objects,
    prefix: &str,
    integration: &str,
    sequence: u64,
) -> Result<Previous, ReadError> {
    let Some(before) = sequence.checked_sub(1).filter(|before| *before > 0) else {
        return Ok(Previous::Nothing);
    };
    let bytes = get(objects, &manifest_key(prefix, integration, before))?;
    Ok(bytes.map_or(Previous::Missing, |bytes| Previous::Sha256(sha256(&bytes))))
}

/// An object among an integration's manifests.
struct Listed {
    sequences: BTreeSet<u64>,
    foreign: Vec<String>,
}

impl Listed {
    fn of(objects: &dyn Objects, prefix: &str, integration: &str) -> Result<Self, ReadError> {
        let mut listed = Self {
            sequences: BTreeSet::new(),
            foreign: Vec::new(),
        };
        for key in list(objects, &manifest_prefix(prefix, integration))? {
            match sequence_of(&key, prefix, integration) {
                Some(sequence) => drop(listed.sequences.insert(sequence)),
                None => listed.foreign.push(key),
            }
        }
        if !listed.sequences.is_empty() {
            return Ok(listed);
        }
        Err(ReadError::NoManifests {
            prefix: prefix.to_owned(),
            integration: integration.to_owned(),
            integrations: Reader::integrations(objects, prefix)?,
        })
    }
}

/// From which manifest on each stream is needed, learnt from the newest manifest backwards.
#[derive(Default)]
struct Starts {
    /// By stream: `since_sequence` of its newest complete snapshot.
    snapshots: BTreeMap<String, u64>,
    /// By stream without one: its oldest batch so far.
    batches: BTreeMap<String, u64>,
}

impl Starts {
    fn see(&mut self, sequence: u64, manifest: &Manifest) {
        let whole = |snapshot: &&crate::Snapshot| snapshot.is_whole();
        for snapshot in manifest.snapshots.iter().filter(whole) {
            if snapshot.since_sequence <= sequence {
                self.batches.remove(&snapshot.stream);
                self.snapshots
                    .entry(snapshot.stream.clone())
                    .or_insert(snapshot.since_sequence);
            }
        }
        for batch in &manifest.batches {
            if !grows(&batch.stream) && !self.snapshots.contains_key(&batch.stream) {
                self.batches.insert(batch.stream.clone(), sequence);
            }
        }
    }

    fn is_settled(&self) -> bool {
        self.batches.is_empty()
            && ENTITY_STREAMS
                .iter()
                .all(|stream| self.snapshots.contains_key(*stream))
    }

    fn lowest(&self) -> u64 {
        self.snapshots
            .values()
            .chain(self.batches.values())
            .copied()
            .min()
            .unwrap_or(1)
            .max(1)
    }
}
