//! Records → bounded, compressed objects.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
#[cfg(feature = "schemas")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::Ids;
use crate::record::{Op, Record};

/// A SHA-256 as manifests write it.
#[cfg(feature = "schemas")]
pub(crate) const SHA256: &str = "^[0-9a-f]{64}$";

/// A batch as its manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[cfg_attr(feature = "schemas", schemars(rename = "Batch"))]
pub struct BatchEntry {
    /// Name of the stream.
    pub stream: &'static str,
    /// Key of the object.
    pub key: String,
    /// Number of lines.
    #[cfg_attr(feature = "schemas", schemars(range(min = 1)))]
    pub records: u64,
    /// Size of the object as stored.
    pub bytes: u64,
    /// SHA-256 of the object as stored, in hexadecimal.
    #[cfg_attr(feature = "schemas", schemars(regex(pattern = SHA256)))]
    pub sha256: String,
    /// How many of the lines are tombstones.
    #[serde(skip)]
    pub deletes: u64,
}

/// A batch that is ready to be stored.
#[derive(Debug)]
pub struct Sealed {
    /// The manifest's entry of it.
    pub entry: BatchEntry,
    /// Gzip-compressed JSON Lines.
    pub body: Bytes,
}

/// The batches that a run is writing: one open per stream.
#[derive(Debug)]
pub struct Batches {
    /// `{prefix}/data`
    folder: String,
    /// `integration={integration}/date={YYYY-MM-DD}/{run}`
    name: String,
    count: u64,
    open: BTreeMap<&'static str, Open>,
}

#[derive(Debug)]
struct Open {
    key: String,
    records: u64,
    deletes: u64,
    /// Lines that are not compressed yet: the encoder has a price for every piece it is given.
    lines: Vec<u8>,
    gzip: GzEncoder<Vec<u8>>,
}

/// A batch is sealed when it holds this many lines …
const MOST_RECORDS: u64 = 10_000;
/// … or this many bytes, compressed.
const MOST_BYTES: usize = 2 * 1024 * 1024;
/// Of System Log events, level 4 leaves 0.6 of the bytes of level 1 in 1.7 times its time; level 6
/// leaves a tenth less and takes a fifth longer.
const LEVEL: Compression = Compression::new(4);
/// Lines are compressed when there are so many bytes of them.
const PIECE_BYTES: usize = 64 * 1024;

impl Batches {
    /// Batches of `run`, which began on `date` (`YYYY-MM-DD`, UTC).
    #[must_use]
    pub fn new(prefix: &str, integration: &str, date: &str, run: &str) -> Self {
        Self {
            folder: format!("{prefix}/data"),
            name: format!("integration={integration}/date={date}/{run}"),
            count: 0,
            open: BTreeMap::new(),
        }
    }

    /// Adds a record; returns a batch that became full.
    ///
    /// # Errors
    /// Where the record cannot be serialized (none of its parts can fail to).
    pub fn push(&mut self, record: &Record) -> io::Result<Option<Sealed>> {
        let batch = self.open.entry(record.stream).or_insert_with(|| {
            self.count += 1;
            let key = format!(
                "{}/{}/{}-{}.jsonl.gz",
                self.folder, record.stream, self.name, self.count
            );
            Open::new(key)
        });
        batch.write(record)?;
        batch.records += 1;
        batch.deletes += u64::from(record.op == Op::Delete);
        let full = batch.records >= MOST_RECORDS || batch.gzip.get_ref().len() >= MOST_BYTES;
        if full {
            self.open
                .remove(record.stream)
                .map(|batch| batch.seal(record.stream))
                .transpose()
        } else {
            Ok(None)
        }
    }

    /// Ends every open batch, oldest first.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn seal(&mut self) -> io::Result<Vec<Sealed>> {
        let mut sealed = std::mem::take(&mut self.open)
            .into_iter()
            .map(|(stream, batch)| batch.seal(stream))
            .collect::<io::Result<Vec<_>>>()?;
        sealed.sort_by_key(|batch| (batch.entry.key.len(), batch.entry.key.clone()));
        Ok(sealed)
    }
}

impl Open {
    fn new(key: String) -> Self {
        let gzip = GzEncoder::new(Vec::new(), LEVEL);
        Self {
            key,
            records: 0,
            deletes: 0,
            lines: Vec::new(),
            gzip,
        }
    }

    fn write(&mut self, record: &Record) -> io::Result<()> {
        serde_json::to_writer(&mut self.lines, record)?;
        self.lines.push(b'\n');
        if self.lines.len() >= PIECE_BYTES {
            self.gzip.write_all(&self.lines)?;
            self.lines.clear();
        }
        Ok(())
    }

    fn seal(mut self, stream: &'static str) -> io::Result<Sealed> {
        self.gzip.write_all(&self.lines)?;
        let body = Bytes::from(self.gzip.finish()?);
        let entry = BatchEntry {
            stream,
            key: self.key,
            records: self.records,
            bytes: body.len() as u64,
            sha256: hex::encode(Sha256::digest(&body)),
            deletes: self.deletes,
        };
        Ok(Sealed { entry, body })
    }
}

/// Adds the ids of a stored batch's lines.
///
/// # Errors
/// Where it is no batch.
pub fn add_ids(body: &[u8], ids: &mut Ids) -> io::Result<()> {
    #[derive(Deserialize)]
    struct Line {
        id: String,
    }
    for line in io::BufReader::new(GzDecoder::new(body)).lines() {
        ids.add(&serde_json::from_str::<Line>(&line?)?.id);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authomize::Bundle;
    use crate::record::SCHEMA;
    use serde_json::{Value, json};
    use std::io::Read;

    fn record(stream: &'static str, id: usize) -> Record {
        let observed_at = "2026-11-23T18:00:00.000Z".to_owned();
        let source = Some(json!({"id": id}).into());
        Record {
            schema: SCHEMA,
            stream,
            op: Op::Upsert,
            id: id.to_string(),
            observed_at,
            cause: None,
            bundle: Bundle::default(),
            source,
            ocsf: None,
        }
    }

    #[test]
    fn a_batch_is_gzip_compressed_json_lines() {
        let mut batches = Batches::new("okta", "acme", "2026-11-23", "run1");
        for id in 0..3 {
            assert!(batches.push(&record("users", id)).unwrap().is_none());
        }
        batches.push(&record("groups", 1)).unwrap();
        let sealed = batches.seal().unwrap();
        let keys: Vec<_> = sealed
            .iter()
            .map(|batch| batch.entry.key.as_str())
            .collect();
        assert_eq!(
            keys,
            [
                "okta/data/users/integration=acme/date=2026-11-23/run1-1.jsonl.gz",
                "okta/data/groups/integration=acme/date=2026-11-23/run1-2.jsonl.gz"
            ]
        );
        let mut text = String::new();
        flate2::read::GzDecoder::new(&sealed[0].body[..])
            .read_to_string(&mut text)
            .unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(
            lines[2],
            json!({"schema": 1, "stream": "users", "op": "upsert", "id": "2", "observed_at": "2026-11-23T18:00:00.000Z", "bundle": {}, "source": {"id": 2}})
        );
        assert_eq!(
            (sealed[0].entry.records, sealed[0].entry.bytes),
            (3, sealed[0].body.len() as u64)
        );
        assert_eq!(
            sealed[0].entry.sha256,
            hex::encode(Sha256::digest(&sealed[0].body))
        );
    }

    #[test]
    fn a_full_batch_is_sealed_at_once() {
        let mut batches = Batches::new("okta", "acme", "2026-11-23", "run1");
        let sealed: Vec<_> = (0..25_000)
            .filter_map(|id| batches.push(&record("users", id)).unwrap())
            .collect();
        assert_eq!(
            sealed
                .iter()
                .map(|batch| batch.entry.records)
                .collect::<Vec<_>>(),
            [10_000, 10_000]
        );
        assert_eq!(batches.seal().unwrap()[0].entry.records, 5_000);
        assert!(batches.seal().unwrap().is_empty());
    }
}
