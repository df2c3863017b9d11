//! Answers to the readings of a scope: records, and what is forgotten because a reading did not repeat it.

use jiff::Timestamp;

use super::Engine;
use super::ask::Answer;
use super::due::{Due, News, Place, Why};
use super::evidence::{Doubt, Verdict};
use super::flights::{Flight, Target};
use super::harvest::Harvest;
use super::ledger::{Missing, Seen};
use super::reading::{Shape, reading};
use super::scope::Scope;
use super::status::is_deprovisioned;
use crate::body::{Body, Item};
use crate::streams::change::{Identity, Kind, Of};
use crate::streams::{Context, Stream, id_of, is_in_transition};

/// A scope's reading, of which an answer has come.
pub(super) struct Answered<'a> {
    pub(super) stream: &'static Stream,
    pub(super) scope: &'a Scope,
    pub(super) due: Due,
    /// When its request was sent.
    pub(super) at: Timestamp,
    pub(super) now: Timestamp,
    pub(super) path: &'a str,
}

impl Answered<'_> {
    /// When the reading's first request was sent.
    pub(super) fn began(&self) -> Timestamp {
        self.due.place.as_ref().map_or(self.at, |place| place.began)
    }

    /// Where the reading stands; one that begins has its first lines in manifest `since`.
    fn place(&self, since: u64) -> Place {
        let begun = self.due.place.clone();
        begun.unwrap_or_else(|| Place::at_end(since, self.began(), false))
    }

    pub(super) fn target(&self) -> Target {
        Target::Scope(self.stream.name, self.scope.clone())
    }
}

impl Engine {
    pub(super) fn absorb_scope(
        &mut self,
        stream: &'static Stream,
        scope: &Scope,
        flight: &Flight,
        answer: Answer,
        now: Timestamp,
    ) -> Vec<Harvest> {
        let Some(replica) = self.replicas.get_mut(stream.name) else {
            return Vec::new();
        };
        replica.dues.answered(scope, now);
        let Some(due) = replica.dues.get(scope).cloned() else {
            return Vec::new();
        };
        let is_buried = scope.id().is_some_and(|id| self.graves.is_buried(id));
        if !due.is_part && due.news.is_none() || is_buried {
            replica.dues.remove(scope);
            self.assemblies.leave(stream, scope);
            return Vec::new();
        }
        if due.is_part {
            replica.count(0, 1);
        }
        let Some((shape, _)) = reading(stream, scope) else {
            return Vec::new();
        };
        let answered = Answered {
            stream,
            scope,
            due,
            at: flight.sent_at,
            now,
            path: &flight.path,
        };
        match (shape, answer) {
            (Shape::Assembled { object, .. }, answer) => self.assembled(&answered, object, answer),
            (Shape::Object, Answer::Page { body, .. }) => match body.object() {
                Ok(object) => self.object(&answered, object.into()),
                Err(error) => self.failed(&answered, error.to_string()),
            },
            (Shape::Records { .. }, Answer::Page { body, next }) => {
                self.records(&answered, shape, flight, &body, next)
            }
            (shape, other) => self.trouble(&answered, shape, other),
        }
    }

    /// A page of all records of one object.
    pub(super) fn records(
        &mut self,
        answered: &Answered<'_>,
        shape: Shape,
        flight: &Flight,
        body: &Body,
        next: Option<String>,
    ) -> Vec<Harvest> {
        let (Shape::Records { normalize, .. }, Some(id)) = (shape, answered.scope.id()) else {
            return Vec::new();
        };
        let (stream, scope, now) = (answered.stream, answered.scope, answered.now);
        let (items, next) = match self.items(flight, body, next) {
            Ok(page) => page,
            Err(error) => return self.failed(answered, error),
        };
        let context = Context {
            parent: Some(id),
            ..Context::default()
        };
        let says =
            |item: &Item| normalize.is_none_or(|normalize| normalize(item, &context).is_some());
        let (items, silent): (Vec<_>, Vec<_>) = items.into_iter().partition(says);
        let lines = items.len() as u64;
        let (harvest, differs) = self.lines(stream, scope, Some(id.to_owned()), answered.at, items);
        let named: Vec<_> = silent.iter().filter_map(|item| id_of(item)).collect();
        let mut place = answered.place(self.epoch.number());
        (place.position, place.failures) = (next, 0);
        place.differs |= differs;
        place.named.extend(named.iter().cloned());
        let is_last = place.position.is_none();
        if let Some(replica) = self.replicas.get_mut(stream.name) {
            if answered.due.is_part {
                replica.count(lines, 0);
            }
            replica
                .dues
                .update(scope, now, |due| due.place = Some(place.clone()));
        }
        self.read_by_name(answered, id, named);
        if is_last {
            self.run.leave(&answered.target());
            self.end_records(stream, scope, &answered.due, &place, now);
        }
        let harvest = harvest.map(|harvest| {
            harvest
                .because_of(answered.due.cause())
                .mapped_by(normalize)
        });
        harvest.into_iter().collect()
    }

    /// Items that cannot say what the record is give at least its name: each is read by itself.
    fn read_by_name(&mut self, answered: &Answered<'_>, id: &str, named: Vec<String>) {
        let Some(replica) = self.replicas.get_mut(answered.stream.name) else {
            return;
        };
        for other in named {
            let news = answered
                .due
                .news
                .clone()
                .unwrap_or_else(|| News::unnamed(answered.now));
            let pair = Scope::Pair(other, id.to_owned());
            replica.dues.add(pair, Due::changed(news), answered.now);
        }
    }

    /// All records of one object are read: what they do not repeat is forgotten, if that is to be believed.
    pub(super) fn end_records(
        &mut self,
        stream: &'static Stream,
        scope: &Scope,
        due: &Due,
        place: &Place,
        now: Timestamp,
    ) {
        let (Some(id), Some(replica)) = (scope.id(), self.replicas.get_mut(stream.name)) else {
            return;
        };
        if !replica.forgets(due) {
            return replica.end(scope, false, now);
        }
        let missing = replica.judge(id, place.since, &place.named);
        let life = match scope {
            Scope::Parent(Kind::User, user) => self.run.is_live(user),
            _ => Some(true),
        };
        if missing.unexplained == 0 || life == Some(false) {
            return self.believe(stream, scope, &missing, place, now);
        }
        // No request of its own is sent meanwhile.
        replica.dues.send(scope, now);
        let reading = (place.since, place.began, place.differs);
        let doubt = Doubt::new(stream, scope.clone(), missing, reading, life.is_some());
        self.evidence.add(doubt);
    }

    /// Forgets what a reading did not repeat, and ends it.
    pub(super) fn believe(
        &mut self,
        stream: &'static Stream,
        scope: &Scope,
        missing: &Missing,
        place: &Place,
        now: Timestamp,
    ) {
        let lost = missing.unexplained + missing.explained > 0;
        let is_sure = self
            .replicas
            .get(stream.name)
            .is_some_and(|replica| replica.ledger.is_exact());
        if lost || !is_sure {
            self.forget(stream, scope, place.since);
        }
        let Some(replica) = self.replicas.get_mut(stream.name) else {
            return;
        };
        let differs = place.differs || lost;
        let contradicts = replica.ledger.settle(scope, place.since, Seen::of(differs));
        replica.end(scope, contradicts, now);
    }

    /// Decides the doubts that need no look, and chooses the looks of the others.
    pub(super) fn settle_evidence(&mut self, now: Timestamp) {
        if self.evidence.is_empty() {
            return;
        }
        let replicas = &self.replicas;
        for (doubt, verdict) in self.evidence.choose(|name| replicas.get(name)) {
            self.decide(doubt, verdict, now);
        }
    }

    pub(super) fn decide(&mut self, doubt: Doubt, verdict: Verdict, now: Timestamp) {
        let (stream, scope) = (doubt.stream, &doubt.scope);
        let Some(replica) = self.replicas.get_mut(stream.name) else {
            return;
        };
        replica.dues.answered(scope, now);
        let is_buried = scope.id().is_some_and(|id| self.graves.is_buried(id));
        if is_buried || replica.dues.get(scope).is_none() {
            replica.dues.remove(scope);
            return;
        }
        match verdict {
            Verdict::Believed => {
                let place = Place::at_end(doubt.since, doubt.began, doubt.differs);
                self.believe(stream, scope, &doubt.missing, &place, now);
            }
            Verdict::Contradicted => replica.doubt(scope, doubt.missing, true, now),
            Verdict::Blind => replica.doubt(scope, doubt.missing, false, now),
            Verdict::Unclear => replica.wait_for_event(scope, doubt.missing, now),
            Verdict::Undecided(error) if !error.is_empty() => {
                let error = format!(
                    "{} records are missing in Okta's answer, and no other answer decides whether to believe it: nothing \
                     is forgotten, and it is read again ({error})",
                    doubt.missing.unexplained
                );
                replica.dues.update(scope, now, |due| due.place = None);
                replica.fail(scope, Why::Failed, error, now);
            }
            Verdict::Undecided(_) | Verdict::Open => {
                replica.dues.update(scope, now, |due| due.place = None);
            }
        }
    }

    /// One object.
    pub(super) fn object(&mut self, answered: &Answered<'_>, object: Item) -> Vec<Harvest> {
        let Answered {
            stream,
            scope,
            due,
            at,
            now,
            ..
        } = answered;
        self.note_rows(stream, std::slice::from_ref(&object));
        self.note_life(stream, &object);
        let mut harvests = self.lend(answered, &object);
        let parent = match scope {
            Scope::Pair(first, _) => Some(first.clone()),
            _ => None,
        };
        let is_early = is_in_transition(&object);
        let id = id_of(&object);
        let since = self.epoch.number();
        let (harvest, differs) = self.lines(stream, scope, parent, *at, vec![object]);
        if let Some(replica) = self.replicas.get_mut(stream.name) {
            let contradicts = replica.ledger.settle(scope, since, Seen::of(differs)) || is_early;
            replica.end(scope, contradicts, *now);
            let was_early = due
                .retry
                .as_ref()
                .is_some_and(|retry| matches!(retry.why, Why::Contradicted { .. } | Why::Absent));
            if let Some(id) = id.filter(|_| was_early && !contradicts) {
                // What was read meanwhile of all that hangs on it may have been read too soon, too.
                self.touch_life(stream, &id, *now);
            }
        }
        harvests.extend(harvest.map(|harvest| harvest.because_of(due.cause())));
        harvests
    }

    /// Notes whether a user is live.
    pub(super) fn note_life(&mut self, stream: &Stream, object: &Item) {
        let is_user = stream
            .sweep
            .as_ref()
            .is_some_and(|sweep| sweep.life.is_some());
        if let Some(id) = id_of(object).filter(|_| is_user) {
            self.run.note_life(id, !is_deprovisioned(object.get()));
        }
    }

    /// Notes as of which change objects were read.
    pub(super) fn note_rows(&mut self, stream: &Stream, items: &[Item]) {
        let swept = self
            .replicas
            .get_mut(stream.name)
            .and_then(|replica| replica.swept.as_mut());
        let (Some(sweep), Some(swept)) = (&stream.sweep, swept) else {
            return;
        };
        for item in items {
            if let Some(time) = (sweep.time)(item)
                && let Some(id) = id_of(item)
            {
                swept.see(&id, time);
            }
        }
    }

    /// Spares other streams the request for the object that they must know first.
    pub(super) fn lend(&mut self, answered: &Answered<'_>, object: &Item) -> Vec<Harvest> {
        let Scope::Object(kind, id) = answered.scope else {
            return Vec::new();
        };
        let mut harvests = Vec::new();
        for stream in self.replicas.planned().to_vec() {
            let Some(scope) = Scope::of(stream, Of::All(*kind), id) else {
                continue;
            };
            let Some((
                Shape::Assembled {
                    object: Some(path), ..
                },
                _,
            )) = reading(stream, &scope)
            else {
                continue;
            };
            let is_lent =
                path.replace("{id}", id) == answered.path.split('?').next().unwrap_or_default();
            let waits = self.replicas.get(stream.name).is_some_and(|replica| {
                replica
                    .dues
                    .get(&scope)
                    .is_some_and(|due| due.item.is_none())
                    && !replica.dues.is_under_way(&scope)
            });
            if is_lent && waits {
                harvests.extend(self.give(stream, &scope, object, answered.at, answered.now));
            }
        }
        harvests
    }

    /// Gives a reading the object that it must know first; one that is not wanted ends the reading, and its records.
    pub(super) fn give(
        &mut self,
        stream: &'static Stream,
        scope: &Scope,
        object: &Item,
        at: Timestamp,
        now: Timestamp,
    ) -> Option<Harvest> {
        let (Shape::Assembled { kind, .. }, _) = reading(stream, scope)? else {
            return None;
        };
        let parents = stream.parents_of_kind(kind)?;
        let replica = self.replicas.get_mut(stream.name)?;
        if (parents.wanted)(object) {
            let kept = Some(object).filter(|_| parents.keep);
            let kept = kept.and_then(|object| Context::default().object(object));
            let kept = kept.unwrap_or_else(|| serde_json::json!({}));
            replica.dues.update(scope, now, |due| due.item = Some(kept));
            return None;
        }
        let cause = replica.dues.get(scope)?.cause();
        self.assemblies.leave(stream, scope);
        if matches!(stream.identity, Identity::Object(_)) {
            replica.ledger.let_go(scope);
            replica.end(scope, false, now);
            let harvest = self.tombstone(stream, scope, at);
            return harvest.map(|harvest| harvest.because_of(cause));
        }
        let (Scope::Object(kind, id) | Scope::Parent(kind, id)) = scope else {
            return None;
        };
        if self.epoch.order.may_forget(stream, *kind, id) {
            replica.ledger.let_go(scope);
            replica.end(scope, false, now);
            let since = self.epoch.number();
            self.forget(stream, scope, since);
        }
        None
    }
}
