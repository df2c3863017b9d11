//! The status as a page: HTML and inline SVG in one file, no script, nothing from elsewhere.
//!
//! The template escapes every value; [`shown`] keeps texts of anybody's making within bounds.

mod activity;
mod cases;
mod streams;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::chart::percent;
use super::words::{ago, moment, number, shown, span};
use super::{Limit, Loads, State, Status};
use activity::Activity;
use streams::Row;

/// Longest name or single word, in graphemes.
const NAME: usize = 120;
/// Longest sentence, in graphemes.
const SENTENCE: usize = 1_500;
/// Commits that are shown.
const COMMITS: usize = 10;

const STYLE: &str = include_str!("../../../templates/status.css");

#[derive(Template)]
#[template(path = "status.html")]
struct Page {
    style: &'static str,
    style_hash: String,
    name: String,
    state: &'static str,
    headline: String,
    summary: String,
    facts: Vec<Fact>,
    error: Option<(String, String)>,
    progress_percent: Option<u8>,
    rows: Vec<Row>,
    activity: Activity,
    limits: Vec<LimitRow>,
    requests: String,
    waited: Option<String>,
    commits: Vec<CommitRow>,
    loads: Option<LoadsView>,
    cases: Option<cases::Cases>,
    updated: Moment,
    collector: String,
}

/// A line of the head.
struct Fact {
    term: &'static str,
    value: String,
}

/// A time, for people and for programs.
#[derive(Clone, Default)]
struct Moment {
    /// RFC 3339, empty where there is no time.
    at: String,
    words: String,
    /// How long before the page was written.
    ago: String,
}

struct LimitRow {
    paths: String,
    limit: String,
    own: String,
    others: String,
    remaining: String,
    own_percent: u64,
    used_percent: u64,
}

struct CommitRow {
    sequence: u64,
    at: Moment,
    mode: String,
    changes: String,
    /// `None` without any, however their names look.
    snapshots: Option<String>,
}

struct LoadsView {
    words: String,
    items: Vec<(String, String)>,
    held: Vec<String>,
    refused: Option<String>,
    waiting: Option<String>,
}

/// Renders the page.
pub(super) fn html(status: &Status) -> String {
    let now = status.updated_at.parse().unwrap_or_default();
    let page = page(status, now);
    page.render().expect(
        "writing into a string fails only where a value does, and all are strings and numbers",
    )
}

fn page(status: &Status, now: Timestamp) -> Page {
    let state = status.told_state();
    Page {
        style: STYLE,
        style_hash: STANDARD.encode(Sha256::digest(STYLE)),
        name: if status.name.is_empty() {
            shown(&status.integration, NAME)
        } else {
            shown(&status.name, NAME)
        },
        state: word(state),
        headline: headline(status, state),
        summary: summary(status, state),
        facts: facts(status, now),
        error: status
            .error
            .as_ref()
            .map(|error| (shown(&error.kind, NAME), shown(&error.message, SENTENCE))),
        progress_percent: status.progress_percent.filter(|_| state == State::Syncing),
        rows: streams::rows(status, now),
        activity: activity::of(&status.history, now),
        limits: status.limits.iter().map(limit).collect(),
        requests: counted(status.okta.requests, "request"),
        waited: (status.okta.throttled_ms >= 1_000).then(|| {
            span(SignedDuration::from_millis(
                status.okta.throttled_ms.try_into().unwrap_or(i64::MAX),
            ))
        }),
        commits: commits(status, now),
        loads: loads(status, now),
        cases: cases::of(status, now),
        updated: moment_of(Some(&status.updated_at), now),
        collector: shown(&status.collector, NAME),
    }
}

fn word(state: State) -> &'static str {
    match state {
        State::NeverRun => "never",
        State::Connected => "connected",
        State::Syncing => "syncing",
        State::Degraded => "degraded",
        State::Failed => "failed",
    }
}

fn headline(status: &Status, state: State) -> String {
    match (state, status.progress_percent) {
        (State::NeverRun, _) => "Never run".to_owned(),
        (State::Connected, _) => "Connected".to_owned(),
        (State::Syncing, Some(percent)) => format!("Syncing, {percent} %"),
        (State::Syncing, None) => "Syncing".to_owned(),
        (State::Degraded, _) => "Degraded".to_owned(),
        (State::Failed, _) => "Failed".to_owned(),
    }
}

fn summary(status: &Status, state: State) -> String {
    match state {
        State::NeverRun if status.mode == "check" => {
            "The credentials were checked, and nothing has been collected yet.".to_owned()
        }
        State::NeverRun => "Nothing has been collected yet.".to_owned(),
        State::Connected => format!(
            "Everything that was to be had is committed, up to manifest {}.",
            status.sequence
        ),
        State::Syncing => {
            let wait = status.retry_after_seconds.filter(|wait| *wait > 0);
            let wait = wait.map(|wait| {
                format!(
                    " Okta's rate limit lets the next run go on in {}.",
                    span(SignedDuration::from_secs(wait))
                )
            });
            let what = if status.progress_percent.is_some() {
                "A snapshot is"
            } else {
                "The newest changes are"
            };
            format!(
                "{what} being read; the next runs go on by themselves.{}",
                wait.unwrap_or_default()
            )
        }
        State::Degraded => troubled(status),
        State::Failed => {
            "The last run could not go on. What was committed before stands.".to_owned()
        }
    }
}

/// The streams that are in trouble.
fn troubled(status: &Status) -> String {
    let troubled: Vec<_> = status
        .streams
        .iter()
        .filter(|(_, stream)| streams::is_trouble(&stream.outcome))
        .map(|(name, _)| name)
        .collect();
    let names = troubled.iter().take(6).map(|name| streams::title(name));
    let names: Vec<_> = names.collect();
    let more = if troubled.len() > 6 { ", …" } else { "" };
    let verb = if troubled.len() == 1 { "needs" } else { "need" };
    format!(
        "{} of {} streams {verb} attention: {}{more}. The others go on.",
        troubled.len(),
        status.streams.len(),
        names.join(", ")
    )
}

fn facts(status: &Status, now: Timestamp) -> Vec<Fact> {
    let success = moment_of(status.last_success_at.as_deref(), now);
    let behind = match status.activity_lag_seconds {
        0 => "up to date".to_owned(),
        lag => format!("{} behind", span(SignedDuration::from_secs(lag))),
    };
    let domain = status
        .org
        .as_deref()
        .map(|org| shown(org.trim_start_matches("https://"), NAME));
    let collected = status.sequence > 0;
    let facts = [
        ("Okta org", domain),
        (
            "Owner",
            status.owner.as_deref().map(|owner| shown(owner, NAME)),
        ),
        (
            "Signs in with",
            Some(shown(&status.signs_in_with, NAME)).filter(|how| !how.is_empty()),
        ),
        (
            "Last success",
            Some(if success.at.is_empty() {
                "never".to_owned()
            } else {
                success.ago
            }),
        ),
        ("System Log", Some(behind).filter(|_| collected)),
        (
            "Newest manifest",
            collected.then(|| number(status.sequence)),
        ),
    ];
    facts
        .into_iter()
        .filter_map(|(term, value)| {
            Some(Fact {
                term,
                value: value?,
            })
        })
        .collect()
}

fn limit(told: &Limit) -> LimitRow {
    let used = told.limit.saturating_sub(told.remaining);
    LimitRow {
        paths: shown(&told.paths, NAME),
        limit: number(told.limit.into()),
        own: number(told.own.into()),
        others: number(used.saturating_sub(told.own).into()),
        remaining: number(told.remaining.into()),
        own_percent: percent(told.own.into(), told.limit.into()),
        used_percent: percent(used.max(told.own).into(), told.limit.into()),
    }
}

fn commits(status: &Status, now: Timestamp) -> Vec<CommitRow> {
    let row = |commit: &super::Commit| {
        let change = |(name, lines): (&String, &super::Lines)| {
            let deletes = if lines.deletes > 0 {
                format!(" −{}", number(lines.deletes))
            } else {
                String::new()
            };
            format!(
                "{} +{}{deletes}",
                streams::title(name),
                number(lines.upserts)
            )
        };
        let snapshots: Vec<_> = commit
            .snapshots
            .iter()
            .take(20)
            .map(|name| streams::title(name))
            .collect();
        CommitRow {
            sequence: commit.sequence,
            at: moment_of(Some(&commit.committed_at), now),
            mode: shown(&commit.mode, NAME),
            changes: commit
                .streams
                .iter()
                .take(20)
                .map(change)
                .collect::<Vec<_>>()
                .join(", "),
            snapshots: (!snapshots.is_empty()).then(|| snapshots.join(", ")),
        }
    };
    status
        .history
        .commits
        .iter()
        .rev()
        .take(COMMITS)
        .map(row)
        .collect()
}

fn loads(status: &Status, now: Timestamp) -> Option<LoadsView> {
    let loads = status.loads.as_ref()?;
    let at = moment_of(loads.loaded_at.as_deref(), now);
    let words = match at.at.is_empty() {
        true => "No load is finished yet.".to_owned(),
        false => format!(
            "Authomize holds manifest {}, loaded {} ({}).",
            number(loads.sequence),
            at.ago,
            shown(&loads.outcome, NAME)
        ),
    };
    Some(LoadsView {
        words,
        items: loads
            .items
            .iter()
            .take(30)
            .map(|(kind, items)| (streams::title(kind), number(*items)))
            .collect(),
        held: loads
            .held
            .iter()
            .take(20)
            .map(|why| shown(why, SENTENCE))
            .collect(),
        refused: (loads.refused_total > 0).then(|| counted(loads.refused_total, "item")),
        waiting: waiting(loads, now),
    })
}

/// Deletions that wait.
fn waiting(loads: &Loads, now: Timestamp) -> Option<String> {
    let waiting = counted(loads.removals_pending, "item");
    let due = moment_of(loads.purge_due_at.as_deref(), now).words;
    let due = match loads.held.is_empty() && !due.is_empty() {
        true => format!(", to be deleted by the first load after {due}"),
        false => String::new(),
    };
    (loads.removals_pending > 0)
        .then(|| format!("{waiting} that Okta no longer has: still in Authomize{due}."))
}

fn moment_of(at: Option<&str>, now: Timestamp) -> Moment {
    let Some(time) = at.and_then(|at| at.parse::<Timestamp>().ok()) else {
        return Moment::default();
    };
    Moment {
        at: crate::authomize::rfc3339(time),
        words: moment(time),
        ago: ago(time, now),
    }
}

fn counted(count: u64, word: &str) -> String {
    format!(
        "{} {word}{}",
        number(count),
        if count == 1 { "" } else { "s" }
    )
}
