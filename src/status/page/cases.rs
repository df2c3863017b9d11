//! What the watch has found: open cases, the newest of them, and how many opened and closed by day.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::super::chart::{Bar, bars};
use super::super::history::date;
use super::super::words::{number, shown};
use super::super::{CaseDay, NewCase, Status};
use super::{Moment, NAME, SENTENCE, counted, moment_of};

/// Days that are shown.
const DAYS: i64 = 30;
/// Height of a chart, in its own units.
const HIGH: f64 = 40.0;
/// Cases that are shown.
const NEWEST: usize = 10;
/// The severities, worst first.
const SEVERITIES: [&str; 5] = ["critical", "high", "medium", "low", "info"];

pub(super) struct Cases {
    pub(super) words: String,
    pub(super) severities: Vec<(String, String, &'static str)>,
    pub(super) newest: Vec<CaseRow>,
    pub(super) opened: Vec<Bar>,
    pub(super) closed: Vec<Bar>,
    pub(super) days: Vec<DayRow>,
}

pub(super) struct CaseRow {
    pub(super) severity: &'static str,
    pub(super) title: String,
    pub(super) name: String,
    pub(super) since: Moment,
}

pub(super) struct DayRow {
    pub(super) date: String,
    pub(super) opened: String,
    pub(super) closed: String,
}

pub(super) fn of(status: &Status, now: Timestamp) -> Option<Cases> {
    let found = status.findings.as_ref()?;
    let severities = SEVERITIES.iter().filter_map(|severity| {
        let count = found.severities.get(*severity)?;
        Some((shown(severity, NAME), number(*count), *severity))
    });
    let days = by_day(&found.days, now);
    let (opened, closed): (Vec<u64>, Vec<u64>) =
        days.iter().map(|day| (day.opened, day.closed)).unzip();
    // One scale for both, so that they can be compared.
    let most = opened
        .iter()
        .chain(&closed)
        .copied()
        .max()
        .unwrap_or_default();
    let chart = |counts: &[u64]| {
        if most == 0 {
            Vec::new()
        } else {
            bars(counts, most, HIGH)
        }
    };
    Some(Cases {
        words: words(status, now),
        severities: severities.collect(),
        newest: found
            .newest
            .iter()
            .take(NEWEST)
            .map(|case| row(case, now))
            .collect(),
        opened: chart(&opened),
        closed: chart(&closed),
        days: days
            .iter()
            .rev()
            .filter(|day| day.opened + day.closed > 0)
            .map(day_row)
            .collect(),
    })
}

fn words(status: &Status, now: Timestamp) -> String {
    let found = status.findings.clone().unwrap_or_default();
    let made = moment_of(found.made_at.as_deref(), now);
    let accepted = match found.accepted {
        0 => String::new(),
        some => format!(" Accepted: {}.", counted(some, "case")),
    };
    format!(
        "Open cases as of manifest {}, looked at {}.{accepted}",
        number(found.sequence),
        made.ago
    )
}

fn row(case: &NewCase, now: Timestamp) -> CaseRow {
    let severity = SEVERITIES
        .into_iter()
        .find(|severity| *severity == case.severity);
    CaseRow {
        severity: severity.unwrap_or("info"),
        title: shown(&case.title, SENTENCE),
        name: shown(&case.name, NAME),
        since: moment_of(Some(&case.first_seen), now),
    }
}

/// A day each, the oldest first; unknown days have none.
fn by_day(told: &[CaseDay], now: Timestamp) -> Vec<CaseDay> {
    let known: BTreeMap<&str, &CaseDay> = told.iter().map(|day| (day.day.as_str(), day)).collect();
    let dates = (0..DAYS)
        .rev()
        .map(|ago| date(now - SignedDuration::from_hours(24 * ago)));
    dates
        .map(|date| match known.get(date.as_str()) {
            Some(day) => (*day).clone(),
            None => CaseDay {
                day: date,
                ..CaseDay::default()
            },
        })
        .collect()
}

fn day_row(day: &CaseDay) -> DayRow {
    DayRow {
        date: day.day.clone(),
        opened: number(day.opened),
        closed: number(day.closed),
    }
}
