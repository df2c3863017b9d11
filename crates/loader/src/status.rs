//! The collector's status, as far as a sweep depends on it.

use std::collections::BTreeMap;

use fold::History;
use reader::grows;
use serde::Deserialize;

use crate::failure::Failure;
use crate::store::Store;

/// The part of `status/{integration}.json` that is read.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Status {
    /// The integration's slug.
    pub integration: String,
    /// Its shown name: the Authomize app's name.
    #[serde(default)]
    pub name: String,
    /// The org it collects.
    #[serde(default)]
    pub org: Option<String>,
    /// Newest manifest of the run that wrote it.
    #[serde(default)]
    pub sequence: u64,
    /// Streams by name; those that are off are not among them.
    #[serde(default)]
    pub streams: BTreeMap<String, StreamStatus>,
}

/// One stream's state.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct StreamStatus {
    /// The word of the collector's report.
    #[serde(default)]
    pub outcome: String,
    /// When its newest complete snapshot began.
    #[serde(default)]
    pub snapshot_at: Option<String>,
}

/// Outcomes after which a stream's records may all be believed.
const SOUND: [&str; 2] = ["succeeded", "not_applicable"];

/// Reads the status, `None` if it is missing or unreadable.
///
/// # Errors
/// As the store's.
pub async fn read(
    store: &impl Store,
    prefix: &str,
    integration: &str,
) -> Result<Option<Status>, Failure> {
    let stored = store
        .get(&format!("{prefix}/status/{integration}.json"))
        .await?;
    Ok(stored.and_then(|stored| serde_json::from_slice(&stored.body).ok()))
}

/// Why the collector's state is no ground for deleting anything; empty if it is one.
#[must_use]
pub fn doubts(status: Option<&Status>, integration: &str, history: &History) -> Vec<String> {
    let Some(status) = status else {
        return vec!["the collector's status is missing or cannot be read".to_owned()];
    };
    let mut doubts = Vec::new();
    if status.integration != integration {
        doubts.push(format!(
            "the collector's status is of integration {:?}",
            status.integration
        ));
    }
    let committed = history.commits().last().map(|commit| commit.org.as_str());
    if status
        .org
        .as_deref()
        .is_some_and(|org| committed.is_some_and(|committed| committed != org))
    {
        doubts.push("the collector's status is of another org than the manifests".to_owned());
    }
    if status.sequence < history.newest() {
        doubts.push(format!(
            "the collector's run is not over: its status is of manifest {}",
            status.sequence
        ));
    }
    if status.streams.is_empty() {
        doubts.push("the collector's status names no stream".to_owned());
    }
    for (name, stream) in &status.streams {
        if !SOUND.contains(&stream.outcome.as_str()) {
            doubts.push(format!("stream {name} is {:?}", stream.outcome));
        } else if stream.outcome == "succeeded"
            && !grows(name)
            && stream.snapshot_at.is_none()
            && !history.has_completed(name)
        {
            doubts.push(format!("stream {name} has never been complete"));
        }
    }
    doubts
}
