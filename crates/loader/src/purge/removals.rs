//! Items that were posted, are gone since, and wait in Authomize for a purge.
//!
//! `loads/{integration}/removals.json.gz` names them by fingerprint, so that the next purge knows them for its own.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use fold::Kind;
use serde::{Deserialize, Serialize};

use super::keys::Keys;
use crate::failure::Failure;
use crate::store::{Expect, Store};

/// Items that are remembered. Beyond them an item of the app passes for a stranger's.
const MOST_REMEMBERED: u64 = 1_000_000;
/// Bytes of their text at most.
const MOST_TEXT: u64 = 64 << 20;

/// Removed items.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Removals {
    items: BTreeMap<Kind, BTreeSet<u64>>,
    /// Removals that nothing names any more.
    unnamed: u64,
}

fn key(prefix: &str, integration: &str) -> String {
    format!("{prefix}/loads/{integration}/removals.json.gz")
}

impl Removals {
    /// Reads them; none if the object is missing or unreadable.
    ///
    /// # Errors
    /// As the store's.
    pub async fn read(
        store: &impl Store,
        prefix: &str,
        integration: &str,
    ) -> Result<Self, Failure> {
        let Some(stored) = store.get(&key(prefix, integration)).await? else {
            return Ok(Self::default());
        };
        let mut text = Vec::new();
        let read = GzDecoder::new(&*stored.body)
            .take(MOST_TEXT)
            .read_to_end(&mut text);
        let parsed = read.ok().and_then(|_| serde_json::from_slice(&text).ok());
        Ok(parsed.unwrap_or_default())
    }

    /// Writes them.
    ///
    /// # Errors
    /// As the store's.
    pub async fn write(
        &self,
        store: &impl Store,
        prefix: &str,
        integration: &str,
    ) -> Result<(), Failure> {
        let text = serde_json::to_vec(self).expect("plain structs with text keys always serialize");
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        let body = packed.write_all(&text).and_then(|()| packed.finish());
        let body = Bytes::from(body.expect("writing to memory does not fail"));
        let key = key(prefix, integration);
        store.put(&key, body, Expect::Anything).await.map(drop)
    }

    /// Number of items that wait.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.items
            .values()
            .map(|keys| keys.len() as u64)
            .sum::<u64>()
            + self.unnamed
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether this item waits.
    #[must_use]
    pub fn has(&self, kind: Kind, fingerprint: u64) -> bool {
        self.items
            .get(&kind)
            .is_some_and(|keys| keys.contains(&fingerprint))
    }

    /// Adds removed items, and drops those that are defined again. `blurred` stands for some that cannot be named.
    pub fn update(&mut self, removed: &Keys, defined: &Keys, blurred: bool) {
        let mut number = self.len();
        for (kind, fingerprint) in removed.iter() {
            if number < MOST_REMEMBERED {
                number += u64::from(self.items.entry(kind).or_default().insert(fingerprint));
            } else if !self.has(kind, fingerprint) {
                self.unnamed += 1;
            }
        }
        for (kind, keys) in &mut self.items {
            keys.retain(|fingerprint| !defined.has(*kind, *fingerprint));
        }
        self.items.retain(|_, keys| !keys.is_empty());
        self.unnamed = self.unnamed.max(u64::from(blurred));
    }
}
