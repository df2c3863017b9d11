//! Answers that are no page: what is tried again, given up, or left to a snapshot.

use super::Engine;
use super::absorb::NO_POSITION;
use super::ask::Answer;
use super::due::{News, Place, Why};
use super::events::end_everywhere;
use super::harvest::Harvest;
use super::ledger::Seen;
use super::reading::Shape;
use super::scope::Scope;
use super::scopes::Answered;
use crate::streams::Source;

/// Times that a reading begins anew in a run because its position has expired.
const MOST_ANEW: u8 = 2;

impl Engine {
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
    pub(super) fn absence(&mut self, answered: &Answered<'_>, shape: Shape) -> Vec<Harvest> {
        let Answered {
            stream,
            scope,
            due,
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
        self.absence_of_change(answered, shape, since)
    }

    /// As [`Self::absence`], of what events named.
    fn absence_of_change(
        &mut self,
        answered: &Answered<'_>,
        shape: Shape,
        since: u64,
    ) -> Vec<Harvest> {
        let (stream, scope, now) = (answered.stream, answered.scope, answered.now);
        let Some(replica) = self.replicas.get_mut(stream.name) else {
            return Vec::new();
        };
        let is_claimed = replica.ledger.has_claims(scope);
        match (scope, shape) {
            (Scope::Pair(..), Shape::Object) => {
                let news = answered.due.news.as_ref();
                let is_loss = news.is_some_and(|news| news.is_loss)
                    || replica.ledger.says_gone(&scope.shown());
                if replica.ledger.settle(scope, since, Seen::default()) {
                    replica.end(scope, true, now);
                    return Vec::new();
                }
                if is_loss {
                    replica.end(scope, false, now);
                    let harvest = self.tombstone(stream, scope, answered.at);
                    let harvest = harvest.map(|harvest| harvest.because_of(answered.due.cause()));
                    return harvest.into_iter().collect();
                }
            }
            (Scope::Parent(_, id), _) => {
                let missing = replica.judge(id, since, &[]);
                if missing.unexplained == 0 && (missing.explained > 0 || is_claimed) {
                    let place = Place::at_end(since, answered.began(), false);
                    self.believe(stream, scope, &missing, &place, now);
                    return Vec::new();
                }
            }
            (Scope::Object(..), _) if replica.ledger.settle(scope, since, Seen::default()) => {
                replica.end(scope, true, now);
                return Vec::new();
            }
            _ => {}
        }
        replica.leave_open(scope, Why::Absent, now);
        Vec::new()
    }

    pub(super) fn expired(&mut self, answered: &Answered<'_>) -> Vec<Harvest> {
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
    pub(super) fn not_taken(
        &mut self,
        answered: &Answered<'_>,
        shape: Shape,
        error: String,
    ) -> Vec<Harvest> {
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
}
