//! The effects of an answer: records, tombstones, scopes that are due, and records that are forgotten.

use jiff::Timestamp;

use super::Engine;
use super::ask::{Answer, Parked};
use super::due::{Due, News, Place, Why};
use super::events::end_everywhere;
use super::evidence::{Doubt, Verdict, is_deprovisioned};
use super::flights::{Flight, Target};
use super::harvest::Harvest;
use super::ledger::{Missing, Seen};
use super::lists::Failed;
use super::reading::{Shape, reading};
use super::scope::Scope;
use crate::body::{Body, Item};
use crate::streams::change::{Identity, Kind, Of};
use crate::streams::{
    Context, Listing, Source, Stream, by_name, id_of, is_in_transition, listing, own_stream,
};

/// Times that a reading begins anew in a run because its position has expired.
const MOST_ANEW: u8 = 2;
const NO_POSITION: &str = "Okta keeps rejecting page cursors that it has just issued; the next run starts this listing over";
const CIRCLE: &str = "the next link leads to a page that was read before in this listing";
const HANGS: &str =
    "Okta has answered many later requests and not this one; a later run asks again";

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

    fn target(&self) -> Target {
        Target::Scope(self.stream.name, self.scope.clone())
    }
}

impl Engine {
    /// Takes an answer; returns what can be absorbed now that it is there (nothing, while an earlier request is
    /// unanswered that may hold the same records). An unknown ticket is ignored.
    pub fn absorb(&mut self, ticket: u64, answer: Answer, now: Timestamp) -> Vec<Harvest> {
        self.flights.answer(ticket, answer);
        let mut harvests = Vec::new();
        loop {
            while let Some((flight, answer)) = self.flights.release() {
                self.epoch.order.answered(flight.ticket);
                harvests.extend(self.absorb_one(&flight, answer, now));
            }
            let Some(hanging) = self.flights.give_up() else {
                break;
            };
            self.epoch.order.answered(hanging.ticket);
            let failed = Answer::Failed {
                error: HANGS.to_owned(),
            };
            harvests.extend(self.absorb_one(&hanging, failed, now));
        }
        self.settle_evidence(now);
        harvests.extend(self.finish(now));
        harvests
    }

    fn absorb_one(&mut self, flight: &Flight, answer: Answer, now: Timestamp) -> Vec<Harvest> {
        match &flight.target {
            Target::Log => self.absorb_log(flight, answer, now),
            Target::List(name) => match listing(name) {
                Some(listing) => self.absorb_list(listing, flight, answer, now),
                None => Vec::new(),
            },
            Target::Changes(name) => match by_name(name) {
                Some(stream) => self.absorb_changes(stream, flight, answer, now),
                None => Vec::new(),
            },
            Target::Scope(name, scope) => match by_name(name) {
                Some(stream) => self.absorb_scope(stream, scope, flight, answer, now),
                None => Vec::new(),
            },
            Target::Look(name, _) => {
                if let Answer::Limited { retry_after_s } = answer {
                    self.park_limited(&[(*name).to_owned()], retry_after_s);
                }
                if let Some((doubt, verdict)) = self.evidence.take(flight.ticket, &answer) {
                    self.decide(doubt, verdict, now);
                }
                Vec::new()
            }
        }
    }

    /// Notes a limit: the streams wait, and the run says for how long.
    pub(super) fn park_limited(&mut self, streams: &[String], retry_after_s: i64) {
        for stream in streams {
            if let Some(replica) = self.replicas.get_mut(stream) {
                replica.park(Parked::Limited);
            }
        }
        self.run.limited(retry_after_s);
    }

    fn absorb_list(
        &mut self,
        listing: &'static Listing,
        flight: &Flight,
        answer: Answer,
        now: Timestamp,
    ) -> Vec<Harvest> {
        let served = self.lists.serves(listing.name);
        if !self.lists.answered(listing.name) {
            return Vec::new();
        }
        for stream in &served {
            if let Some(replica) = self.replicas.get_mut(stream) {
                replica.count(0, 1);
            }
        }
        let error = match answer {
            Answer::Page { body, next } => match body.items() {
                Ok(items) => match self.next_page(flight, items.is_empty(), next) {
                    Ok(next) => {
                        let harvest = self.listed(listing, flight.sent_at, items, next, now);
                        return harvest.into_iter().collect();
                    }
                    Err(error) => error,
                },
                Err(error) => error,
            },
            Answer::Dropped => return Vec::new(),
            Answer::Limited { retry_after_s } => {
                self.park_limited(&served, retry_after_s);
                return Vec::new();
            }
            Answer::Expired => {
                self.expired_list(&served, now);
                return Vec::new();
            }
            Answer::NotApplicable { error } => {
                for stream in &served {
                    self.lack(stream, error.clone(), now);
                }
                return Vec::new();
            }
            Answer::Unavailable { error } => {
                self.failed_list(listing, &served, error, true, now);
                return Vec::new();
            }
            Answer::Failed { error } | Answer::Refused { error } => error,
            Answer::Gone => format!(
                "Okta has no {} at this address: check that the secret's domain is an Okta org",
                listing.name
            ),
        };
        self.failed_list(listing, &served, error, false, now);
        Vec::new()
    }

    /// The next page's path. A page that says nothing and leads where the reading has been is the end.
    pub(super) fn next_page(
        &mut self,
        flight: &Flight,
        is_empty: bool,
        next: Option<String>,
    ) -> Result<Option<String>, String> {
        let Some(next) = next else { return Ok(None) };
        if self.run.follow(&flight.target, &flight.path, &next) {
            Ok(Some(next))
        } else if is_empty {
            Ok(None)
        } else {
            Err(CIRCLE.to_owned())
        }
    }

    fn failed_list(
        &mut self,
        listing: &Listing,
        served: &[String],
        error: String,
        is_refusal: bool,
        now: Timestamp,
    ) {
        self.run.leave(&Target::List(listing.name));
        let failed = self.lists.failed(listing.name, error.clone(), is_refusal);
        for stream in served {
            if failed == Failed::Anew {
                self.abandon(stream, now);
            }
            if let Some(replica) = self.replicas.get_mut(stream) {
                if failed == Failed::Anew && is_refusal {
                    replica.park(Parked::Unavailable(error.clone()));
                }
                // It cannot end as long as Okta answers so: what it is to answer is read by itself.
                replica.uncover(now);
            }
        }
    }

    /// Lines that were read before a listing's position was lost may be out of date: new snapshots begin.
    fn expired_list(&mut self, served: &[String], now: Timestamp) {
        let may_go_on = self.run.may_expire();
        for stream in served {
            self.abandon(stream, now);
            if !may_go_on && let Some(replica) = self.replicas.get_mut(stream) {
                replica.park(Parked::Failed(NO_POSITION.to_owned()));
            }
        }
    }

    /// Items of a listing: records of its own stream, and parts of the snapshots that it serves.
    fn listed(
        &mut self,
        listing: &'static Listing,
        at: Timestamp,
        items: Vec<Item>,
        next: Option<String>,
        now: Timestamp,
    ) -> Option<Harvest> {
        let served: Vec<_> = self
            .lists
            .serves(listing.name)
            .iter()
            .filter_map(|name| by_name(name))
            .collect();
        for stream in &served {
            self.note_rows(stream, &items);
            self.add_parts(listing, stream, &items, now);
        }
        let own =
            own_stream(listing).filter(|own| served.iter().any(|served| served.name == own.name));
        let lines = items.len() as u64;
        let harvest = own.and_then(|own| {
            if let Some(replica) = self.replicas.get_mut(own.name) {
                replica.count(lines, 0);
            }
            self.lines(own, &Scope::Whole, None, at, items).0
        });
        if let Some(next) = next {
            self.lists.go_on(listing.name, next);
        } else {
            for stream in &served {
                if let Some(replica) = self.replicas.get_mut(stream.name) {
                    replica.listed(listing.name);
                }
            }
            self.lists.end(listing.name);
            self.run.leave(&Target::List(listing.name));
        }
        harvest
    }

    fn add_parts(
        &mut self,
        listing: &Listing,
        stream: &'static Stream,
        items: &[Item],
        now: Timestamp,
    ) {
        let (Some(parents), Some(replica)) = (
            stream.parents_of(listing.name),
            self.replicas.get_mut(stream.name),
        ) else {
            return;
        };
        for item in items.iter().filter(|item| (parents.wanted)(item)) {
            let Some(scope) = id_of(item)
                .filter(|id| !self.graves.is_buried(id))
                .and_then(|id| Scope::of(stream, Of::All(parents.of), &id))
            else {
                continue;
            };
            let object = if parents.keep {
                Context::default().object(item)
            } else {
                Some(serde_json::json!({}))
            };
            let part = Due::part(object.filter(|_| stream.is_assembled()));
            replica.dues.add(scope, part, now);
        }
    }

    fn absorb_scope(
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
    fn records(
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
        let items = match body.items() {
            Ok(items) => items,
            Err(error) => return self.failed(answered, error),
        };
        let next = match self.next_page(flight, items.is_empty(), next) {
            Ok(next) => next,
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
        let since = self.epoch.number();
        let (harvest, differs) = self.lines(stream, scope, Some(id.to_owned()), answered.at, items);
        let place = Place {
            position: next,
            since: answered
                .due
                .place
                .as_ref()
                .map_or(since, |place| place.since),
            began: answered.began(),
            differs: differs
                || answered
                    .due
                    .place
                    .as_ref()
                    .is_some_and(|place| place.differs),
            failures: 0,
            named: answered
                .due
                .place
                .as_ref()
                .map_or_else(Vec::new, |place| place.named.clone()),
        };
        let mut place = place;
        place
            .named
            .extend(silent.iter().filter_map(|item| id_of(item)));
        let is_last = place.position.is_none();
        if let Some(replica) = self.replicas.get_mut(stream.name) {
            if answered.due.is_part {
                replica.count(lines, 0);
            }
            replica
                .dues
                .update(scope, now, |due| due.place = Some(place.clone()));
            // An item that cannot say what the record is gives at least its name.
            for other in silent.iter().filter_map(|item| id_of(item)) {
                let news = answered.due.news.clone();
                let news = news.unwrap_or_else(|| News::unnamed(now));
                let pair = Scope::Pair(other, id.to_owned());
                replica.dues.add(pair, Due::changed(news), now);
            }
        }
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
    fn believe(
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

    fn decide(&mut self, doubt: Doubt, verdict: Verdict, now: Timestamp) {
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
    fn note_rows(&mut self, stream: &Stream, items: &[Item]) {
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

    /// Takes an answer that is no page.
    pub(super) fn trouble(
        &mut self,
        answered: &Answered<'_>,
        shape: Shape,
        answer: Answer,
    ) -> Vec<Harvest> {
        let (stream, scope, now) = (answered.stream, answered.scope, answered.now);
        match answer {
            Answer::Page { .. } | Answer::Dropped => {}
            Answer::Limited { retry_after_s } => {
                self.park_limited(&[stream.name.to_owned()], retry_after_s);
            }
            Answer::Gone => return self.absence(answered, shape),
            Answer::Expired => return self.expired(answered),
            Answer::NotApplicable { error } => {
                self.assemblies.leave(stream, scope);
                if let Some(replica) = self.replicas.get_mut(stream.name) {
                    replica.lack_of_one(scope, error, now);
                    if replica.lacks().is_some() {
                        self.lists.leave(stream.name);
                    }
                }
            }
            Answer::Unavailable { error } => {
                self.assemblies.leave(stream, scope);
                if let Some(replica) = self.replicas.get_mut(stream.name) {
                    replica.fail(scope, Why::Refused, error, now);
                }
            }
            Answer::Refused { error } => return self.not_taken(answered, shape, error),
            Answer::Failed { error } => return self.failed(answered, error),
        }
        Vec::new()
    }

    /// The object does not exist (any more), as Okta answers. As a part of a snapshot that is an answer; otherwise it is
    /// doubted unless an event took it away: an object's end has an event.
    fn absence(&mut self, answered: &Answered<'_>, shape: Shape) -> Vec<Harvest> {
        let Answered {
            stream,
            scope,
            due,
            at,
            now,
            ..
        } = answered;
        self.assemblies.leave(stream, scope);
        let ends = due.news.as_ref().is_some_and(|news| news.ends_if_absent);
        if let (Scope::Object(kind, id) | Scope::Parent(kind, id), true) = (scope, ends) {
            let (replicas, graves) = (&mut self.replicas, &mut self.graves);
            end_everywhere(replicas, graves, (*kind, id), due.cause().as_ref(), *now);
            return Vec::new();
        }
        let since = self.epoch.number();
        let Some(replica) = self.replicas.get_mut(stream.name) else {
            return Vec::new();
        };
        if !replica.forgets(due) {
            replica.end(scope, false, *now);
            return Vec::new();
        }
        let is_claimed = replica.ledger.has_claims(scope);
        match (scope, shape) {
            (Scope::Pair(..), Shape::Object) => {
                let is_loss = due.news.as_ref().is_some_and(|news| news.is_loss)
                    || replica.ledger.says_gone(&scope.shown());
                if replica.ledger.settle(scope, since, Seen::default()) {
                    replica.end(scope, true, *now);
                    return Vec::new();
                }
                if is_loss {
                    replica.end(scope, false, *now);
                    let harvest = self.tombstone(stream, scope, *at);
                    let harvest = harvest.map(|harvest| harvest.because_of(due.cause()));
                    return harvest.into_iter().collect();
                }
            }
            (Scope::Parent(_, id), _) => {
                let missing = replica.judge(id, since, &[]);
                if missing.unexplained == 0 && (missing.explained > 0 || is_claimed) {
                    let place = Place::at_end(since, answered.began(), false);
                    self.believe(stream, scope, &missing, &place, *now);
                    return Vec::new();
                }
            }
            (Scope::Object(..), _) if replica.ledger.settle(scope, since, Seen::default()) => {
                replica.end(scope, true, *now);
                return Vec::new();
            }
            _ => {}
        }
        replica
            .dues
            .update(scope, *now, |due| (due.place, due.item) = (None, None));
        replica.dues.sink(scope, Why::Absent, *now);
        Vec::new()
    }

    fn expired(&mut self, answered: &Answered<'_>) -> Vec<Harvest> {
        let (stream, scope, now) = (answered.stream, answered.scope, answered.now);
        self.assemblies.leave(stream, scope);
        self.run.leave(&answered.target());
        let anew = answered.due.anew + 1;
        if !self.run.may_expire() || anew > MOST_ANEW {
            if let Some(replica) = self.replicas.get_mut(stream.name) {
                replica.dues.update(scope, now, |due| due.anew = 0);
            }
            return self.failed(answered, NO_POSITION.to_owned());
        }
        if let Some(replica) = self.replicas.get_mut(stream.name) {
            replica.dues.update(scope, now, |due| {
                // Lines of the first pages may be of what has gone meanwhile: the second reading forgets them.
                if due.place.take().is_some() && matches!(scope, Scope::Parent(..)) {
                    due.news.get_or_insert_with(|| News::unnamed(now));
                }
                due.anew = anew;
            });
        }
        Vec::new()
    }

    /// Takes Okta's word that it does not take the request as it is (400).
    fn not_taken(&mut self, answered: &Answered<'_>, shape: Shape, error: String) -> Vec<Harvest> {
        let (stream, scope, now) = (answered.stream, answered.scope, answered.now);
        let has_none = match &stream.source {
            Source::PerParent { parents, .. } => parents.refusal_is_none,
            _ => false,
        };
        let Some(replica) = self.replicas.get_mut(stream.name) else {
            return Vec::new();
        };
        match shape {
            Shape::Records { .. } if has_none => {
                tracing::info!(
                    stream = stream.name,
                    object = scope.shown(),
                    error,
                    "it has no records of its own"
                );
                replica.end(scope, false, now);
            }
            // The snapshot asks in another way.
            Shape::Records { .. } if !answered.due.is_part && answered.due.place.is_none() => {
                replica.dues.remove(scope);
                replica.ask(now);
            }
            _ => return self.failed(answered, error),
        }
        Vec::new()
    }

    pub(super) fn failed(&mut self, answered: &Answered<'_>, error: String) -> Vec<Harvest> {
        self.run.leave(&answered.target());
        self.assemblies.leave(answered.stream, answered.scope);
        if let Some(replica) = self.replicas.get_mut(answered.stream.name) {
            replica.fail(answered.scope, Why::Failed, error, answered.now);
        }
        Vec::new()
    }

    /// Spares other streams the request for the object that they must know first.
    fn lend(&mut self, answered: &Answered<'_>, object: &Item) -> Vec<Harvest> {
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
