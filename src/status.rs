//! What the integration's tile would show: the last run in one JSON object and one page.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
#[cfg(feature = "schemas")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::COLLECTOR;
use crate::store::{Creation, Kind, Store, StoreError, Version};

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
    /// What the run could not go on without.
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
    /// Streams by name.
    pub streams: BTreeMap<String, StreamStatus>,
    /// How far the loader has brought Authomize; `null` if it has not been at work, or cannot be asked.
    pub loads: Option<Loads>,
}

/// What the loader says of itself in `loads/{integration}.json`. Keys that it does not know are ignored.
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
}

/// Why a run ended as an error.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[serde(default)]
pub struct Trouble {
    /// The Lambda error's `errorType`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What is wrong and what to do.
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
    /// What is wrong and what to do.
    pub error: Option<String>,
    /// Records of its newest complete snapshot.
    pub records: Option<u64>,
    /// When that snapshot began (RFC 3339, UTC).
    #[cfg_attr(feature = "schemas", schemars(extend("format" = "date-time")))]
    pub snapshot_at: Option<String>,
}

/// An unchanged status is written again after this long, to show that runs go on.
const REFRESH: SignedDuration = SignedDuration::from_hours(1);

impl Status {
    /// Whether this is worth writing over `last`: something was committed, the picture changed,
    /// or the last one is an hour old.
    #[must_use]
    pub fn is_news(&self, last: Option<&Self>, now: Timestamp) -> bool {
        let Some(last) = last else { return true };
        let picture =
            |status: &Self| (status.outcome.clone(), status.error.clone(), status.sequence, status.streams.clone());
        let age = last.updated_at.parse().map_or(REFRESH, |written: Timestamp| now.duration_since(written));
        picture(self) != picture(last) || age >= REFRESH || self.mode == "check"
    }

    /// Whether `last` was written while this run went on, by a run that knew more: one that committed later, or
    /// that began later and knew as much. `began_at` is in RFC 3339, as in the status.
    #[must_use]
    pub fn is_older_than(&self, last: &Self, began_at: &str) -> bool {
        let knew = (last.sequence, last.run.as_str());
        last.updated_at.as_str() > began_at && knew > (self.sequence, self.run.as_str())
    }

    /// Takes from the last status what this one does not tell.
    /// - A run that could not go on knows nothing of the streams; one that another run has superseded nothing that holds.
    /// - A check knows how streams can be read, not what was collected of them; of those it left out, nothing.
    #[must_use]
    pub fn completed_by(mut self, last: &Self) -> Self {
        if self.error.is_some() {
            self.sequence = last.sequence;
        }
        if self.error.is_some() || self.outcome == "superseded" {
            self.streams.clone_from(&last.streams);
        }
        if self.mode == "check" {
            for (name, before) in &last.streams {
                let stream = self.streams.entry(name.clone()).or_insert_with(|| before.clone());
                (stream.records, stream.snapshot_at) = (before.records, before.snapshot_at.clone());
            }
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

    /// The page for people; every value is escaped.
    #[must_use]
    pub fn html(&self) -> String {
        let mut rows = String::new();
        for (name, stream) in &self.streams {
            let records = stream.records.map(|records| records.to_string()).unwrap_or_default();
            let cells = [
                name.as_str(),
                &stream.outcome,
                &records,
                stream.snapshot_at.as_deref().unwrap_or_default(),
                stream.error.as_deref().unwrap_or_default(),
            ];
            let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
            let _ = writeln!(rows, "<tr class=\"{}\">{cells}</tr>", escaped(&stream.outcome));
        }
        let error = self
            .error
            .as_ref()
            .map(|error| format!("<p class=\"error\">{}: {}</p>", escaped(&error.kind), escaped(&error.message)));
        include_str!("status.html")
            .replace("{name}", &escaped(&self.name))
            .replace("{org}", &escaped(self.org.as_deref().unwrap_or_default()))
            .replace("{outcome}", &escaped(&self.outcome))
            .replace("{updated_at}", &escaped(&self.updated_at))
            .replace("{last_success_at}", &escaped(self.last_success_at.as_deref().unwrap_or("never")))
            .replace("{sequence}", &self.sequence.to_string())
            .replace("{collector}", &escaped(&self.collector))
            .replace("{error}", &error.unwrap_or_default())
            .replace("{loads}", &self.loads.as_ref().map(Loads::html).unwrap_or_default())
            .replace("{rows}", &rows)
    }
}

impl Loads {
    fn html(&self) -> String {
        let when = |time: &Option<String>| escaped(time.as_deref().unwrap_or("never"));
        let items: Vec<String> =
            self.items.iter().map(|(kind, number)| format!("{number} {}", escaped(kind))).collect();
        let mut told = format!(
            "<p>In Authomize since {}, up to manifest {} at {} ({}): {}",
            when(&self.since),
            self.sequence,
            when(&self.loaded_at),
            escaped(&self.outcome),
            items.join(", ")
        );
        let _ = write!(told, "; {} refused</p>", self.refused_total);
        for reason in &self.held {
            let _ = write!(told, "\n<p class=\"error\">Nothing is deleted in Authomize: {}</p>", escaped(reason));
        }
        told
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('{', "&#123;")
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

/// Reads the last status, with the version over which [`write`] writes.
///
/// # Errors
/// As the store's.
pub async fn last(store: &impl Store, prefix: &str, integration: &str) -> Result<Last, StoreError> {
    let Some((body, version)) = store.read(&key(prefix, integration, "json")).await? else {
        return Ok(Last::default());
    };
    Ok(Last { status: serde_json::from_slice(&body).ok(), version: Some(version) })
}

/// How far the loader is, `None` if its record is missing or cannot be read: the status is written all the same.
pub async fn loads(store: &impl Store, prefix: &str, integration: &str) -> Option<Loads> {
    let body = store.get(&format!("{prefix}/loads/{integration}.json")).await.ok()??;
    serde_json::from_slice(&body).ok()
}

/// Writes the status and its page over the last one; returns whether nobody else has written either meanwhile. Where
/// somebody has, theirs stays.
///
/// # Errors
/// As the store's.
pub async fn write(store: &impl Store, prefix: &str, status: &Status, last: &Last) -> Result<bool, StoreError> {
    let status = &Status { schema: SCHEMA, collector: COLLECTOR.to_owned(), ..status.clone() };
    let json = serde_json::to_vec_pretty(status).expect("plain structs with string keys always serialize");
    let (json_key, page_key) = (key(prefix, &status.integration, "json"), key(prefix, &status.integration, "html"));
    // Before the status is written: a page that comes after it is of a run that has read it.
    let page = store.read(&page_key).await?.map(|(_, version)| version);
    let parts = [
        (json_key, Bytes::from(json), Kind::Json, last.version.as_ref()),
        (page_key, Bytes::from(status.html()), Kind::Html, page.as_ref()),
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
        let stream = StreamStatus { outcome: "succeeded".into(), ..StreamStatus::default() };
        Status {
            name: "A<b> & {rows}".into(),
            outcome: outcome.into(),
            updated_at: "2026-11-23T18:00:00.000Z".into(),
            streams: [("users".to_owned(), stream)].into(),
            ..Status::default()
        }
    }

    #[test]
    fn an_unchanged_status_is_written_hourly() {
        let at = |time: &str| time.parse().unwrap();
        let (last, new) = (status("succeeded"), status("succeeded"));
        assert!(new.is_news(None, at("2026-11-23T18:00:00Z")));
        assert!(!new.is_news(Some(&last), at("2026-11-23T18:59:00Z")));
        assert!(new.is_news(Some(&last), at("2026-11-23T19:00:00Z")));
        assert!(status("degraded").is_news(Some(&last), at("2026-11-23T18:01:00Z")));
    }

    #[test]
    fn the_page_shows_how_far_the_loader_is() {
        let loads = Loads { items: [("users".to_owned(), 3)].into(), held: vec!["<held>".into()], ..Loads::default() };
        let page = Status { loads: Some(loads), ..status("succeeded") }.html();
        assert!(page.contains("3 users") && page.contains("&lt;held&gt;"), "{page}");
        assert!(!status("succeeded").html().contains("{loads}"));
    }

    #[test]
    fn the_page_escapes_what_it_shows() {
        let page = status("succeeded").html();
        assert!(page.contains("A&lt;b&gt; &amp; &#123;rows}"), "{page}");
        assert!(page.contains("<td>users</td>"));
        for placeholder in ["{org}", "{error}", "{sequence}", "{updated_at}"] {
            assert!(!page.contains(placeholder), "{placeholder}");
        }
    }
}
