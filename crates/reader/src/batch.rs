//! One batch: is it the manifest's, and which lines does it hold?

use std::io::Read;

use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::manifest::{BatchEntry, check_schema, sha256};
use crate::violation::Fault;

/// The operation of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Op {
    Upsert,
    Delete,
}

/// A line that may be applied.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) number: u64,
    pub(crate) op: Op,
    pub(crate) id: String,
    pub(crate) record: Value,
}

/// A batch's lines, and its faults with the line they are in.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) entries: Vec<Entry>,
    pub(crate) faults: Vec<(Option<u64>, Fault)>,
}

/// Readable lines stay in beside faulty ones: each fault is reported, and the more is seen.
pub(crate) fn check(expected: &BatchEntry, object: &[u8]) -> Batch {
    let mut batch = Batch::default();
    check_object(expected, object, &mut batch.faults);
    let mut text = Vec::new();
    if let Err(error) = MultiGzDecoder::new(object).read_to_end(&mut text) {
        let fault = Fault::BatchCompression {
            reason: error.to_string(),
        };
        batch.faults.push((None, fault));
        return batch;
    }
    for (number, line) in (1..).zip(lines(&text)) {
        if let Some(entry) = parse(number, line, &expected.stream, &mut batch.faults) {
            batch.entries.push(entry);
        }
    }
    let found = lines(&text).count() as u64;
    if found != expected.records {
        let fault = Fault::BatchRecords {
            expected: expected.records,
            found,
        };
        batch.faults.push((None, fault));
    }
    batch
}

fn check_object(expected: &BatchEntry, object: &[u8], faults: &mut Vec<(Option<u64>, Fault)>) {
    let bytes = object.len() as u64;
    if bytes != expected.bytes {
        let fault = Fault::BatchBytes {
            expected: expected.bytes,
            found: bytes,
        };
        faults.push((None, fault));
    }
    let found = sha256(object);
    if found != expected.sha256 {
        let fault = Fault::BatchSha256 {
            expected: expected.sha256.clone(),
            found,
        };
        faults.push((None, fault));
    }
}

/// The last line may do without its line feed.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
}

/// The members of every line; unknown keys are left alone.
#[derive(Deserialize)]
struct Head {
    stream: String,
    op: Op,
    id: String,
    #[serde(rename = "observed_at")]
    _observed_at: Option<Timestamp>,
    #[serde(default)]
    bundle: std::collections::BTreeMap<String, Vec<IgnoredAny>>,
}

fn parse(
    number: u64,
    line: &[u8],
    stream: &str,
    faults: &mut Vec<(Option<u64>, Fault)>,
) -> Option<Entry> {
    let unreadable = |error: serde_json::Error| Fault::LineUnreadable {
        reason: error.to_string(),
    };
    let head = serde_json::from_slice(line)
        .map_err(unreadable)
        .and_then(read)
        .and_then(|(head, record)| {
            if head.stream == stream {
                return Ok((head, record));
            }
            Err(Fault::LineStream {
                expected: stream.to_owned(),
                found: head.stream,
            })
        });
    let (head, record) = head
        .map_err(|fault| faults.push((Some(number), fault)))
        .ok()?;
    let is_known = |key: &&String| key.starts_with("new_") || key.starts_with("update_");
    for key in head.bundle.keys().filter(|key| !is_known(key)) {
        let fault = Fault::LineBundle { found: key.clone() };
        faults.push((Some(number), fault));
    }
    Some(Entry {
        number,
        op: head.op,
        id: head.id,
        record,
    })
}

/// A line that was never stored, with its stream.
pub(crate) fn entry(number: u64, line: Value) -> Result<(String, Entry), Fault> {
    let (head, record) = read(line)?;
    let entry = Entry {
        number,
        op: head.op,
        id: head.id,
        record,
    };
    Ok((head.stream, entry))
}

fn read(record: Value) -> Result<(Head, Value), Fault> {
    check_schema(&record).map_err(|found| Fault::LineSchema { found })?;
    let head = Head::deserialize(&record).map_err(|error| Fault::LineUnreadable {
        reason: error.to_string(),
    })?;
    Ok((head, record))
}
