//! The System Log as it is kept: events in the order in which they were persisted.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use crate::clock::okta_time;
use crate::event::Event;
use crate::org::Org;

/// When an event was persisted: milliseconds, and its ordinal among those of the same millisecond, from 1.
pub(crate) type Stamp = (i64, u32);

/// One event and when it was persisted.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) stamp: Stamp,
    body: Body,
}

/// A demo's or benchmark's many events stay small until they are asked for.
#[derive(Debug)]
enum Body {
    Text(Box<str>),
    Event(Box<Event>),
}

impl Entry {
    pub(crate) fn text(&self) -> Cow<'_, str> {
        match &self.body {
            Body::Text(text) => Cow::Borrowed(text),
            Body::Event(event) => Cow::Owned(event.json().to_string()),
        }
    }

    pub(crate) fn value(&self) -> Value {
        match &self.body {
            Body::Text(text) => serde_json::from_str(text).unwrap_or_default(),
            Body::Event(event) => event.json(),
        }
    }
}

/// The System Log.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) entries: Vec<Entry>,
    /// Milliseconds of `published` with the index of the entry.
    pub(crate) by_published: BTreeSet<(i64, usize)>,
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
        self.entries
            .iter()
            .map(|entry| {
                entry.value()["uuid"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect()
    }

    /// Makes the texts of all events beforehand.
    pub(crate) fn warm(&mut self) {
        for entry in &mut self.entries {
            entry.body = Body::Text(entry.text().into());
        }
    }

    fn push(&mut self, persisted_ms: i64, published: Timestamp, body: Body) {
        let (last, ordinal) = self.last();
        let stamp = if persisted_ms > last {
            (persisted_ms, 1)
        } else {
            (last, ordinal + 1)
        };
        self.by_published
            .insert((published.as_millisecond(), self.entries.len()));
        self.entries.push(Entry { stamp, body });
    }

    pub(crate) fn first_after(&self, stamp: Stamp) -> usize {
        self.entries.partition_point(|entry| entry.stamp <= stamp)
    }
}

impl Org {
    /// Appends an event with an id, the org's actor and the current time where the event has none; nothing happens
    /// inside [`Org::silently`].
    pub fn append_event(&mut self, event: Event) {
        if let Some(event) = self.completed(event) {
            let published = event.published.unwrap_or_default();
            let mut value = event.json();
            self.spoil_targets(&mut value);
            if let Some(text) = self.keep_back(published, value.to_string().into()) {
                self.store_event(published, text);
            }
        }
    }

    pub(crate) fn store_event(&mut self, published: Timestamp, text: Box<str>) {
        let persisted = self.persisting_ms();
        self.log.push(persisted, published, Body::Text(text));
    }

    /// As [`Org::append_event`], but the event's text is made anew whenever it is asked for.
    pub(crate) fn append_compact(&mut self, event: Event) {
        if let Some(event) = self.completed(event) {
            let published = event.published.unwrap_or_default();
            let persisted = self.persisting_ms();
            self.log
                .push(persisted, published, Body::Event(Box::new(event)));
        }
    }

    /// Appends an event exactly as given, whatever it lacks; `published` orders bounded queries if it is a time.
    pub fn append_raw(&mut self, event: &Value) {
        let published = event["published"]
            .as_str()
            .and_then(|text| text.parse().ok());
        let published = published.unwrap_or_else(|| self.now());
        let persisted = self.persisting_ms();
        self.log
            .push(persisted, published, Body::Text(event.to_string().into()));
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
        self.live();
        event.published.get_or_insert(self.now());
        if event.uuid.is_none() {
            event.uuid = Some(self.ids.uuid());
        }
        if event.actor.is_none() {
            event.actor = Some(self.actor.clone());
        }
        Some(event)
    }

    /// Only a demo's own acts are persisted in even milliseconds of it.
    fn persisting_ms(&self) -> i64 {
        let now_ms = self.now().as_millisecond();
        if self.life.as_ref().is_some_and(|life| !life.acting) {
            now_ms | 1
        } else {
            now_ms
        }
    }
}

impl Org {
    /// The `after` value behind the last event, as a poll that is caught up gets it.
    #[must_use]
    pub fn last_cursor(&self) -> String {
        let (ms, ordinal) = self.log.last();
        format!("{ms}_{ordinal}")
    }

    pub(crate) fn time_text(&self) -> String {
        okta_time(self.now())
    }
}
