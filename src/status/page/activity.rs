//! The page's charts of activity and use.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::super::chart::{Bar, bars, percent};
use super::super::history::{date, hour};
use super::super::words::{number, shown};
use super::super::{Day, History};
use super::NAME;

/// Hours and days that are shown.
const HOURS: i64 = 168;
const DAYS: i64 = 30;
/// Hours that a label is wide.
const LABEL_HOURS: u64 = 14;
/// Event types that are shown.
const TYPES: usize = 8;
/// Heights of the charts, in their own units.
const HOURS_HIGH: f64 = 40.0;
const DAYS_HIGH: f64 = 40.0;

/// The org's activity.
pub(super) struct Activity {
    pub(super) hours: Vec<Bar>,
    /// The days below the hours: where their labels stand, and the labels.
    pub(super) week: Vec<(u64, String)>,
    pub(super) busiest_hour: String,
    pub(super) events: String,
    pub(super) types: Vec<TypeRow>,
    pub(super) sign_ins: Vec<Bar>,
    pub(super) sign_ons: Vec<Bar>,
    pub(super) days: Vec<DayRow>,
    pub(super) is_empty: bool,
    pub(super) is_used: bool,
}

pub(super) struct TypeRow {
    pub(super) kind: String,
    pub(super) count: String,
    pub(super) percent: u64,
}

pub(super) struct DayRow {
    pub(super) date: String,
    pub(super) events: String,
    pub(super) sign_ins: String,
    pub(super) sign_ons: String,
}

pub(super) fn of(history: &History, now: Timestamp) -> Activity {
    let back = |hours: i64| now - SignedDuration::from_hours(hours);
    let hours: Vec<u64> = (0..HOURS)
        .rev()
        .map(|ago| {
            history
                .hours
                .get(&hour(back(ago)))
                .copied()
                .unwrap_or_default()
        })
        .collect();
    let dates: Vec<String> = (0..DAYS).rev().map(|ago| date(back(24 * ago))).collect();
    let days: Vec<Day> = dates
        .iter()
        .map(|date| history.days.get(date).cloned().unwrap_or_default())
        .collect();
    let (sign_ins, sign_ons): (Vec<u64>, Vec<u64>) = days
        .iter()
        .map(|day| (day.sign_ins, day.app_sign_ons))
        .unzip();
    let most_used = |used: &[u64]| used.iter().copied().max().unwrap_or_default();
    let highest = most_used(&hours);
    Activity {
        hours: bars(&hours, highest, HOURS_HIGH),
        week: week(now),
        busiest_hour: number(highest),
        events: number(hours.iter().sum()),
        types: types(&days),
        sign_ins: bars(&sign_ins, most_used(&sign_ins), DAYS_HIGH),
        sign_ons: bars(&sign_ons, most_used(&sign_ons), DAYS_HIGH),
        is_empty: days.iter().all(|day| day.events() == 0),
        is_used: sign_ins.iter().chain(&sign_ons).any(|used| *used > 0),
        days: dates
            .iter()
            .zip(&days)
            .rev()
            .map(|(date, day)| day_row(date, day))
            .collect(),
    }
}

fn day_row(date: &str, day: &Day) -> DayRow {
    DayRow {
        date: date.to_owned(),
        events: number(day.events()),
        sign_ins: number(day.sign_ins),
        sign_ons: number(day.app_sign_ons),
    }
}

/// Where each midnight of the last seven days stands among the hours, and its day.
fn week(now: Timestamp) -> Vec<(u64, String)> {
    let day = |at: u64| {
        let time =
            now - SignedDuration::from_hours(HOURS - 1 - i64::try_from(at).unwrap_or_default());
        hour(time)
            .ends_with("T00")
            .then(|| (at, time.strftime("%a %-d").to_string()))
    };
    // A label beyond this would be cut off by the chart's end.
    (0..HOURS.unsigned_abs() - LABEL_HOURS)
        .filter_map(day)
        .collect()
}

fn types(days: &[Day]) -> Vec<TypeRow> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (kind, count) in days.iter().flat_map(|day| &day.event_types) {
        *counts.entry(kind).or_default() += count;
    }
    let mut sorted: Vec<_> = counts.into_iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let highest = sorted.first().map_or(1, |(_, count)| *count);
    let row = |(kind, count): &(&str, u64)| TypeRow {
        kind: shown(kind, NAME),
        count: number(*count),
        percent: percent(*count, highest),
    };
    sorted.iter().take(TYPES).map(row).collect()
}
