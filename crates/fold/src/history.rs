//! The commit log, as far as a load needs it.

use std::collections::{BTreeMap, BTreeSet};

use reader::{BatchEntry, Checkpoint, Manifest, Snapshot, manifest_key, sequence_of, sha256};
use serde::{Deserialize, Serialize};

/// One commit without its cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// 1, 2, 3, …
    pub sequence: u64,
    /// Lowercase hex SHA-256 of the manifest as stored; empty if a checkpoint stands for the manifest, and only what
    /// is live of it is here.
    pub sha256: String,
    /// `https://…` of the org.
    pub org: String,
    /// Batches with their places in the manifest, in the order of their application.
    pub batches: Vec<(u32, BatchEntry)>,
    /// Snapshots that were completed.
    pub snapshots: Vec<Snapshot>,
}

/// Why the log cannot be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct Broken {
    /// The manifest.
    pub key: String,
    /// The fault in words, as the end of a sentence that begins with the key.
    pub problem: String,
}

/// Consecutive commits, oldest first, each verified against the SHA-256 that the next one names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    commits: Vec<Commit>,
}

impl History {
    /// Sequence of the newest commit; 0 before the first.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.commits.last().map_or(0, |commit| commit.sequence)
    }

    /// SHA-256 of the newest manifest.
    #[must_use]
    pub fn newest_sha256(&self) -> Option<&str> {
        self.commits.last().map(|commit| commit.sha256.as_str())
    }

    /// The commits held, oldest first.
    #[must_use]
    pub fn commits(&self) -> &[Commit] {
        &self.commits
    }

    /// Adds the manifest that `key` names, given as stored. It must come next.
    ///
    /// # Errors
    /// It is no manifest, of another integration, org or number, or was not written after the one before.
    pub fn append(
        &mut self,
        prefix: &str,
        integration: &str,
        sequence: u64,
        stored: &[u8],
    ) -> Result<(), Broken> {
        let key = manifest_key(prefix, integration, sequence);
        let broken = |problem: String| Broken {
            key: key.clone(),
            problem,
        };
        let manifest = Manifest::parse(stored).map_err(|fault| broken(fault.to_string()))?;
        if manifest.sequence != sequence || sequence_of(&key, prefix, integration) != Some(sequence)
        {
            return Err(broken(format!("says it is manifest {}", manifest.sequence)));
        }
        if manifest.integration != integration {
            let found = &manifest.integration;
            return Err(broken(format!("says its integration is {found:?}")));
        }
        self.follows(&manifest).map_err(broken)?;
        self.commits.push(Commit {
            sequence,
            sha256: sha256(stored),
            org: manifest.org,
            batches: (0..).zip(manifest.batches).collect(),
            snapshots: manifest.snapshots,
        });
        Ok(())
    }

    /// Whether a manifest comes next; `Err` says why not.
    fn follows(&self, manifest: &Manifest) -> Result<(), String> {
        let sequence = manifest.sequence;
        let Some(before) = self.commits.last() else {
            return match manifest.previous_sha256 {
                Some(_) if sequence == 1 => Err("is the first and names one before it".to_owned()),
                _ => Ok(()),
            };
        };
        if sequence != before.sequence + 1 {
            return Err(format!("manifest {} is missing before it", sequence - 1));
        }
        if manifest.previous_sha256.as_deref() != Some(&before.sha256) {
            let text = "the manifest before it is not the one that it was written after";
            return Err(text.to_owned());
        }
        if manifest.org != before.org {
            return Err(format!(
                "is of {}, the one before of {}",
                manifest.org, before.org
            ));
        }
        Ok(())
    }

    /// The log that these commits continue, as far as it was live at a checkpoint. Among the commits must be the one of
    /// the checkpoint, and all since the oldest.
    ///
    /// `None` if the checkpoint is of another history, or does not [tell all](Checkpoint::tells_all).
    #[must_use]
    pub fn preceded_by(mut self, checkpoint: &Checkpoint) -> Option<Self> {
        let first = self.commits.first()?.sequence;
        let told = self
            .commits
            .iter()
            .find(|commit| commit.sequence == checkpoint.sequence)?;
        let belongs = told.sha256 == checkpoint.manifest_sha256 && told.org == checkpoint.org;
        if !belongs || !checkpoint.tells_all() {
            return None;
        }
        let mut before = Before {
            first,
            org: &checkpoint.org,
            commits: BTreeMap::new(),
        };
        for (stream, live) in &checkpoint.streams {
            before.add(stream, live);
        }
        let mut commits: Vec<Commit> = before.commits.into_values().collect();
        commits
            .iter_mut()
            .for_each(|commit| commit.batches.sort_by_key(|(ordinal, _)| *ordinal));
        commits.append(&mut self.commits);
        Some(Self { commits })
    }

    /// The manifest since which every commit is held as a whole; `u64::MAX` where none is.
    #[must_use]
    pub fn whole_since(&self) -> u64 {
        let whole = self
            .commits
            .iter()
            .rev()
            .take_while(|commit| !commit.sha256.is_empty());
        whole.last().map_or(u64::MAX, |commit| commit.sequence)
    }

    /// The same log as it was at `sequence`.
    #[must_use]
    pub fn until(&self, sequence: u64) -> Self {
        let held = self
            .commits
            .iter()
            .take_while(|commit| commit.sequence <= sequence);
        Self {
            commits: held.cloned().collect(),
        }
    }

    /// Where reading of a stream's newest state as of manifest `as_of` begins: the start of its newest complete
    /// snapshot that spared nothing, else the first commit held.
    #[must_use]
    pub fn start(&self, stream: &str, as_of: u64) -> u64 {
        let whole = self
            .completions(stream, as_of)
            .find(|snapshot| snapshot.except.is_empty());
        whole.map_or_else(
            || self.first(),
            |snapshot| snapshot.since_sequence.max(self.first()),
        )
    }

    /// Whether a whole snapshot of the stream has ever been completed among the commits held.
    #[must_use]
    pub fn has_completed(&self, stream: &str) -> bool {
        self.completions(stream, u64::MAX).next().is_some()
    }

    /// Every stream that a commit names.
    #[must_use]
    pub fn streams(&self) -> BTreeSet<&str> {
        let batches = self.commits.iter().flat_map(|commit| &commit.batches);
        batches.map(|(_, batch)| batch.stream.as_str()).collect()
    }

    /// Drops the commits that no load needs any more once manifest `loaded` is loaded.
    pub fn trim(&mut self, loaded: u64, usage_folded: u64) {
        let starts = self
            .streams()
            .into_iter()
            .filter(|stream| !reader::grows(stream));
        let oldest = starts
            .map(|stream| self.start(stream, loaded))
            .min()
            .unwrap_or(loaded);
        let keep = oldest.min(usage_folded + 1);
        self.commits.retain(|commit| commit.sequence >= keep);
    }

    fn first(&self) -> u64 {
        self.commits.first().map_or(1, |commit| commit.sequence)
    }

    /// Complete snapshots of the whole stream, as of manifest `as_of`, newest first.
    fn completions(&self, stream: &str, as_of: u64) -> impl Iterator<Item = &Snapshot> {
        let commits = self
            .commits
            .iter()
            .rev()
            .skip_while(move |commit| commit.sequence > as_of);
        commits.flat_map(move |commit| {
            let complete = move |snapshot: &&Snapshot| {
                snapshot.complete
                    && snapshot.scope.is_none()
                    && snapshot.since_sequence <= commit.sequence
            };
            commit
                .snapshots
                .iter()
                .filter(complete)
                .filter(move |snapshot| snapshot.stream == stream)
        })
    }
}

/// The live part of the manifests before the first that is held.
struct Before<'a> {
    first: u64,
    org: &'a str,
    commits: BTreeMap<u64, Commit>,
}

impl Before<'_> {
    fn add(&mut self, stream: &str, live: &reader::Live) {
        if live.since_sequence < self.first {
            let (stream, since_sequence) = (stream.to_owned(), live.since_sequence);
            let whole = Snapshot {
                stream,
                since_sequence,
                complete: true,
                scope: None,
                except: Vec::new(),
                kept_sequences: None,
            };
            self.at(since_sequence).snapshots.push(whole);
        }
        let first = self.first;
        for batch in live.batches.iter().filter(|batch| batch.sequence < first) {
            if let (Some(ordinal), Some(entry)) = (batch.ordinal, batch.entry(stream)) {
                self.at(batch.sequence).batches.push((ordinal, entry));
            }
        }
        for forget in live.forgets.iter().filter(|forget| forget.sequence < first) {
            self.at(forget.sequence)
                .snapshots
                .push(forget.snapshot(stream));
        }
    }

    fn at(&mut self, sequence: u64) -> &mut Commit {
        let org = self.org.to_owned();
        let new = || Commit {
            sequence,
            sha256: String::new(),
            org,
            batches: Vec::new(),
            snapshots: Vec::new(),
        };
        self.commits.entry(sequence).or_insert_with(new)
    }
}
