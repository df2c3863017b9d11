//! Objects that others leave in the bucket for the tile: the loader's record, and a count of findings.

use std::collections::BTreeMap;

#[cfg(feature = "schemas")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::key;
use crate::store::Store;

/// The loader's record, `loads/{integration}.json`. Unknown keys are ignored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[serde(default)]
pub struct Loads {
    /// When its first load was finished (RFC 3339, UTC).
    #[cfg_attr(feature = "schemas", schemars(extend("format" = "date-time")))]
    pub since: Option<String>,
    /// When its newest load was finished (RFC 3339, UTC).
    #[cfg_attr(feature = "schemas", schemars(extend("format" = "date-time")))]
    pub loaded_at: Option<String>,
    /// Newest manifest that Authomize holds.
    pub sequence: u64,
    /// How its newest load went.
    pub outcome: String,
    /// Items of the newest state that Authomize was given, by kind.
    pub items: BTreeMap<String, u64>,
    /// Items that Authomize did not take.
    pub refused_total: u64,
    /// Why what is gone was not deleted in Authomize; empty if it was.
    pub held: Vec<String>,
    /// Items that Okta no longer has and that are still in Authomize.
    pub removals_pending: u64,
    /// When the loader deletes them, if nothing withholds it (RFC 3339, UTC).
    #[cfg_attr(feature = "schemas", schemars(extend("format" = "date-time")))]
    pub purge_due_at: Option<String>,
}

/// The count of findings by severity, as `status/{integration}.findings.json` holds it. Unknown keys are
/// ignored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[serde(default)]
pub struct Findings {
    /// When they were made (RFC 3339, UTC).
    #[cfg_attr(feature = "schemas", schemars(extend("format" = "date-time")))]
    pub made_at: Option<String>,
    /// The manifest up to which the state was read.
    pub sequence: u64,
    /// Findings by severity.
    pub severities: BTreeMap<String, u64>,
}

/// How far the loader is, `None` if its record is missing or cannot be read: the status is written all the same.
pub async fn loads(store: &impl Store, prefix: &str, integration: &str) -> Option<Loads> {
    let body = store
        .get(&format!("{prefix}/loads/{integration}.json"))
        .await
        .ok()??;
    serde_json::from_slice(&body).ok()
}

/// Counts of the findings that were last made of a copy of the bucket, `None` if they are missing or unreadable: the
/// status is written all the same.
pub async fn findings(store: &impl Store, prefix: &str, integration: &str) -> Option<Findings> {
    let body = store
        .get(&key(prefix, integration, "findings.json"))
        .await
        .ok()??;
    serde_json::from_slice(&body).ok()
}
