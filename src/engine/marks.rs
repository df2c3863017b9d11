//! Events mark what is to be read again. No event writes a record by itself, so a late or
//! reordered one cannot bring back what a later read took away; the only thing that is believed
//! without a read is the end of an object, whose id Okta never uses again.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;

use super::Engine;
use super::cursor::Mark;
use super::harvest::Harvest;
use super::swept::Why;
use crate::streams::change::{Identity, Kind, Of, Touches};
use crate::streams::{Entry, Party, STREAMS, Stream, parties};

/// How far Okta's clock and ours may differ.
pub(super) const CLOCK_MARGIN: SignedDuration = SignedDuration::from_mins(5);
/// Event types whose touches are remembered, so that each is looked up once.
const MOST_TYPES: usize = 2_000;

/// What is known of event types so far.
pub(super) type Touched = BTreeMap<String, Vec<(&'static Stream, Touches)>>;

/// An event that touches something.
struct Event<'a> {
    kind: &'a str,
    entry: &'a Entry,
    targets: Vec<Party>,
    actor: Option<Party>,
}

impl Event<'_> {
    fn ids(&self, kind: Kind) -> Vec<&str> {
        let of_kind = self.targets.iter().filter(|target| kind.names(&target.kind, &target.id));
        of_kind.map(|target| target.id.as_str()).collect()
    }

    /// Whether it is likely to have taken something away.
    fn removes(&self) -> bool {
        ["remove", "revoke", "deprovision", "delete"].iter().any(|word| self.kind.contains(word))
    }
}

impl Engine {
    /// Marks what events of success touch; returns the tombstones of what they say is gone.
    pub(super) fn mark_changes(&mut self, events: &[(&RawValue, &Entry)], at: Timestamp) -> Vec<Harvest> {
        let mut tombstones = Vec::new();
        for (raw, entry) in events {
            let Some(kind) = entry.succeeded.as_deref() else { continue };
            let touched = self.touched_by(kind);
            if touched.is_empty() {
                continue;
            }
            let (targets, actor) = parties(raw);
            let event = Event { kind, entry, targets, actor };
            for (stream, touches) in touched {
                tombstones.extend(self.touch(stream, touches, &event, at));
            }
        }
        tombstones
    }

    fn touched_by(&mut self, kind: &str) -> Vec<(&'static Stream, Touches)> {
        if let Some(touched) = self.touched.get(kind) {
            return touched.clone();
        }
        let touches = |stream: &'static Stream| stream.touches(kind).map(move |touches| (stream, touches));
        let touched: Vec<_> = STREAMS.iter().copied().flat_map(touches).collect();
        if self.touched.len() < MOST_TYPES {
            self.touched.insert(kind.to_owned(), touched.clone());
        }
        touched
    }

    fn touch(
        &mut self,
        stream: &'static Stream,
        touches: Touches,
        event: &Event<'_>,
        at: Timestamp,
    ) -> Option<Harvest> {
        if self.is_covered(stream, event.entry.published) {
            return None;
        }
        if self.stream(stream.name).is_none() {
            self.make_due(stream);
            return None;
        }
        let cause = Some(&event.entry.id);
        match touches {
            Touches::Whole => self.make_due(stream),
            Touches::Lately => self.look(stream, Why::Unnamed),
            Touches::Each(kinds) => self.touch_each(stream, kinds, event),
            Touches::EachOrActor(kind) => {
                let actor = event.actor.iter().filter(|actor| kind.names(&actor.kind, &actor.id));
                let actor = actor.map(|actor| actor.id.as_str()).collect();
                let ids = Some(event.ids(kind)).filter(|ids| !ids.is_empty()).unwrap_or(actor);
                self.mark_each(stream, kind, &ids, event);
            }
            Touches::Life => {
                let ids = event.ids(Kind::User);
                match self.users_stream().filter(|_| ids.is_empty()) {
                    Some(users) => self.look(users, Why::Unnamed),
                    None => self.mark_each(stream, Kind::User, &ids, event),
                }
                self.expect_removals(stream, Kind::User, event.removes() || event.kind.contains("deactivate"));
            }
            Touches::EachOfFew(kind) => {
                if let Identity::Pair(first, second) = stream.identity
                    && self.listing_cost(stream, first, second) <= super::fold::FEW_PAGES
                {
                    self.mark_each(stream, kind, &event.ids(kind), event);
                }
            }
            Touches::Pair => self.touch_pair(stream, event),
            Touches::Gone(kind) => {
                let gone = event.ids(kind);
                if gone.is_empty() {
                    self.make_due(stream);
                }
                return self.bury(stream, kind, &gone, cause.cloned(), at);
            }
        }
        None
    }

    /// Whether a snapshot that has begun since, or that is yet to begin, has read or will read what
    /// the event is about.
    fn is_covered(&self, stream: &Stream, published: Option<Timestamp>) -> bool {
        let Some(progress) = self.cursor.streams.get(stream.name) else { return true };
        if progress.asked && progress.open.is_none() {
            return true;
        }
        let Some(begun) = progress.open.as_ref().or(progress.complete.as_ref()) else { return true };
        published.is_some_and(|published| published < begun.started_at - CLOCK_MARGIN)
    }

    fn touch_each(&mut self, stream: &'static Stream, kinds: &[Kind], event: &Event<'_>) {
        let of_kinds: Vec<_> =
            kinds.iter().map(|kind| (*kind, event.ids(*kind))).filter(|(_, ids)| !ids.is_empty()).collect();
        if of_kinds.is_empty() {
            self.touch_unnamed(stream);
        }
        for (kind, ids) in of_kinds {
            self.mark_each(stream, kind, &ids, event);
        }
    }

    fn mark_each(&mut self, stream: &'static Stream, kind: Kind, ids: &[&str], event: &Event<'_>) {
        if ids.is_empty() {
            self.touch_unnamed(stream);
        }
        for id in ids {
            self.mark(stream, Of::All(kind), id, Some(event.entry.id.clone()));
        }
    }

    fn touch_pair(&mut self, stream: &'static Stream, event: &Event<'_>) {
        let Identity::Pair(first, second) = stream.identity else { return };
        let (firsts, seconds) = (event.ids(first), event.ids(second));
        let cause = Some(&event.entry.id);
        match (firsts.is_empty(), seconds.is_empty()) {
            (true, true) => self.touch_unnamed(stream),
            (false, true) => self.mark_each(stream, first, &firsts, event),
            (true, false) => self.mark_each(stream, second, &seconds, event),
            (false, false) => {
                for (parent, child) in firsts.iter().flat_map(|first| seconds.iter().map(move |second| (first, second)))
                {
                    self.mark(stream, Of::Pair, &format!("{parent}:{child}"), cause.cloned());
                    let progress = self.cursor.streams.entry(stream.name.to_owned()).or_default();
                    progress.removed += u64::from(event.removes());
                }
            }
        }
    }

    /// An event that names nothing touches all that it could mean.
    fn touch_unnamed(&mut self, stream: &'static Stream) {
        if stream.sweep.is_some() { self.look(stream, Why::Unnamed) } else { self.make_due(stream) }
    }

    fn users_stream(&self) -> Option<&'static Stream> {
        self.plan.streams.iter().copied().find(|stream| stream.sweep.as_ref().is_some_and(|sweep| sweep.life.is_some()))
    }

    /// A snapshot becomes due; one that is open began too early.
    pub(super) fn make_due(&mut self, stream: &Stream) {
        let progress = self.cursor.streams.entry(stream.name.to_owned()).or_default();
        progress.asked = true;
    }

    /// Marks records as to be read again; where there are too many marks, as is cheapest.
    pub(super) fn mark(&mut self, stream: &'static Stream, of: Of, id: &str, cause: Option<String>) {
        self.add_mark(stream, of, id, cause);
        if self.cursor.changes.get(stream.name).is_some_and(|marks| marks.len() > super::fold::MOST_MARKS) {
            self.settle_marks(stream);
        }
    }

    /// Adds a mark. What is read in full anyway needs none of its own.
    pub(super) fn add_mark(&mut self, stream: &'static Stream, of: Of, id: &str, cause: Option<String>) {
        if matches!(of, Of::All(_)) && stream.reread(of).is_none() {
            return self.make_due(stream);
        }
        let marks = self.cursor.changes.entry(stream.name.to_owned()).or_default();
        if of == Of::Pair && pair_is_marked(stream, marks, id) {
            return;
        }
        if matches!(of, Of::All(_)) {
            marks.retain(|key, _| !key.starts_with("Pair:") || !has_part(key, id));
        }
        let mark = marks.entry(format!("{of}:{id}")).or_default();
        if mark.since_sequence.is_some() || mark.next.is_some() {
            mark.again = cause.or(Some(String::new()));
        } else {
            mark.cause = cause.or(mark.cause.take());
        }
    }

    /// Marks of streams that cannot be read, or that this version would read in another way, make
    /// their snapshots due.
    pub(super) fn leave_marks_not_planned(&mut self) {
        let is_known = |stream: &Stream, key: &String| {
            key.starts_with("Pair:") || stream.rereads.iter().any(|reread| key.starts_with(&format!("{}:", reread.of)))
        };
        let is_readable = |(name, marks): (&String, &BTreeMap<String, Mark>)| {
            self.stream(name).is_some_and(|stream| marks.keys().all(|key| is_known(stream, key)))
        };
        let left: Vec<_> = self
            .cursor
            .changes
            .iter()
            .filter(|of_stream| !is_readable(*of_stream))
            .map(|(name, _)| name.clone())
            .collect();
        for name in left {
            self.cursor.changes.remove(&name);
            self.cursor.streams.entry(name).or_default().asked = true;
        }
    }
}

fn pair_is_marked(stream: &Stream, marks: &BTreeMap<String, Mark>, id: &str) -> bool {
    let (Identity::Pair(first, second), Some((parent, child))) = (stream.identity, id.split_once(':')) else {
        return false;
    };
    let is_marked = |kind: Kind, id: &str| {
        let mark = marks.get(&format!("{kind}:{id}"));
        mark.is_some_and(|mark| mark.since_sequence.is_none() && mark.next.is_none())
    };
    is_marked(first, parent) || is_marked(second, child)
}

/// Whether a mark's key names the id.
pub(super) fn has_part(key: &str, id: &str) -> bool {
    key.split(':').skip(1).any(|part| part == id)
}
