//! Usage as of the last full load: one piece per account and asset instead of every batch ever written.
//!
//! `loads/{integration}/usage.jsonl.gz` can always be made again from the `usage` batches.

use std::io::{BufRead, BufReader, Read, Write};

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
    packed: Bytes,
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
        let packed = stored.body;
        // To the end, so that a cut object counts as none.
        let whole = std::io::copy(&mut text_of(&packed), &mut std::io::sink()).is_ok();
        let mut first = String::new();
        let read = BufReader::new(text_of(&packed)).read_line(&mut first);
        match serde_json::from_str::<Head>(&first) {
            Ok(head) if whole && read.is_ok() && head.schema == 1 => Ok(Self {
                sequence: head.sequence,
                packed,
            }),
            _ => Ok(Self::default()),
        }
    }

    /// Its pieces; an unreadable piece is passed over.
    pub fn pieces(&self) -> impl Iterator<Item = (Kind, Piece)> {
        let lines = BufReader::new(text_of(&self.packed)).split(b'\n').skip(1);
        lines
            .map_while(Result::ok)
            .filter_map(|line| serde_json::from_slice(&line).ok())
    }
}

fn text_of(packed: &[u8]) -> impl Read {
    GzDecoder::new(packed).take(MOST_TEXT)
}

/// Usage on its way into `loads/{integration}/usage.jsonl.gz`.
pub struct Carrying {
    sequence: u64,
    packed: GzEncoder<Vec<u8>>,
}

impl Carrying {
    /// No usage yet, for the object that holds it up to this manifest.
    #[must_use]
    pub fn new(sequence: u64) -> Self {
        let packed = GzEncoder::new(Vec::new(), Compression::fast());
        let mut carrying = Self { sequence, packed };
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
        self.packed
            .write_all(&text)
            .expect("writing to memory does not fail");
    }

    /// Writes the object, and gives its content.
    ///
    /// # Errors
    /// As the store's.
    pub async fn write(
        self,
        store: &impl Store,
        prefix: &str,
        integration: &str,
    ) -> Result<Carried, Failure> {
        let sequence = self.sequence;
        let body = self.packed.finish();
        let packed = Bytes::from(body.expect("writing to memory does not fail"));
        let key = key(prefix, integration);
        store.put(&key, packed.clone(), Expect::Anything).await?;
        Ok(Carried { sequence, packed })
    }
}

#[cfg(test)]
mod tests {
    use fold::{Place, Role};
    use serde_json::json;

    use super::*;

    fn piece(number: u32) -> Piece {
        let id = format!("00u{number:017}");
        let item = json!({"uniqueId": id, "lastLoginAt": "2026-11-22T07:00:00.000Z"});
        Piece {
            key: id,
            place: Place(1, 0, number),
            stream: "usage".into(),
            role: Role::Updates,
            touched: true,
            item: item.as_object().unwrap().clone(),
        }
    }

    #[test]
    fn usage_is_held_packed_and_comes_back_piece_by_piece() {
        let mut carrying = Carrying::new(7);
        (0..5_000).for_each(|number| carrying.add(Kind::Users, &piece(number)));
        let packed = Bytes::from(carrying.packed.finish().unwrap());
        let text = serde_json::to_vec(&piece(0)).unwrap().len() * 5_000;
        assert!(packed.len() * 6 < text, "{} of {text}", packed.len());
        let carried = Carried {
            sequence: 7,
            packed,
        };
        assert!(
            carried
                .pieces()
                .eq((0..5_000).map(|number| (Kind::Users, piece(number))))
        );
    }
}
