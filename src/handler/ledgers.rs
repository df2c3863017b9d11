//! What the collector knows of what readers hold, stored beside the manifests that name it.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::future::join_all;
use sha2::{Digest, Sha256};

use crate::commit::LedgerEntry;
use crate::store::{ContentType, Store, StoreError};

/// The ledgers that a manifest names, by stream. One that is not there, or is not what was stored, is left out: the next
/// complete snapshot makes it again.
///
/// # Errors
/// As the store's.
pub(super) async fn stored<S: Store>(
    store: &S,
    entries: &BTreeMap<String, LedgerEntry>,
) -> Result<BTreeMap<String, Vec<u8>>, StoreError> {
    let reads = entries.iter().map(async |(stream, entry)| {
        let body = store.get(&entry.key).await?;
        let is_sound = |body: &Bytes| hex::encode(Sha256::digest(body)) == entry.sha256;
        let sound = body.filter(is_sound).map(|body| body.to_vec());
        if sound.is_none() {
            tracing::warn!(stream, key = entry.key, "the ledger is gone or damaged");
        }
        Ok::<_, StoreError>(sound.map(|body| (stream.clone(), body)))
    });
    let mut found = BTreeMap::new();
    for read in join_all(reads).await {
        found.extend(read?);
    }
    Ok(found)
}

/// Stores the ledgers that have moved; gives all that the next manifest names.
///
/// # Errors
/// As the store's.
pub(super) async fn store<S: Store>(
    store: &S,
    (prefix, integration): (&str, &str),
    known: &BTreeMap<String, LedgerEntry>,
    moved: BTreeMap<&'static str, Vec<u8>>,
) -> Result<BTreeMap<String, LedgerEntry>, StoreError> {
    let mut entries = known.clone();
    let mut puts = Vec::new();
    for (stream, body) in moved {
        let sha256 = hex::encode(Sha256::digest(&body));
        let key = format!(
            "{prefix}/ledgers/{integration}/{stream}-{}.json.gz",
            &sha256[..32]
        );
        let entry = LedgerEntry {
            key: key.clone(),
            bytes: body.len() as u64,
            sha256,
        };
        if entries.insert(stream.to_owned(), entry.clone()) != Some(entry) {
            puts.push(async move { store.put(&key, Bytes::from(body), ContentType::Batch).await });
        }
    }
    for put in join_all(puts).await {
        put?;
    }
    Ok(entries)
}
