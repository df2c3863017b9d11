//! The integration's tile: the last run and the last days in one JSON object and one page.

mod beside;
mod chart;
mod history;
mod page;
mod words;

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
#[cfg(feature = "schemas")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use beside::{CaseDay, Findings, Loads, NewCase, findings, loads};
pub use history::{Commit, Day, History, Lines, StreamDay};

use crate::COLLECTOR;
use crate::invocation::OktaUse;
use crate::store::{ContentType, Creation, Store, StoreError, Version};

/// Version of the status's shape.
pub const SCHEMA: u32 = 1;

/// The state of an integration after its last run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[serde(default)]
pub struct Status {
    /// Version of this shape.
    #[cfg_attr(feature = "schemas", schemars(extend("const" = SCHEMA)))]
    pub schema: u32,
    /// Name and version of the function that wrote it, such as `okta-authomize/0.1.0`.
    pub collector: String,
    /// The integration's slug.
    #[cfg_attr(feature = "schemas", schemars(length(min = 1)))]
    pub integration: String,
    /// Its shown name.
    pub name: String,
    /// `https://acme.okta.com`
    pub org: Option<String>,
    /// E-mail of the resource owner.
    pub owner: Option<String>,
    /// When this was written (RFC 3339, UTC).
    #[cfg_attr(feature = "schemas", schemars(extend("format" = "date-time")))]
    pub updated_at: String,
    /// The run's outcome, or `error` where it could not go on.
    #[cfg_attr(feature = "schemas", schemars(extend("enum" = ["succeeded", "partial", "degraded", "superseded", "error"])))]
    pub outcome: String,
    /// The problem that stopped the run.
    pub error: Option<Trouble>,
    /// Id of the run; empty where the run could not begin.
    pub run: String,
    /// Lambda's id of the invocation; empty where the run could not begin.
    pub request_id: String,
    /// The run's mode; empty where the run could not begin.
    #[cfg_attr(feature = "schemas", schemars(extend("enum" = ["incremental", "full", "check", ""])))]
    pub mode: String,
    /// Newest manifest; 0 before the first.
    pub sequence: u64,
    /// When a run last ended as `succeeded`; a check is no run in this sense.
    #[cfg_attr(feature = "schemas", schemars(extend("format" = "date-time")))]
    pub last_success_at: Option<String>,
    /// How the org lets the collector in, never with what: `client secret`, `private key` or `API token`; empty
    /// where the run could not begin.
    pub signs_in_with: String,
    /// The tile's headline.
    pub state: State,
    /// Percent of the entity streams' due snapshots that are read, while some are not complete.
    #[cfg_attr(feature = "schemas", schemars(range(min = 0, max = 100)))]
    pub progress_percent: Option<u8>,
    /// Age of the newest System Log event that is committed where more is known to come, else 0.
    #[cfg_attr(feature = "schemas", schemars(range(min = 0)))]
    pub activity_lag_seconds: i64,
    /// Seconds until another run gets further, where a limit says so.
    pub retry_after_seconds: Option<i64>,
    /// The requests that the run cost the org.
    pub okta: OktaUse,
    /// The org's rate limits, as its answers last announced them.
    pub limits: Vec<Limit>,
    /// Streams by name.
    pub streams: BTreeMap<String, StreamStatus>,
    /// Counts of the last days, of the runs whose end is known.
    pub history: History,
    /// Counts of the last findings in a copy of the bucket; `null` if nobody has put them there.
    pub findings: Option<Findings>,
    /// How far the loader has brought Authomize; `null` if it has not been at work, or cannot be asked.
    pub loads: Option<Loads>,
}

/// The tile's headline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// No run has collected anything yet.
    #[default]
    NeverRun,
    /// Everything that was to be had is committed.
    Connected,
    /// A snapshot or the log is not read to its end; later runs go on.
    Syncing,
    /// Some streams are unavailable, held or failed.
    Degraded,
    /// The last run could not go on.
    Failed,
}

/// One of the org's rate limits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[serde(default)]
pub struct Limit {
    /// The paths that count against it, as the collector groups them, such as `groups`.
    pub paths: String,
    /// Requests per minute that Okta allows.
    pub limit: u32,
    /// Those that remained when it was last announced.
    pub remaining: u32,
    /// Those of the collector in that minute.
    pub own: u32,
}

/// Why a run ended as an error.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[serde(default)]
pub struct Trouble {
    /// The Lambda error's `errorType`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The problem and its remedy.
    pub message: String,
}

/// One stream's state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[serde(default)]
pub struct StreamStatus {
    /// How it went.
    #[cfg_attr(feature = "schemas", schemars(extend("enum" = ["succeeded", "not_applicable", "partial", "held", "unavailable", "failed"])))]
    pub outcome: String,
    /// The problem and its remedy.
    pub error: Option<String>,
    /// Records of its newest complete snapshot.
    pub records: Option<u64>,
    /// When that snapshot began (RFC 3339, UTC).
    #[cfg_attr(feature = "schemas", schemars(extend("format" = "date-time")))]
    pub snapshot_at: Option<String>,
    /// Percent of its due snapshot that is read, where it has one that is not complete.
    #[cfg_attr(feature = "schemas", schemars(range(min = 0, max = 100)))]
    pub progress_percent: Option<u8>,
    /// When a line of it was last committed (RFC 3339, UTC).
    #[cfg_attr(feature = "schemas", schemars(extend("format" = "date-time")))]
    pub changed_at: Option<String>,
}

/// An unchanged status is written again after this long, to show that runs go on.
const REFRESH: SignedDuration = SignedDuration::from_hours(1);

impl Status {
    /// Whether this is worth writing over `last`: something was committed, the picture changed,
    /// or the last one is an hour old.
    #[must_use]
    pub fn is_news(&self, last: Option<&Self>, now: Timestamp) -> bool {
        let Some(last) = last else { return true };
        let picture = |status: &Self| {
            (
                status.outcome.clone(),
                status.error.clone(),
                status.sequence,
                status.streams.clone(),
            )
        };
        let age = last
            .updated_at
            .parse()
            .map_or(REFRESH, |written: Timestamp| now.duration_since(written));
        picture(self) != picture(last) || age >= REFRESH || self.mode == "check"
    }

    /// Whether `last` was written while this run went on, by a run that knew more: one that committed later, or
    /// that began later and knew as much. `began_at` is in RFC 3339, as in the status.
    #[must_use]
    pub fn is_older_than(&self, last: &Self, began_at: &str) -> bool {
        let knew = (last.sequence, last.run.as_str());
        last.updated_at.as_str() > began_at && knew > (self.sequence, self.run.as_str())
    }

    /// Fills gaps from the previous status.
    /// - A run that could not go on knows nothing of the streams; one that another run has superseded knows nothing
    ///   that holds.
    /// - A check knows how streams can be read, not their records; of those it left out, nothing.
    ///
    /// The run's commits are added to the last days.
    #[must_use]
    pub fn completed_by(mut self, last: &Self, now: Timestamp) -> Self {
        let news = std::mem::replace(&mut self.history, last.history.clone());
        // A run that has to write its page once more has counted its commits.
        if self.run.is_empty() || self.run != last.run {
            self.history.add(news, now);
        }
        if self.limits.is_empty() {
            self.limits.clone_from(&last.limits);
        }
        if self.signs_in_with.is_empty() {
            self.signs_in_with.clone_from(&last.signs_in_with);
        }
        if self.error.is_some() {
            self.sequence = last.sequence;
        }
        if self.error.is_some() || self.outcome == "superseded" {
            self.streams.clone_from(&last.streams);
            self.progress_percent = last.progress_percent;
        }
        if self.mode == "check" {
            for (name, before) in &last.streams {
                let stream = self
                    .streams
                    .entry(name.clone())
                    .or_insert_with(|| before.clone());
                (stream.records, stream.snapshot_at) = (before.records, before.snapshot_at.clone());
                stream.progress_percent = before.progress_percent;
            }
            self.progress_percent = last.progress_percent;
        }
        for (name, stream) in &mut self.streams {
            let before = last
                .streams
                .get(name)
                .and_then(|before| before.changed_at.clone());
            stream.changed_at = self.history.changed_at(name).or(before);
        }
        if self.mode == "check" || self.outcome != "succeeded" {
            self.last_success_at.clone_from(&last.last_success_at);
        }
        self.org = self.org.or_else(|| last.org.clone());
        if self.name.is_empty() {
            self.name.clone_from(&last.name);
        }
        self
    }

    /// The tile's headline, by the run's outcome and whether anything was ever collected.
    #[must_use]
    pub fn told_state(&self) -> State {
        let is_untouched = self.sequence == 0 && self.last_success_at.is_none();
        match self.outcome.as_str() {
            "error" => State::Failed,
            "degraded" => State::Degraded,
            "partial" => State::Syncing,
            _ if is_untouched && (self.mode == "check" || self.outcome.is_empty()) => {
                State::NeverRun
            }
            _ => State::Connected,
        }
    }

    /// The page for people: HTML that needs nothing from elsewhere and in which every value is escaped.
    #[must_use]
    pub fn html(&self) -> String {
        page::html(self)
    }
}

fn key(prefix: &str, integration: &str, ending: &str) -> String {
    format!("{prefix}/status/{integration}.{ending}")
}

/// The last status as it was found.
#[derive(Debug, Default)]
pub struct Last {
    /// `None` if it is missing or unreadable.
    pub status: Option<Status>,
    version: Option<Version>,
}

/// Reads the last status, with the version over which [`write()`] writes.
///
/// # Errors
/// As the store's.
pub async fn last(store: &impl Store, prefix: &str, integration: &str) -> Result<Last, StoreError> {
    let Some((body, version)) = store.read(&key(prefix, integration, "json")).await? else {
        return Ok(Last::default());
    };
    Ok(Last {
        status: serde_json::from_slice(&body).ok(),
        version: Some(version),
    })
}

/// Writes the status and its page over the last one; returns whether nobody else has written either meanwhile. Where
/// somebody has, theirs stays.
///
/// # Errors
/// As the store's.
pub async fn write(
    store: &impl Store,
    prefix: &str,
    status: &Status,
    last: &Last,
) -> Result<bool, StoreError> {
    let (collector, state) = (COLLECTOR.to_owned(), status.told_state());
    let status = &Status {
        schema: SCHEMA,
        collector,
        state,
        ..status.clone()
    };
    let json =
        serde_json::to_vec_pretty(status).expect("plain structs with string keys always serialize");
    let (json_key, page_key) = (
        key(prefix, &status.integration, "json"),
        key(prefix, &status.integration, "html"),
    );
    // Before the status is written: a page that comes after it is of a run that has read it.
    let page = store.read(&page_key).await?.map(|(_, version)| version);
    let parts = [
        (
            json_key,
            Bytes::from(json),
            ContentType::Json,
            last.version.as_ref(),
        ),
        (
            page_key,
            Bytes::from(status.html()),
            ContentType::Html,
            page.as_ref(),
        ),
    ];
    for (key, body, kind, read) in parts {
        if store.replace(&key, body, kind, read).await? != Creation::Created {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(outcome: &str) -> Status {
        let stream = StreamStatus {
            outcome: "succeeded".into(),
            ..StreamStatus::default()
        };
        Status {
            name: "Acme".into(),
            outcome: outcome.into(),
            updated_at: "2026-11-23T18:00:00.000Z".into(),
            streams: [("users".to_owned(), stream)].into(),
            ..Status::default()
        }
    }

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    #[test]
    fn an_unchanged_status_is_written_hourly() {
        let (last, new) = (status("succeeded"), status("succeeded"));
        assert!(new.is_news(None, at("2026-11-23T18:00:00Z")));
        assert!(!new.is_news(Some(&last), at("2026-11-23T18:59:00Z")));
        assert!(new.is_news(Some(&last), at("2026-11-23T19:00:00Z")));
        assert!(status("degraded").is_news(Some(&last), at("2026-11-23T18:01:00Z")));
    }

    #[test]
    fn the_state_is_that_of_the_run_and_of_what_was_ever_collected() {
        let mut told = status("succeeded");
        assert_eq!(told.told_state(), State::Connected);
        told.mode = "check".into();
        assert_eq!(told.told_state(), State::NeverRun);
        told.sequence = 3;
        assert_eq!(told.told_state(), State::Connected);
        assert_eq!(Status::default().told_state(), State::NeverRun);
        for (outcome, state) in [
            ("partial", State::Syncing),
            ("degraded", State::Degraded),
            ("error", State::Failed),
            ("superseded", State::Connected),
        ] {
            assert_eq!(status(outcome).told_state(), state, "{outcome}");
        }
    }

    #[test]
    fn a_run_adds_to_the_last_days_and_forgets_nothing_that_it_does_not_know() {
        let now = at("2026-11-23T18:00:00Z");
        let mut last = status("succeeded");
        last.history.note_records("users", 7, now);
        last.signs_in_with = "API token".into();
        last.limits = vec![Limit {
            paths: "users".into(),
            limit: 600,
            remaining: 3,
            own: 4,
        }];
        let mut new = status("error");
        new.history.note_records("groups", 2, now);
        let new = new.completed_by(&last, now);
        assert_eq!(new.history.days["2026-11-23"].streams.len(), 2);
        assert_eq!(
            (new.signs_in_with, new.limits),
            (last.signs_in_with, last.limits)
        );
    }

    #[test]
    fn a_run_that_tells_twice_is_counted_once() {
        let now = at("2026-11-23T18:00:00Z");
        let mut told = Status {
            run: "r".into(),
            ..status("succeeded")
        };
        told.history
            .days
            .entry("2026-11-23".into())
            .or_default()
            .sign_ins = 5;
        let once = told.clone().completed_by(&status("succeeded"), now);
        assert_eq!(
            told.completed_by(&once, now).history.days["2026-11-23"].sign_ins,
            5
        );
    }

    #[test]
    fn a_status_of_an_older_version_is_read() {
        let told = r#"{"schema": 1, "outcome": "succeeded", "sequence": 4, "streams": {"users": {"outcome": "succeeded", "records": 3}}}"#;
        let status: Status = serde_json::from_str(told).unwrap();
        assert_eq!((status.sequence, status.history), (4, History::default()));
    }
}
