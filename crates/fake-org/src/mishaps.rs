//! Mishaps of events on their way into the log: they come late, out of order, or without their targets.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::org::Org;

/// Which events something happens to, and those that are still to come.
#[derive(Debug, Default)]
pub(crate) struct Mishaps {
    losing_targets: u64,
    lost: usize,
    delay: Option<Delay>,
    late: Vec<Late>,
}

/// How long events are kept back.
#[derive(Clone, Copy, Debug)]
enum Delay {
    UntilReleased,
    Until(Timestamp),
}

/// An event that has happened and is not stored yet.
#[derive(Debug)]
struct Late {
    due: Delay,
    published: Timestamp,
    text: Box<str>,
}

/// Mishaps of targets, in turn.
const LOSSES: [fn(&mut Value); 4] = [
    |event| event["target"] = Value::Null,
    |event| {
        if let Some(event) = event.as_object_mut() {
            event.shift_remove("target");
        }
    },
    |event| event["target"] = json!([]),
    |event| {
        if let Some(targets) = event["target"].as_array_mut() {
            targets.reverse();
        }
    },
];

impl Org {
    /// The next so many events lose their targets: null, missing, empty or in reverse order, in turn. 0 ends it.
    pub fn lose_targets(&mut self, events: u64) {
        self.mishaps.losing_targets = events;
    }

    /// Runs changes whose events are stored by [`Org::release_late`] only, with `published` of when they happened.
    pub fn late<T>(&mut self, changes: impl FnOnce(&mut Self) -> T) -> T {
        self.delayed(Delay::UntilReleased, changes)
    }

    /// As [`Org::late`], but by itself once the org's time is `until`.
    pub fn late_until<T>(&mut self, until: Timestamp, changes: impl FnOnce(&mut Self) -> T) -> T {
        self.delayed(Delay::Until(until), changes)
    }

    /// Stores all late events, in an order that is drawn.
    pub fn release_late(&mut self) {
        let late = std::mem::take(&mut self.mishaps.late);
        self.store_late(late);
    }

    /// How many events are still to come.
    #[must_use]
    pub fn late_events(&self) -> usize {
        self.mishaps.late.len()
    }

    /// Stores the late events whose time has come.
    pub(crate) fn release_due(&mut self) {
        let now = self.now();
        let is_due = |late: &mut Late| matches!(late.due, Delay::Until(until) if until <= now);
        let due = self.mishaps.late.extract_if(.., is_due).collect();
        self.store_late(due);
    }

    /// Takes targets from an event whose turn it is.
    pub(crate) fn spoil_targets(&mut self, event: &mut Value) {
        let Some(left) = self.mishaps.losing_targets.checked_sub(1) else {
            return;
        };
        self.mishaps.losing_targets = left;
        LOSSES[self.mishaps.lost % LOSSES.len()](event);
        self.mishaps.lost += 1;
    }

    /// Keeps an event back; gives it back where it is stored at once.
    pub(crate) fn keep_back(&mut self, published: Timestamp, text: Box<str>) -> Option<Box<str>> {
        let Some(due) = self.mishaps.delay else {
            return Some(text);
        };
        self.mishaps.late.push(Late {
            due,
            published,
            text,
        });
        None
    }

    fn delayed<T>(&mut self, delay: Delay, changes: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.mishaps.delay.replace(delay);
        let result = changes(self);
        self.mishaps.delay = before;
        result
    }

    fn store_late(&mut self, mut late: Vec<Late>) {
        self.secrets.shuffle(&mut late);
        for Late {
            published, text, ..
        } in late
        {
            self.store_event(published, text);
        }
    }
}
