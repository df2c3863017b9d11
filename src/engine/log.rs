//! Reading the System Log: from Okta's own cursor, a bounded piece at a time.

use jiff::{SignedDuration, Timestamp};

use super::ask::{Answer, LogGap, Parked, Recalled};
use super::cursor::LogCursor;
use super::events::Touched;
use super::harvest::Harvest;
use super::job::Scope;
use super::snapshots;
use super::swept::CLOCK_MARGIN;
use super::work::Work;
use crate::authomize::rfc3339;
use crate::body::Item;
use crate::ids::Ids;
use crate::streams::{LogEvent, STREAMS, Source, Stream, entry};

/// Pages of the log that are read before the jobs that follow from them.
const PAGES_A_PIECE: u32 = 50;
/// Events of a page whose request names no limit.
const DEFAULT_LIMIT: usize = 100;
/// A short page whose newest event is older than this may have more behind it.
const FRESH: SignedDuration = SignedDuration::from_secs(10);
/// Grants of the collector's own tokens, and its own reads, that are left for a later run where there is no other news.
const MOST_OWN: usize = 10;
/// How far behind the newest event the log is read again where Okta no longer knows the position.
const OVERLAP: SignedDuration = SignedDuration::from_hours(2);
/// How long Okta keeps events.
/// <https://developer.okta.com/docs/reference/system-log-query/>
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
const SAME_POSITION: &str =
    "Okta gave the position of a page of the System Log again as that of the next one";
const NO_LOG: &str =
    "Okta has no System Log at this address: check that the secret's domain is an Okta org";

/// The System Log of one run.
#[derive(Debug)]
pub(super) struct SystemLog {
    cursor: LogCursor,
    /// The stream whose lines events are, and where it is read.
    source: Option<(&'static Stream, &'static str)>,
    pages: u32,
    is_caught_up: bool,
    /// Left alone for the rest of the run, for this reason.
    parked: Option<Parked>,
    /// Ids of the events of this run: Okta may tell one twice.
    seen: Ids,
    /// Events to leave out while the log is read again.
    recalled: Option<Recalled>,
    gap: Option<LogGap>,
    /// Events of the collector alone, and the position behind them.
    own: Option<(Vec<Item>, Option<String>, Timestamp)>,
    touched: Touched,
}

impl SystemLog {
    /// The log from a cursor on. A function that was off for longer than Okta keeps events has lost some: the loss is
    /// told, and every snapshot is due.
    pub(super) fn new(work: &mut Work, cursor: LogCursor, now: Timestamp) -> Self {
        let source = STREAMS.iter().find_map(|stream| match stream.source {
            Source::SystemLog { path } => Some((*stream, path)),
            _ => None,
        });
        let mut log = Self {
            cursor,
            source: source.filter(|_| work.plan.reads_log),
            pages: 0,
            is_caught_up: false,
            parked: None,
            seen: Ids::default(),
            recalled: None,
            gap: None,
            own: None,
            touched: Touched::default(),
        };
        log.note_gap(work, now);
        log
    }

    fn note_gap(&mut self, work: &mut Work, now: Timestamp) {
        let oldest = now - KEPT;
        let lost_since = self.cursor.read_at.filter(|read_at| *read_at < oldest);
        let (Some(read_at), Some((_, first))) = (lost_since, self.source) else {
            return;
        };
        self.gap = Some(LogGap {
            from: read_at,
            to: oldest,
        });
        self.cursor.next = Some(since(first, oldest));
        self.cursor.replay_since = None;
        for stream in work
            .plan
            .streams
            .clone()
            .into_iter()
            .filter(|stream| !stream.listings().is_empty())
        {
            let progress = work.progress_mut(stream.name);
            progress.asked |= progress.open.is_none();
        }
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

    /// Path and query of the next page; `None` where none is to be read now.
    pub(super) fn next(&mut self, work: &Work, now: Timestamp) -> Option<String> {
        let (_, first) = self.source?;
        if self.rests() || self.wants_recall().is_some() {
            return None;
        }
        let ahead = self.own.as_ref().and_then(|(_, next, _)| next.clone());
        let next = ahead.or_else(|| self.cursor.next.clone());
        Some(next.unwrap_or_else(|| since(first, snapshots::log_begins_at(work, now))))
    }

    /// Notes that a page was asked for.
    pub(super) fn sent(&mut self) {
        self.pages += 1;
    }

    pub(super) fn absorb(
        &mut self,
        work: &mut Work,
        asked: &str,
        sent_at: Timestamp,
        answer: Answer,
        now: Timestamp,
    ) -> Vec<Harvest> {
        let Some((stream, path)) = self.source else {
            return Vec::new();
        };
        let why = match answer {
            Answer::Page { body, next } => match body.items() {
                Ok(events) => {
                    return self.page(work, stream, path, (asked, sent_at, now), events, next);
                }
                Err(error) => Parked::Failed(error),
            },
            Answer::Expired => {
                self.read_again(work, path, now);
                return Vec::new();
            }
            Answer::Limited { retry_after_s } => {
                work.park_limited(stream.name, retry_after_s);
                Parked::Limited
            }
            Answer::Dropped => return Vec::new(),
            Answer::Unavailable { error } => Parked::Unavailable(error),
            Answer::NotApplicable { error } => Parked::NotApplicable(error),
            Answer::Failed { error } | Answer::Refused { error } => Parked::Failed(error),
            Answer::Gone => Parked::Failed(NO_LOG.to_owned()),
        };
        self.parked = Some(why);
        Vec::new()
    }

    /// Okta no longer knows the position: the log is read again from a little before the newest event, without the
    /// events that are committed. Those that are not are committed first.
    fn read_again(&mut self, work: &Work, path: &str, now: Timestamp) {
        let newest = self
            .cursor
            .newest_published
            .unwrap_or_else(|| snapshots::log_begins_at(work, now));
        let from = newest.min(now) - OVERLAP;
        self.cursor.next = Some(since(path, from));
        self.cursor.replay_since = Some(from);
        (self.recalled, self.own, self.seen) = (None, None, Ids::default());
    }

    fn page(
        &mut self,
        work: &mut Work,
        stream: &'static Stream,
        path: &str,
        (asked, sent_at, now): (&str, Timestamp, Timestamp),
        events: Vec<Item>,
        next: Option<String>,
    ) -> Vec<Harvest> {
        let limit = limit_of(asked)
            .unwrap_or(DEFAULT_LIMIT)
            .min(next.as_deref().and_then(limit_of).unwrap_or(usize::MAX));
        let entries: Vec<_> = events.iter().map(|event| entry(event)).collect();
        let newest = newest_of(&entries);
        let (is_short, count) = (events.len() < limit, events.len());
        let is_own = count > 0
            && is_short
            && count < MOST_OWN
            && entries.iter().all(|entry| is_own(work, entry.as_ref()));
        let is_fresh = newest.is_none_or(|newest| newest >= now - FRESH);
        self.is_caught_up = count == 0 || next.is_none() || is_short && (is_fresh || is_own);
        if is_own && self.own.is_none() {
            // Read again with the first event that is news.
            self.own = Some((events, next, sent_at));
            return Vec::new();
        }
        if count > 0 && next.as_deref() == Some(asked) {
            self.parked = Some(Parked::Failed(SAME_POSITION.to_owned()));
        }
        let mut harvests: Vec<_> = if count == 0 {
            Vec::new()
        } else {
            self.flush(work).into_iter().collect()
        };
        if count == 0 && self.own.is_some() {
            return harvests;
        }
        self.cursor.newest_published = self.cursor.newest_published.max(newest);
        self.cursor.read_at = Some(sent_at);
        let has_position = next.is_some() || count == 0;
        self.cursor.next = next.or_else(|| self.cursor.next.take());
        let (new, entries) = self.news(events, entries);
        if self.is_caught_up {
            (self.cursor.replay_since, self.recalled) = (None, None);
        }
        if !has_position {
            // Okta always gives one; without it the same events would come again.
            self.read_again(work, path, sent_at);
        }
        let read = new
            .iter()
            .zip(&entries)
            .filter_map(|(raw, entry)| Some((&**raw, entry.as_ref()?)));
        self.touched.mark(work, &read.collect::<Vec<_>>(), sent_at);
        harvests.extend(work.harvest(stream, &Scope::Whole, None, sent_at, new));
        harvests
    }

    /// The events that are neither committed nor read in this run.
    fn news(
        &mut self,
        events: Vec<Item>,
        entries: Vec<Option<LogEvent>>,
    ) -> (Vec<Item>, Vec<Option<LogEvent>>) {
        let mut is_new = |entry: &Option<LogEvent>| {
            let Some(entry) = entry else { return true };
            let is_committed = self
                .recalled
                .as_ref()
                .is_some_and(|recalled| recalled.knows(entry));
            let is_repeated = self.seen.has(&entry.id);
            self.seen.add(&entry.id);
            !is_committed && !is_repeated
        };
        events
            .into_iter()
            .zip(entries)
            .filter(|(_, entry)| is_new(entry))
            .unzip()
    }

    /// The collector's own events, which are written together with news.
    pub(super) fn flush(&mut self, work: &mut Work) -> Option<Harvest> {
        let (events, next, sent_at) = self.own.take()?;
        let (stream, _) = self.source?;
        let entries: Vec<_> = events.iter().map(|event| entry(event)).collect();
        let newest = newest_of(&entries);
        self.cursor.newest_published = self.cursor.newest_published.max(newest);
        self.cursor.read_at = Some(sent_at);
        self.cursor.next = next.or_else(|| self.cursor.next.take());
        let (new, _) = self.news(events, entries);
        work.harvest(stream, &Scope::Whole, None, sent_at, new)
    }

    /// Notes that what was read is committed.
    pub(super) fn committed(&mut self) {
        self.gap = None;
    }
}

/// Whether an event only tells that the collector was granted a token, or has read something.
fn is_own(work: &Work, entry: Option<&LogEvent>) -> bool {
    entry.is_some_and(|entry| entry.is_traffic_of(work.plan.own_client.as_deref()))
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
    let read = entries.iter().flatten();
    read.filter_map(|entry| entry.published).max()
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
