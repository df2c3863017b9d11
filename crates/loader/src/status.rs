//! The collector's status, as far as a purge depends on it.

use std::collections::BTreeMap;

use fold::History;
use reader::grows;
use serde::Deserialize;

use crate::failure::Failure;
use crate::purge::Reason;
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
pub fn doubts(status: Option<&Status>, integration: &str, history: &History) -> Vec<Reason> {
    let Some(status) = status else {
        return vec![Reason::StatusMissing];
    };
    let mut doubts = Vec::new();
    if status.integration != integration {
        let integration = status.integration.clone();
        doubts.push(Reason::StatusOfIntegration { integration });
    }
    let committed = history.commits().last().map(|commit| commit.org.as_str());
    if status
        .org
        .as_deref()
        .is_some_and(|org| committed.is_some_and(|committed| committed != org))
    {
        doubts.push(Reason::StatusOfOrg);
    }
    if status.sequence < history.newest() {
        let sequence = status.sequence;
        doubts.push(Reason::RunNotOver { sequence });
    }
    if status.streams.is_empty() {
        doubts.push(Reason::NoStreams);
    }
    for (name, stream) in &status.streams {
        if !SOUND.contains(&stream.outcome.as_str()) {
            doubts.push(Reason::StreamUnsound {
                stream: name.clone(),
                outcome: stream.outcome.clone(),
            });
        } else if stream.outcome == "succeeded"
            && !grows(name)
            && stream.snapshot_at.is_none()
            && !history.has_completed(name)
        {
            let stream = name.clone();
            doubts.push(Reason::StreamIncomplete { stream });
        }
    }
    doubts
}
