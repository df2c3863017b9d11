//! Usage as of the last full load: one piece per account and asset instead of every batch ever written.
//!
//! `loads/{integration}/usage.jsonl.gz` can always be made again from the `usage` batches.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use fold::{Kind, Piece};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::store::{Expect, Store};

/// Bytes of its text at most.
const MOST_TEXT: u64 = 4 << 30;

#[derive(Serialize, Deserialize)]
struct Head {
    schema: u32,
    sequence: u64,
}

/// Usage up to a manifest.
#[derive(Debug, Default)]
pub struct Carried {
    /// The newest manifest in it; 0 if nothing is.
    pub sequence: u64,
    text: Vec<u8>,
}

fn key(prefix: &str, integration: &str) -> String {
    format!("{prefix}/loads/{integration}/usage.jsonl.gz")
}

impl Carried {
    /// Reads it; an empty one if it is missing or unreadable.
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
        if GzDecoder::new(&*stored.body)
            .take(MOST_TEXT)
            .read_to_end(&mut text)
            .is_err()
        {
            return Ok(Self::default());
        }
        let end = text
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(text.len());
        match serde_json::from_slice::<Head>(&text[..end]) {
            Ok(head) if head.schema == 1 => Ok(Self {
                sequence: head.sequence,
                text: text.split_off(end),
            }),
            _ => Ok(Self::default()),
        }
    }

    /// Its pieces; one that cannot be read is passed over.
    pub fn pieces(&self) -> impl Iterator<Item = (Kind, Piece)> {
        let lines = self
            .text
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        lines.filter_map(|line| serde_json::from_slice(line).ok())
    }
}

/// Usage on its way into `loads/{integration}/usage.jsonl.gz`.
pub struct Carrying(GzEncoder<Vec<u8>>);

impl Carrying {
    /// No usage yet, for the object that holds it up to this manifest.
    #[must_use]
    pub fn new(sequence: u64) -> Self {
        let mut carrying = Self(GzEncoder::new(Vec::new(), Compression::fast()));
        carrying.line(&Head {
            schema: 1,
            sequence,
        });
        carrying
    }

    /// Adds a piece.
    pub fn add(&mut self, kind: Kind, piece: &Piece) {
        self.line(&(kind, piece));
    }

    fn line(&mut self, line: &impl Serialize) {
        let mut text =
            serde_json::to_vec(line).expect("plain structs with text keys always serialize");
        text.push(b'\n');
        self.0
            .write_all(&text)
            .expect("writing to memory does not fail");
    }

    /// Writes the object.
    ///
    /// # Errors
    /// As the store's.
    pub async fn write(
        self,
        store: &impl Store,
        prefix: &str,
        integration: &str,
    ) -> Result<(), Failure> {
        let body = self.0.finish().expect("writing to memory does not fail");
        store
            .put(
                &key(prefix, integration),
                Bytes::from(body),
                Expect::Anything,
            )
            .await
            .map(drop)
    }
}
