//! A bucket in memory, written as the contract says.

use std::collections::BTreeMap;
use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use reader::manifest_key;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub type Objects = BTreeMap<String, Vec<u8>>;

pub const ORG: &str = "https://acme.okta.com";

#[derive(Default)]
pub struct Bucket {
    pub objects: Objects,
    pub sequence: u64,
}

impl Bucket {
    /// The next manifest with one batch for each `(stream, lines)`.
    pub fn commit(&mut self, batches: &[(&str, Vec<Value>)], snapshots: &[Value]) -> u64 {
        self.commit_edited(batches, snapshots, |_| ())
    }

    /// As `commit`, but the manifest is changed before it is written.
    pub fn commit_edited(
        &mut self,
        batches: &[(&str, Vec<Value>)],
        snapshots: &[Value],
        edit: impl FnOnce(&mut Value),
    ) -> u64 {
        let sequence = self.sequence + 1;
        let numbered = (1..).zip(batches);
        let batches: Vec<Value> = numbered
            .map(|(n, (stream, lines))| {
                let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
                self.put_batch(stream, n, &gzip(text.as_bytes()), lines.len())
            })
            .collect();
        let previous = self
            .objects
            .get(&manifest_key("okta", "acme", self.sequence));
        let mut manifest = json!({
            "schema": 1, "sequence": sequence, "previous_sha256": previous.map(|bytes| sha256(bytes)),
            "integration": "acme", "org": ORG, "owner": null, "run": format!("run{sequence}"),
            "request_id": "q", "committed_at": format!("2026-11-23T18:{sequence:02}:00.000Z"),
            "mode": "incremental", "batches": batches, "snapshots": snapshots, "gap": null, "cursor": {},
        });
        edit(&mut manifest);
        self.put_manifest(sequence, manifest.to_string().as_bytes());
        sequence
    }

    /// Writes the object and tells what a manifest says of it.
    pub fn put_batch(&mut self, stream: &str, n: usize, object: &[u8], records: usize) -> Value {
        let run = self.sequence + 1;
        let key =
            format!("okta/data/{stream}/integration=acme/date=2026-11-23/run{run}-{n}.jsonl.gz");
        self.objects.insert(key.clone(), object.to_vec());
        json!({"stream": stream, "key": key, "records": records, "bytes": object.len(), "sha256": sha256(object)})
    }

    pub fn put_manifest(&mut self, sequence: u64, bytes: &[u8]) {
        self.objects
            .insert(manifest_key("okta", "acme", sequence), bytes.to_vec());
        self.sequence = sequence;
    }
}

pub fn upsert(stream: &str, id: &str, version: u64) -> Value {
    json!({"schema": 1, "stream": stream, "op": "upsert", "id": id,
        "observed_at": "2026-11-23T18:00:00.000Z", "bundle": {}, "source": {"version": version}})
}

pub fn delete(stream: &str, id: &str) -> Value {
    json!({"schema": 1, "stream": stream, "op": "delete", "id": id,
        "observed_at": "2026-11-23T18:00:00.000Z"})
}

pub fn complete(stream: &str, since_sequence: u64) -> Value {
    json!({"stream": stream, "since_sequence": since_sequence, "complete": true})
}

pub fn complete_part(stream: &str, scope: &str, since_sequence: u64) -> Value {
    json!({"stream": stream, "since_sequence": since_sequence, "complete": true, "scope": scope})
}

pub fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
