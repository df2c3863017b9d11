//! `/api/v1/logs`: the System Log in the order in which its events were persisted.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Bound;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::clock::{at_ms, okta_time};
use crate::event::Event;
use crate::filter::Filter;
use crate::message::Response;
use crate::org::Org;
use crate::refusal::Refusal;
use crate::routes::Call;

const KEPT_DAYS: i64 = 90;
const OLDEST_SINCE_DAYS: i64 = 180;
const DEFAULT_SINCE_DAYS: i64 = 7;
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

/// When an event was persisted: milliseconds, and its ordinal among those of the same millisecond, from 1.
type Stamp = (i64, u32);

#[derive(Debug)]
struct Entry {
    stamp: Stamp,
    body: Body,
}

/// A demo's or benchmark's many events stay small until they are asked for.
#[derive(Debug)]
enum Body {
    Text(Box<str>),
    Event(Box<Event>),
}

impl Entry {
    fn text(&self) -> Cow<'_, str> {
        match &self.body {
            Body::Text(text) => Cow::Borrowed(text),
            Body::Event(event) => Cow::Owned(event.json().to_string()),
        }
    }

    fn value(&self) -> Value {
        match &self.body {
            Body::Text(text) => serde_json::from_str(text).unwrap_or_default(),
            Body::Event(event) => event.json(),
        }
    }
}

/// The System Log.
#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: Vec<Entry>,
    /// Milliseconds of `published` with the index of the entry.
    by_published: BTreeSet<(i64, usize)>,
}

impl Log {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The last event's stamp, or one that lies before every event.
    pub(crate) fn last(&self) -> Stamp {
        self.entries.last().map_or((0, 0), |entry| entry.stamp)
    }

    pub(crate) fn uuids(&self) -> Vec<String> {
        self.entries.iter().map(|entry| entry.value()["uuid"].as_str().unwrap_or_default().to_owned()).collect()
    }

    fn push(&mut self, persisted_ms: i64, published: Timestamp, body: Body) {
        let (last, ordinal) = self.last();
        let stamp = if persisted_ms > last { (persisted_ms, 1) } else { (last, ordinal + 1) };
        self.by_published.insert((published.as_millisecond(), self.entries.len()));
        self.entries.push(Entry { stamp, body });
    }

    fn first_after(&self, stamp: Stamp) -> usize {
        self.entries.partition_point(|entry| entry.stamp <= stamp)
    }
}

impl Org {
    /// Appends an event with an id, the org's actor and the current time where the event has none; nothing happens
    /// inside [`Org::silently`].
    pub fn append_event(&mut self, event: Event) {
        if let Some(event) = self.completed(event) {
            let published = event.published.unwrap_or_default();
            let body = Body::Text(event.json().to_string().into());
            let persisted = self.persisting_ms();
            self.log.push(persisted, published, body);
        }
    }

    /// As [`Org::append_event`], but the event's text is made anew whenever it is asked for.
    pub(crate) fn append_compact(&mut self, event: Event) {
        if let Some(event) = self.completed(event) {
            let published = event.published.unwrap_or_default();
            let persisted = self.persisting_ms();
            self.log.push(persisted, published, Body::Event(Box::new(event)));
        }
    }

    /// Appends an event exactly as given, whatever it lacks; `published` orders bounded queries if it is a time.
    pub fn append_raw(&mut self, event: &Value) {
        let published = event["published"].as_str().and_then(|text| text.parse().ok());
        let published = published.unwrap_or_else(|| self.now());
        let persisted = self.persisting_ms();
        self.log.push(persisted, published, Body::Text(event.to_string().into()));
    }

    /// Uuids of all events in persistence order, those no longer offered included.
    #[must_use]
    pub fn event_uuids(&self) -> Vec<String> {
        self.log.uuids()
    }

    fn completed(&mut self, mut event: Event) -> Option<Event> {
        if self.silent {
            return None;
        }
        event.published.get_or_insert(self.now());
        if event.uuid.is_none() {
            event.uuid = Some(self.ids.uuid());
        }
        if event.actor.is_none() {
            event.actor = Some(self.actor.clone());
        }
        Some(event)
    }

    fn persisting_ms(&self) -> i64 {
        self.now().as_millisecond()
    }
}

/// A request for events.
struct Query {
    since: Timestamp,
    until: Option<Timestamp>,
    after: Option<Stamp>,
    limit: usize,
    filter: Option<Filter>,
    words: Option<String>,
    descending: bool,
}

impl Query {
    fn of(org: &Org, call: &Call<'_>) -> Result<Self, Refusal> {
        let now = org.now();
        let until = call.query("until").map(time).transpose()?;
        let since = match call.query("since") {
            Some(text) => time(text)?,
            None => until.unwrap_or(now) - SignedDuration::from_hours(24 * DEFAULT_SINCE_DAYS),
        };
        if since < now - SignedDuration::from_hours(24 * OLDEST_SINCE_DAYS) {
            return Err(bad_parameter("since: must not be more than 180 days ago"));
        }
        Ok(Self {
            since,
            until,
            after: call.query("after").map(stamp).transpose()?,
            limit: limit(call)?,
            filter: call.query("filter").map(Filter::parse).transpose()?,
            words: call.query("q").map(str::to_lowercase),
            descending: call.query("sortOrder").is_some_and(|order| order.eq_ignore_ascii_case("descending")),
        })
    }

    fn wants(&self, entry: &Entry) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.matches(&entry.value()))
            && self.words.as_ref().is_none_or(|words| {
                let text = entry.text().to_lowercase();
                words.split(' ').all(|word| text.contains(word))
            })
    }
}

fn time(text: &str) -> Result<Timestamp, Refusal> {
    text.parse().map_err(|_| {
        Refusal::api(
            400,
            "E0000030",
            "Bad request. Invalid date. Dates must be of the form yyyy-MM-dd'T'HH:mm:ss.SSSZ.",
        )
    })
}

fn stamp(text: &str) -> Result<Stamp, Refusal> {
    text.split_once('_')
        .and_then(|(ms, ordinal)| Some((ms.parse().ok()?, ordinal.parse().ok()?)))
        .ok_or_else(|| bad_parameter("after: invalid cursor"))
}

fn limit(call: &Call<'_>) -> Result<usize, Refusal> {
    let Some(text) = call.query("limit") else { return Ok(DEFAULT_LIMIT) };
    text.parse()
        .map(|limit: usize| limit.min(MAX_LIMIT))
        .map_err(|_| bad_parameter("limit: must be a number from 0 to 1000"))
}

fn bad_parameter(cause: &str) -> Refusal {
    Refusal::with_causes(400, "E0000053", "The request contained an invalid parameter.", &[cause])
}

/// `GET /api/v1/logs`
pub(crate) fn list(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    let query = Query::of(org, call)?;
    if query.until.is_none() && !query.descending {
        return Ok(polled(org, call, &query));
    }
    Ok(bounded(org, call, &query))
}

/// Every event in persistence order, and always a next link.
fn polled(org: &Org, call: &Call<'_>, query: &Query) -> Response {
    let from = query.after.unwrap_or((query.since.as_millisecond(), 0));
    let from = from.max((kept_since(org).as_millisecond(), 0));
    let mut last = query.after.unwrap_or(from);
    let mut texts = Vec::new();
    for entry in &org.log.entries[org.log.first_after(from)..] {
        if texts.len() == query.limit {
            break;
        }
        last = entry.stamp;
        if query.wants(entry) {
            texts.push(entry.text());
        }
    }
    respond(org, call, &texts, Some(last))
}

/// What was published between `since` and `until`, in the order of `published`, on finitely many pages.
fn bounded(org: &Org, call: &Call<'_>, query: &Query) -> Response {
    let since = query.since.max(kept_since(org)).as_millisecond();
    let until = query.until.unwrap_or(Timestamp::MAX).as_millisecond();
    let (mut low, mut high) = (Bound::Included((since, 0)), Bound::Excluded((until, 0)));
    let beyond = query.after.is_some_and(|(ms, _)| ms < since || ms >= until);
    if since >= until || beyond {
        return respond(org, call, &[], None);
    }
    if let Some((ms, index)) = query.after {
        let mark = Bound::Excluded((ms, index as usize));
        if query.descending { high = mark } else { low = mark }
    }
    let range = org.log.by_published.range((low, high));
    let mut found: Box<dyn Iterator<Item = &(i64, usize)>> =
        if query.descending { Box::new(range.rev()) } else { Box::new(range) };
    let mut texts = Vec::new();
    let mut last = None;
    while texts.len() < query.limit {
        let Some((ms, index)) = found.next() else { return respond(org, call, &texts, None) };
        last = Some((*ms, u32::try_from(*index).unwrap_or(u32::MAX)));
        if query.wants(&org.log.entries[*index]) {
            texts.push(org.log.entries[*index].text());
        }
    }
    let next = if found.next().is_some() { last } else { None };
    respond(org, call, &texts, next)
}

fn respond(org: &Org, call: &Call<'_>, texts: &[Cow<'_, str>], next: Option<Stamp>) -> Response {
    let response = Response::json(format!("[{}]", texts.join(",")));
    let next = next.map(|(ms, ordinal)| org.next_url(call, &format!("{ms}_{ordinal}")));
    org.with_links(call, response, next)
}

fn kept_since(org: &Org) -> Timestamp {
    org.now() - SignedDuration::from_hours(24 * KEPT_DAYS)
}

impl Org {
    /// The `after` value behind the last event, as a poll that is caught up gets it.
    #[must_use]
    pub fn last_cursor(&self) -> String {
        let (ms, ordinal) = self.log.last();
        format!("{ms}_{ordinal}")
    }

    /// How many events of which `published` lies in `[since, until)`, those no longer offered included.
    #[must_use]
    pub fn events_between(&self, since: Timestamp, until: Timestamp) -> usize {
        self.log.by_published.range((since.as_millisecond(), 0)..(until.as_millisecond(), 0)).count()
    }

    pub(crate) fn time_text(&self) -> String {
        okta_time(self.now())
    }

    pub(crate) fn last_event_at(&self) -> Timestamp {
        at_ms(self.log.last().0)
    }
}
