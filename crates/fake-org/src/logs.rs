//! `/api/v1/logs`: polling in the order of persistence, and bounded queries in the order of `published`.

use std::borrow::Cow;
use std::ops::Bound;

use jiff::{SignedDuration, Timestamp};

use crate::filter::Filter;
use crate::log::{Entry, Stamp};
use crate::message::Response;
use crate::org::Org;
use crate::refusal::Refusal;
use crate::routes::Call;

const KEPT_DAYS: i64 = 90;
const OLDEST_SINCE_DAYS: i64 = 180;
const DEFAULT_SINCE_DAYS: i64 = 7;
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

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
            descending: call
                .query("sortOrder")
                .is_some_and(|order| order.eq_ignore_ascii_case("descending")),
        })
    }

    fn wants(&self, entry: &Entry) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| filter.matches(&entry.value()))
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
    let Some(text) = call.query("limit") else {
        return Ok(DEFAULT_LIMIT);
    };
    text.parse()
        .map(|limit: usize| limit.min(MAX_LIMIT))
        .map_err(|_| bad_parameter("limit: must be a number from 0 to 1000"))
}

fn bad_parameter(cause: &str) -> Refusal {
    Refusal::with_causes(
        400,
        "E0000053",
        "The request contained an invalid parameter.",
        &[cause],
    )
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

/// Events that were published between `since` and `until`, in the order of `published`, on finitely many pages.
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
        if query.descending {
            high = mark
        } else {
            low = mark
        }
    }
    let range = org.log.by_published.range((low, high));
    let mut found: Box<dyn Iterator<Item = &(i64, usize)>> = if query.descending {
        Box::new(range.rev())
    } else {
        Box::new(range)
    };
    let mut texts = Vec::new();
    let mut last = None;
    while texts.len() < query.limit {
        let Some((ms, index)) = found.next() else {
            return respond(org, call, &texts, None);
        };
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
