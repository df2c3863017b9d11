//! Objects that others leave in the bucket for the tile: the loader's record, and what the watch has found.

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
    /// Why deletions were not made in Authomize; empty if it was.
    pub held: Vec<String>,
    /// Items that Okta no longer has and that are still in Authomize.
    pub removals_pending: u64,
    /// When the loader deletes them, if nothing withholds it (RFC 3339, UTC).
    #[cfg_attr(feature = "schemas", schemars(extend("format" = "date-time")))]
    pub purge_due_at: Option<String>,
}

/// The watch's cases, as `status/{integration}.findings.json` holds it. Unknown keys are ignored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[serde(default)]
pub struct Findings {
    /// When that was (RFC 3339, UTC).
    #[cfg_attr(feature = "schemas", schemars(extend("format" = "date-time")))]
    pub made_at: Option<String>,
    /// The manifest up to which the state was read.
    pub sequence: u64,
    /// Open cases by severity.
    pub severities: BTreeMap<String, u64>,
    /// Cases that somebody has accepted.
    pub accepted: u64,
    /// The newest open cases, newest first.
    pub newest: Vec<NewCase>,
    /// How many cases opened and closed, by day; days without any are left out.
    pub days: Vec<CaseDay>,
}

/// An open case.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[serde(default)]
pub struct NewCase {
    /// The case's id.
    pub id: String,
    /// The finding's id.
    pub finding: String,
    /// `critical`, `high`, `medium`, `low` or `info`.
    pub severity: String,
    /// The weakness.
    pub title: String,
    /// The user or object that has it.
    pub name: String,
    /// Since when it is known (RFC 3339, UTC).
    #[cfg_attr(feature = "schemas", schemars(extend("format" = "date-time")))]
    pub first_seen: String,
}

/// The cases of a day.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[serde(default)]
pub struct CaseDay {
    /// The day, in UTC: `YYYY-MM-DD`.
    pub day: String,
    /// Cases that opened.
    pub opened: u64,
    /// Cases that closed.
    pub closed: u64,
}

/// How far the loader is, `None` if its record is missing or cannot be read: the status is written all the same.
pub async fn loads(store: &impl Store, prefix: &str, integration: &str) -> Option<Loads> {
    let body = store
        .get(&format!("{prefix}/loads/{integration}.json"))
        .await
        .ok()??;
    serde_json::from_slice(&body).ok()
}

/// What the watch has found last, `None` if it is missing or unreadable: the status is written all the same.
pub async fn findings(store: &impl Store, prefix: &str, integration: &str) -> Option<Findings> {
    let body = store
        .get(&key(prefix, integration, "findings.json"))
        .await
        .ok()??;
    serde_json::from_slice(&body).ok()
}
