//! Reading the System Log: from Okta's own cursor, a bounded piece at a time.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jiff::{SignedDuration, Timestamp};

use super::ask::{LogGap, Parked, Plan, Recalled};
use super::cursor::LogCursor;
use super::due::CLOCK_MARGIN;
use super::events::Touched;
use super::ledger::stable_hash;
use super::log_source;
use crate::authomize::rfc3339;
use crate::body::Item;
use crate::ids::Ids;
use crate::streams::{LogEvent, Stream, entry};

/// Pages of the log that are read before the jobs that follow from them.
const PAGES_A_PIECE: u32 = 50;
/// Events of a page whose request names no limit.
const DEFAULT_LIMIT: usize = 100;
/// A short page whose newest event is older than this may have more behind it.
const FRESH: SignedDuration = SignedDuration::from_secs(10);
/// Grants of the collector's own tokens, and its own reads, that are left for a later run where there is no other news.
const MOST_OWN: usize = 10;
/// How far behind the newest event the log is read again, at least, if Okta no longer knows the position.
const OVERLAP: SignedDuration = SignedDuration::from_hours(24);
/// How much further than the latest event that was ever seen.
const MARGIN: SignedDuration = SignedDuration::from_hours(1);
/// Lateness of an event beyond which it is not remembered.
const MOST_LATE_S: i64 = 30 * 24 * 3600;
/// How long Okta keeps events.
/// <https://developer.okta.com/docs/reference/system-log-query/>
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
const SAME_POSITION: &str =
    "Okta gave the position of a page of the System Log again as that of the next one";

/// The System Log of one run.
#[derive(Debug, Clone)]
pub(super) struct SystemLog {
    cursor: LogCursor,
    /// The stream whose lines events are, and where it is read.
    source: Option<(&'static Stream, &'static str)>,
    /// Whether events are written, so that those that are committed can be read back.
    is_written: bool,
    /// OAuth client of the collector itself.
    own_client: Option<String>,
    pages: u32,
    is_caught_up: bool,
    /// Left alone for the rest of the run, for this reason.
    parked: Option<Parked>,
    /// Ids of the events of this run: Okta may give one twice.
    seen: Ids,
    /// Hashes of the ids of the last page that is committed.
    last_page: HashSet<u64>,
    /// Events to leave out while the log is read again.
    recalled: Option<Recalled>,
    gap: Option<LogGap>,
    /// Events of the collector alone, and the position behind them.
    own: Option<(Vec<Item>, Option<String>, Timestamp)>,
    pub(super) touched: Touched,
}

/// An absorbed page.
#[derive(Debug, Clone, Default)]
pub(super) struct LogPage {
    /// Events to be written, of one answer each.
    pub(super) written: Vec<(Vec<Item>, Timestamp)>,
    /// Events that are news, with what the engine reads of them.
    pub(super) news: Vec<(Item, Option<LogEvent>)>,
}

impl SystemLog {
    /// The log from a cursor on.
    pub(super) fn new(cursor: LogCursor, plan: &Plan) -> Self {
        let source = log_source();
        let is_written = source
            .is_some_and(|(stream, _)| plan.streams.iter().any(|other| other.name == stream.name));
        Self {
            last_page: unpacked(cursor.last_page.as_deref().unwrap_or_default()),
            cursor,
            source: source.filter(|_| plan.reads_log),
            is_written,
            own_client: plan.own_client.clone(),
            pages: 0,
            is_caught_up: false,
            parked: None,
            seen: Ids::default(),
            recalled: None,
            gap: None,
            own: None,
            touched: Touched::default(),
        }
    }

    /// A function that was off for longer than Okta keeps events has lost some: the gap is told, and every snapshot is
    /// due. Whether that is so.
    pub(super) fn note_gap(&mut self, now: Timestamp) -> bool {
        let oldest = now - KEPT;
        let lost_since = self.cursor.read_at.filter(|read_at| *read_at < oldest);
        let (Some(read_at), Some((_, first))) = (lost_since, self.source) else {
            return false;
        };
        self.gap = Some(LogGap {
            from: read_at,
            to: oldest,
        });
        self.cursor.next = Some(since(first, oldest));
        self.cursor.replay_since = None;
        true
    }

    pub(super) fn cursor(&self) -> &LogCursor {
        &self.cursor
    }

    pub(super) fn gap(&self) -> Option<LogGap> {
        self.gap
    }

    pub(super) fn parked(&self) -> Option<&Parked> {
        self.parked.as_ref()
    }

    pub(super) fn has_more(&self) -> bool {
        self.source.is_some() && self.parked.is_none() && !self.is_caught_up
    }

    /// Whether more is known to come, in this run or, where a limit or trouble ended the reading, in a later one.
    pub(super) fn is_behind(&self) -> bool {
        self.source.is_some() && !self.is_caught_up
    }

    /// Whether what was read so far may be acted upon: all of it is read, or a piece.
    pub(super) fn rests(&self) -> bool {
        !self.has_more() || self.pages >= PAGES_A_PIECE
    }

    /// Lets another piece be read.
    pub(super) fn begin_piece(&mut self) {
        self.pages = 0;
    }

    /// Asks for what is new since it was last caught up.
    pub(super) fn begin_again(&mut self) {
        (self.pages, self.is_caught_up) = (0, false);
    }

    /// Since when the committed events must be known before the log is read on: no event is committed before Okta
    /// has stored it, which is what `since` goes by.
    pub(super) fn wants_recall(&self) -> Option<Timestamp> {
        let since = self
            .cursor
            .replay_since
            .filter(|_| self.recalled.is_none() && self.has_more());
        since.map(|since| since - CLOCK_MARGIN)
    }

    pub(super) fn recalled(&mut self, recalled: Recalled) {
        self.recalled = Some(recalled);
    }

    /// Path and query of the next page; `None` if none is to be read now. `begins_at`: where a log without a position
    /// begins.
    pub(super) fn next(&mut self, begins_at: Timestamp) -> Option<String> {
        let (_, first) = self.source?;
        if self.rests() || self.wants_recall().is_some() {
            return None;
        }
        let ahead = self.own.as_ref().and_then(|(_, next, _)| next.clone());
        let next = ahead.or_else(|| self.cursor.next.clone());
        Some(next.unwrap_or_else(|| since(first, begins_at)))
    }

    /// Notes that a page was asked for.
    pub(super) fn sent(&mut self) {
        self.pages += 1;
    }

    /// Leaves the log alone for the rest of the run.
    pub(super) fn park(&mut self, why: Parked) {
        self.parked = Some(why);
    }

    /// Okta no longer knows the position: the log is read again from as far before the newest event as late ones were
    /// seen, and at least from [`OVERLAP`], without the events that are committed. Those that are not are committed first.
    pub(super) fn read_again(&mut self, begins_at: Timestamp, now: Timestamp) {
        let Some((_, path)) = self.source else { return };
        let newest = self.cursor.newest_published;
        let late = SignedDuration::from_secs(self.cursor.latest_s);
        let from = newest.unwrap_or(begins_at).min(now) - OVERLAP.max(late + MARGIN);
        tracing::warn!(%from, "Okta no longer knows the position in the System Log: it is read again from there");
        self.cursor.next = Some(since(path, from));
        self.cursor.replay_since = Some(from);
        (self.recalled, self.own, self.seen) = (None, None, Ids::default());
        if !self.is_written {
            // Their use is counted, and they are written nowhere: what is not newer counts as known.
            self.recalled = Some(Recalled {
                uuids: Ids::default(),
                known_until: newest,
            });
        }
    }

    /// Takes a page that was asked for by `asked`.
    pub(super) fn page(
        &mut self,
        asked: &str,
        (sent_at, now): (Timestamp, Timestamp),
        events: Vec<Item>,
        next: Option<String>,
    ) -> LogPage {
        let limit = limit_of(asked)
            .unwrap_or(DEFAULT_LIMIT)
            .min(next.as_deref().and_then(limit_of).unwrap_or(usize::MAX));
        let entries: Vec<_> = events.iter().map(|event| entry(event)).collect();
        let newest = newest_of(&entries);
        let (is_short, count) = (events.len() < limit, events.len());
        let is_own = count > 0
            && is_short
            && count < MOST_OWN
            && entries.iter().all(|entry| self.is_own(entry.as_ref()));
        let is_fresh = newest.is_none_or(|newest| newest >= now - FRESH);
        self.is_caught_up = count == 0 || next.is_none() || is_short && (is_fresh || is_own);
        if is_own && self.own.is_none() {
            // Read again with the first event that is news.
            self.own = Some((events, next, sent_at));
            return LogPage::default();
        }
        if count > 0 && next.as_deref() == Some(asked) {
            self.park(Parked::Failed(SAME_POSITION.to_owned()));
        }
        let mut page = LogPage::default();
        if count > 0 {
            page.written.extend(self.flush());
        } else if self.own.is_some() {
            return page;
        }
        self.note_lateness(&entries);
        let has_position = next.is_some() || count == 0;
        page.news = self.take(events, entries, next, newest, sent_at);
        if self.is_caught_up {
            (self.cursor.replay_since, self.recalled) = (None, None);
        }
        if !has_position {
            // Okta always gives one; without it the same events would come again.
            self.read_again(sent_at, sent_at);
        }
        page
    }

    /// Moves the position behind a page; gives the events that are neither committed nor read in this run.
    fn take(
        &mut self,
        events: Vec<Item>,
        entries: Vec<Option<LogEvent>>,
        next: Option<String>,
        newest: Option<Timestamp>,
        sent_at: Timestamp,
    ) -> Vec<(Item, Option<LogEvent>)> {
        self.cursor.newest_published = self.cursor.newest_published.max(newest);
        self.cursor.read_at = Some(sent_at);
        self.cursor.next = next.or_else(|| self.cursor.next.take());
        let hashes: HashSet<u64> = entries
            .iter()
            .flatten()
            .map(|entry| stable_hash(entry.id.as_bytes()))
            .collect();
        let mut is_new = |entry: &Option<LogEvent>| {
            let Some(entry) = entry else { return true };
            let is_committed = self
                .recalled
                .as_ref()
                .is_some_and(|recalled| recalled.knows(entry));
            let is_repeated = self.seen.has(&entry.id)
                || self.last_page.contains(&stable_hash(entry.id.as_bytes()));
            self.seen.add(&entry.id);
            !is_committed && !is_repeated
        };
        let new = events
            .into_iter()
            .zip(entries)
            .filter(|(_, entry)| is_new(entry))
            .collect();
        if !hashes.is_empty() {
            self.cursor.last_page = Some(packed(&hashes));
            self.last_page = hashes;
        }
        new
    }

    /// Notes how late events were stored.
    fn note_lateness(&mut self, entries: &[Option<LogEvent>]) {
        let mut newest = self.cursor.newest_published;
        for published in entries.iter().flatten().filter_map(|entry| entry.published) {
            if let Some(before) = newest {
                let late = before.duration_since(published).as_secs();
                self.cursor.latest_s = self.cursor.latest_s.max(late).min(MOST_LATE_S);
            }
            newest = newest.max(Some(published));
        }
    }

    /// The collector's own events, which are written together with news.
    pub(super) fn flush(&mut self) -> Option<(Vec<Item>, Timestamp)> {
        let (events, next, sent_at) = self.own.take()?;
        let entries: Vec<_> = events.iter().map(|event| entry(event)).collect();
        let newest = newest_of(&entries);
        let new = self.take(events, entries, next, newest, sent_at);
        let items: Vec<_> = new.into_iter().map(|(item, _)| item).collect();
        (!items.is_empty()).then_some((items, sent_at))
    }

    /// Whether an event only tells that the collector was granted a token, or has read something.
    fn is_own(&self, entry: Option<&LogEvent>) -> bool {
        entry.is_some_and(|entry| entry.is_traffic_of(self.own_client.as_deref()))
    }

    /// Notes that what was read is committed.
    pub(super) fn committed(&mut self) {
        self.gap = None;
    }
}

impl Recalled {
    fn knows(&self, entry: &LogEvent) -> bool {
        let is_old = entry
            .published
            .is_some_and(|published| Some(published) <= self.known_until);
        is_old || self.uuids.has(&entry.id)
    }
}

fn newest_of(entries: &[Option<LogEvent>]) -> Option<Timestamp> {
    entries
        .iter()
        .flatten()
        .filter_map(|entry| entry.published)
        .max()
}

/// Hashes as the cursor keeps them.
fn packed(hashes: &HashSet<u64>) -> String {
    let mut hashes: Vec<_> = hashes.iter().copied().collect();
    hashes.sort_unstable();
    let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.to_be_bytes()).collect();
    STANDARD_NO_PAD.encode(bytes)
}

fn unpacked(text: &str) -> HashSet<u64> {
    let bytes = STANDARD_NO_PAD.decode(text).unwrap_or_default();
    let (hashes, _) = bytes.as_chunks::<8>();
    hashes
        .iter()
        .map(|hash| u64::from_be_bytes(*hash))
        .collect()
}

/// The log from a time on.
fn since(path: &str, time: Timestamp) -> String {
    format!("{path}&since={}", rfc3339(time).replace(':', "%3A"))
}

/// The `limit` of a path's query.
fn limit_of(path: &str) -> Option<usize> {
    let query = path.split_once('?')?.1;
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("limit="))
        .and_then(|limit| limit.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_the_querys_own() {
        assert_eq!(limit_of("/api/v1/logs?after=1_1&limit=1000"), Some(1000));
        assert_eq!(limit_of("/api/v1/logs?xlimit=5"), None);
        assert_eq!(limit_of("/api/v1/logs"), None);
    }
}
