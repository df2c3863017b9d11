//! Counts of the last days, kept in the status so that the page needs no manifest: bounded, and made to add up.
//!
//! A run counts its commits, beginning with an empty [`History`]; the status adds that to the last one's.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
#[cfg(feature = "schemas")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authomize::rfc3339;
use crate::commit::Manifest;

/// Days that are kept.
const MOST_DAYS: usize = 30;
/// Hours that are kept: seven days.
const MOST_HOURS: usize = 168;
/// Commits that are kept.
const MOST_COMMITS: usize = 12;
/// Event types that are kept of a day; the rarer ones are counted together.
const MOST_TYPES: usize = 30;
/// Longest event type, in characters.
const TYPE_CHARS: usize = 100;
/// Okta's clock may be this far ahead of ours; an event beyond it is not counted by day.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// The last days, hours and commits, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[serde(default)]
pub struct History {
    /// At most 30 days (UTC) on which something was committed or happened.
    #[cfg_attr(feature = "schemas", schemars(length(max = MOST_DAYS)))]
    pub days: BTreeMap<String, Day>,
    /// System Log events by the hour (UTC) in which they were published, such as `2026-11-27T18`; at most 168.
    pub hours: BTreeMap<String, u64>,
    /// At most 12 manifests.
    #[cfg_attr(feature = "schemas", schemars(length(max = MOST_COMMITS)))]
    pub commits: Vec<Commit>,
}

/// One day, by its date: `2026-11-27`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[serde(default)]
pub struct Day {
    /// Streams by name.
    pub streams: BTreeMap<String, StreamDay>,
    /// System Log events published on the day, by type: the 30 most frequent ones.
    pub event_types: BTreeMap<String, u64>,
    /// Events of all other types.
    pub other_events: u64,
    /// Sign-ins to Okta.
    pub sign_ins: u64,
    /// Sign-ons to apps.
    pub app_sign_ons: u64,
}

/// One stream on one day.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[serde(default)]
pub struct StreamDay {
    /// Records of the newest complete snapshot, as last known on the day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// Lines that were committed.
    pub lines: u64,
}

/// One manifest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[serde(default)]
pub struct Commit {
    /// Its number.
    pub sequence: u64,
    /// When it was made (RFC 3339, UTC).
    #[cfg_attr(feature = "schemas", schemars(extend("format" = "date-time")))]
    pub committed_at: String,
    /// The run's mode.
    pub mode: String,
    /// Its lines, by stream.
    pub streams: BTreeMap<String, Lines>,
    /// Streams of which it completed a whole snapshot.
    pub snapshots: Vec<String>,
}

/// Lines of one stream in one manifest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[serde(default)]
pub struct Lines {
    /// Records that were written.
    pub upserts: u64,
    /// Tombstones.
    pub deletes: u64,
}

impl History {
    /// Counts System Log events of a type in the hour that begins at `at`, unless it is older than the days that are
    /// kept or lies in the future.
    pub fn count_events(&mut self, at: Timestamp, event_type: &str, count: u64, now: Timestamp) {
        if !is_kept(at, now) {
            return;
        }
        *self.hours.entry(hour(at)).or_default() += count;
        let kind: String = event_type.chars().take(TYPE_CHARS).collect();
        *self
            .days
            .entry(date(at))
            .or_default()
            .event_types
            .entry(kind)
            .or_default() += count;
    }

    /// Counts use on a day (`2026-11-27`, UTC): sign-ons to apps, or sign-ins to Okta itself.
    pub fn count_use(&mut self, date: &str, is_app: bool, count: u64, now: Timestamp) {
        if date < self::date(now - days(MOST_DAYS)).as_str()
            || date > self::date(now + AHEAD).as_str()
        {
            return;
        }
        let day = self.days.entry(date.to_owned()).or_default();
        *(if is_app {
            &mut day.app_sign_ons
        } else {
            &mut day.sign_ins
        }) += count;
    }

    /// Notes a manifest that has become part of the commit log.
    pub fn note_commit(&mut self, manifest: &Manifest) {
        let mut streams: BTreeMap<String, Lines> = BTreeMap::new();
        for batch in &manifest.batches {
            let lines = streams.entry(batch.stream.to_owned()).or_default();
            lines.upserts += batch.records - batch.deletes;
            lines.deletes += batch.deletes;
        }
        let day = self
            .days
            .entry(manifest.committed_at.chars().take(10).collect())
            .or_default();
        for (stream, lines) in &streams {
            day.streams.entry(stream.clone()).or_default().lines += lines.upserts + lines.deletes;
        }
        let whole = manifest
            .snapshots
            .iter()
            .filter(|snapshot| snapshot.scope.is_none());
        self.commits.push(Commit {
            sequence: manifest.sequence,
            committed_at: manifest.committed_at.clone(),
            mode: manifest.mode.to_owned(),
            streams,
            snapshots: whole.map(|snapshot| snapshot.stream.to_owned()).collect(),
        });
    }

    /// Notes how many records a stream has today.
    pub fn note_records(&mut self, stream: &str, records: u64, now: Timestamp) {
        let day = self.days.entry(date(now)).or_default();
        day.streams.entry(stream.to_owned()).or_default().records = Some(records);
    }

    /// Adds later counts, and drops old and excess ones.
    pub fn add(&mut self, newer: Self, now: Timestamp) {
        for (hour, events) in newer.hours {
            *self.hours.entry(hour).or_default() += events;
        }
        for (date, day) in newer.days {
            self.days.entry(date).or_default().add(day);
        }
        // A history that was begun anew has these numbers once more.
        let first = newer
            .commits
            .first()
            .map_or(u64::MAX, |commit| commit.sequence);
        self.commits.retain(|commit| commit.sequence < first);
        self.commits.extend(newer.commits);
        self.trim(now);
    }

    fn trim(&mut self, now: Timestamp) {
        let (oldest_day, oldest_hour) = (
            date(now - days(MOST_DAYS - 1)),
            hour(now - hours(MOST_HOURS - 1)),
        );
        let newest = now + AHEAD;
        self.days
            .retain(|day, _| *day >= oldest_day && *day <= date(newest));
        self.hours
            .retain(|at, _| *at >= oldest_hour && *at <= hour(newest));
        while self.days.len() > MOST_DAYS {
            self.days.pop_first();
        }
        while self.hours.len() > MOST_HOURS {
            self.hours.pop_first();
        }
        self.days.values_mut().for_each(Day::trim);
        self.commits
            .drain(..self.commits.len().saturating_sub(MOST_COMMITS));
    }

    /// When a line of the stream was last committed, as far as the kept commits show.
    #[must_use]
    pub fn changed_at(&self, stream: &str) -> Option<String> {
        let newest = self
            .commits
            .iter()
            .rev()
            .find(|commit| commit.streams.contains_key(stream));
        newest.map(|commit| commit.committed_at.clone())
    }
}

impl Day {
    fn add(&mut self, newer: Self) {
        for (stream, told) in newer.streams {
            let known = self.streams.entry(stream).or_default();
            known.records = told.records.or(known.records);
            known.lines += told.lines;
        }
        for (kind, events) in newer.event_types {
            *self.event_types.entry(kind).or_default() += events;
        }
        self.other_events += newer.other_events;
        self.sign_ins += newer.sign_ins;
        self.app_sign_ons += newer.app_sign_ons;
    }

    fn trim(&mut self) {
        let mut types: Vec<_> = std::mem::take(&mut self.event_types).into_iter().collect();
        types.sort_by_key(|(_, events)| std::cmp::Reverse(*events));
        let rarer = types.split_off(types.len().min(MOST_TYPES));
        self.other_events += rarer.iter().map(|(_, events)| events).sum::<u64>();
        self.event_types = types.into_iter().collect();
    }

    /// System Log events published on the day.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.event_types.values().sum::<u64>() + self.other_events
    }
}

fn is_kept(at: Timestamp, now: Timestamp) -> bool {
    at > now - days(MOST_DAYS) && at < now + AHEAD
}

fn hours(count: usize) -> SignedDuration {
    SignedDuration::from_hours(count.try_into().unwrap_or(i64::MAX))
}

fn days(count: usize) -> SignedDuration {
    hours(24 * count)
}

/// `2026-11-27`
#[must_use]
pub fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

/// `2026-11-27T18`
#[must_use]
pub fn hour(at: Timestamp) -> String {
    rfc3339(at).chars().take(13).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::BatchEntry;
    use crate::commit::SCHEMA;
    use crate::manifest::SnapshotEntry;
    use proptest::prelude::*;
    use serde_json::Value;

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn manifest(sequence: u64, records: u64, deletes: u64) -> Manifest {
        let batch = BatchEntry {
            stream: "users",
            key: "k".into(),
            records,
            deletes,
            bytes: 1,
            sha256: "0".repeat(64),
        };
        Manifest {
            schema: SCHEMA,
            collector: "c",
            sequence,
            previous_sha256: None,
            integration: "okta".into(),
            org: "o".into(),
            owner: None,
            run: "r".into(),
            request_id: "q".into(),
            committed_at: "2026-11-27T18:00:00.000Z".into(),
            mode: "incremental",
            batches: vec![batch],
            snapshots: vec![
                SnapshotEntry {
                    stream: "users",
                    since_sequence: 1,
                    complete: true,
                    scope: None,
                    except: vec![],
                    kept_sequences: None,
                },
                SnapshotEntry {
                    stream: "groups",
                    since_sequence: 1,
                    complete: true,
                    scope: Some("00g".into()),
                    except: vec![],
                    kept_sequences: None,
                },
            ],
            ledger: Default::default(),
            gap: None,
            cursor: Value::Null,
        }
    }

    #[test]
    fn events_are_counted_by_day_hour_and_type() {
        let now = at("2026-11-27T18:30:00Z");
        let mut history = History::default();
        for (kind, time) in [
            ("a", "2026-11-27T18:01:00Z"),
            ("a", "2026-11-27T18:59:00Z"),
            ("b", "2026-11-26T00:00:00Z"),
        ] {
            history.count_events(at(time), kind, 1, now);
        }
        assert_eq!(
            history.hours,
            BTreeMap::from([("2026-11-27T18".into(), 2), ("2026-11-26T00".into(), 1)])
        );
        assert_eq!(history.days["2026-11-27"].event_types["a"], 2);
        assert_eq!(history.days["2026-11-26"].events(), 1);
    }

    #[test]
    fn times_that_are_too_old_or_lie_ahead_are_not_counted() {
        let now = at("2026-11-27T18:30:00Z");
        let mut history = History::default();
        for time in [
            "2026-10-20T18:01:00Z",
            "2999-01-01T00:00:00Z",
            "1970-01-01T00:00:00Z",
        ] {
            history.count_events(at(time), "a", 1, now);
        }
        history.count_use("2999-01-01", false, 1, now);
        assert_eq!(history, History::default());
    }

    #[test]
    fn a_commit_tells_its_lines_and_its_whole_snapshots() {
        let (now, mut history) = (at("2026-11-27T18:30:00Z"), History::default());
        let mut news = History::default();
        news.note_commit(&manifest(1, 10, 3));
        history.add(news, now);
        assert_eq!(
            history.commits[0].streams["users"],
            Lines {
                upserts: 7,
                deletes: 3
            }
        );
        assert_eq!(history.commits[0].snapshots, ["users"]);
        assert_eq!(history.days["2026-11-27"].streams["users"].lines, 10);
        assert_eq!(
            history.changed_at("users").as_deref(),
            Some("2026-11-27T18:00:00.000Z")
        );
        assert_eq!(history.changed_at("groups"), None);
    }

    #[test]
    fn a_commit_log_that_begins_anew_replaces_the_commits_of_the_old_one() {
        let (now, mut history) = (at("2026-11-27T18:30:00Z"), History::default());
        for sequence in [5, 6, 1] {
            let mut news = History::default();
            news.note_commit(&manifest(sequence, 1, 0));
            history.add(news, now);
        }
        assert_eq!(
            history
                .commits
                .iter()
                .map(|commit| commit.sequence)
                .collect::<Vec<_>>(),
            [1]
        );
    }

    proptest! {
        #[test]
        fn whatever_is_added_the_history_stays_bounded(
            runs in prop::collection::vec((0_i64..4_000, 0_usize..400, ".{0,300}"), 1..40)
        ) {
            let begin = at("2026-01-01T00:00:00Z");
            let (mut history, mut now) = (History::default(), begin);
            for (sequence, (hours, types, kind)) in runs.into_iter().enumerate() {
                now += SignedDuration::from_hours(hours % 500);
                let mut news = History::default();
                for number in 0..types {
                    let ago = SignedDuration::from_hours(i64::try_from(number).unwrap() * 3);
                    news.count_events(now - ago, &format!("{number}{kind}"), 1, now);
                }
                news.note_commit(&manifest(sequence as u64 + 1, 1, 0));
                history.add(news, now);
            }
            prop_assert!(history.days.len() <= MOST_DAYS && history.hours.len() <= MOST_HOURS);
            prop_assert!(history.commits.len() <= MOST_COMMITS);
            prop_assert!(history.days.values().all(|day| day.event_types.len() <= MOST_TYPES));
            prop_assert!(history.days.values().flat_map(|day| day.event_types.keys()).all(|kind| kind.chars().count() <= TYPE_CHARS));
        }
    }
}
