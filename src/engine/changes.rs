//! Pages of what has changed lately: rows that answer readings that are due, that are news, or that make scopes due.

use jiff::Timestamp;

use super::Engine;
use super::ask::Answer;
use super::due::{Due, News, Rank};
use super::flights::{Flight, Target};
use super::harvest::Harvest;
use super::scope::Scope;
use super::scopes::Answered;
use super::settle;
use crate::body::Item;
use crate::streams::change::{Identity, Kind, Of, Rows, Sweep, Touches};
use crate::streams::{STREAMS, Stream, id_of};

impl Engine {
    pub(super) fn absorb_changes(
        &mut self,
        stream: &'static Stream,
        flight: &Flight,
        answer: Answer,
        now: Timestamp,
    ) -> Vec<Harvest> {
        let Some(swept) = self.swept_mut(stream) else {
            return Vec::new();
        };
        swept.answered();
        let error = match answer {
            Answer::Page { body, next } => match self.items(flight, &body, next) {
                Ok((items, next)) => return self.rows(stream, flight.sent_at, items, next, now),
                Err(error) => error,
            },
            Answer::Dropped => return Vec::new(),
            Answer::Limited { retry_after_s } => {
                self.park_limited(&[stream.name.to_owned()], retry_after_s);
                return Vec::new();
            }
            Answer::Expired if self.run.may_expire() => {
                self.run.leave(&flight.target);
                if let Some(swept) = self.swept_mut(stream) {
                    swept.restart();
                }
                return Vec::new();
            }
            Answer::Expired => {
                "Okta keeps rejecting page cursors that it has just issued".to_owned()
            }
            Answer::Refused { error } => {
                self.refused_sweep(stream, flight.sent_at, &error, now);
                return Vec::new();
            }
            Answer::Failed { error }
            | Answer::Unavailable { error }
            | Answer::NotApplicable { error } => error,
            Answer::Gone => "Okta has no such listing".to_owned(),
        };
        tracing::warn!(
            stream = stream.name,
            error,
            "what has changed lately could not be listed; the next run asks again"
        );
        self.run.leave(&flight.target);
        if let Some(swept) = self.swept_mut(stream) {
            swept.failed();
        }
        self.weigh(stream, now);
        Vec::new()
    }

    /// The org does not take the question: it is asked again tomorrow. What an event named nothing of is in the next
    /// snapshot.
    fn refused_sweep(
        &mut self,
        stream: &'static Stream,
        at: Timestamp,
        error: &str,
        now: Timestamp,
    ) {
        tracing::warn!(
            stream = stream.name,
            error,
            "Okta refuses to list what has changed lately: silent changes wait for the next snapshot"
        );
        let Some(replica) = self.replicas.get_mut(stream.name) else {
            return;
        };
        let mut had_cause = false;
        if let Some(swept) = &mut replica.swept {
            had_cause = swept
                .reading()
                .is_some_and(|reading| reading.cause.is_some());
            swept.refused(at);
        }
        if had_cause {
            replica.ask(now);
        }
        self.weigh(stream, now);
    }

    fn rows(
        &mut self,
        stream: &'static Stream,
        at: Timestamp,
        items: Vec<Item>,
        next: Option<String>,
        now: Timestamp,
    ) -> Vec<Harvest> {
        let Some(sweep) = &stream.sweep else {
            return Vec::new();
        };
        let mut harvests = Vec::new();
        let mut news = Vec::new();
        let mut answers = 0;
        let is_for_dues = self
            .swept_mut(stream)
            .and_then(|swept| swept.reading().map(|reading| reading.is_for_dues))
            .unwrap_or_default();
        for row in items {
            let waiting = self
                .waiting(stream, &row)
                .filter(|_| matches!(sweep.rows, Rows::Records));
            if let Some(scope) = waiting {
                answers += 1;
                if !is_for_dues {
                    self.mark_life(stream, sweep, &row, now);
                }
                harvests.extend(self.row_of(stream, &scope, row, at, now));
            } else if !is_for_dues && self.is_news(stream, sweep, &row) {
                self.take_news(stream, sweep, &row, now);
                if matches!(sweep.rows, Rows::Records) {
                    news.push(row);
                }
            }
        }
        harvests.extend(self.lines(stream, &Scope::Whole, None, at, news).0);
        let is_worth_more = !is_for_dues || answers > 0 && self.has_waiting(stream);
        self.end_page(stream, at, next.filter(|_| is_worth_more), now);
        harvests
    }

    /// Goes on with the next page of a sweep, or ends it.
    fn end_page(
        &mut self,
        stream: &'static Stream,
        at: Timestamp,
        next: Option<String>,
        now: Timestamp,
    ) {
        let Some(swept) = self.swept_mut(stream) else {
            return;
        };
        match next {
            Some(next) => swept.go_on(next, at),
            None => swept.ended(at),
        }
        if swept.reading().is_none() {
            self.run.leave(&Target::Changes(stream.name));
            self.weigh(stream, now);
        }
    }

    /// Whether a reading of all that a user has waits for the user's own, which says whether they are live.
    pub(super) fn waits_for_life(&self, scope: &Scope) -> bool {
        let (Scope::Parent(kind, id), Some(users)) = (scope, self.replicas.users()) else {
            return false;
        };
        users.identity == Identity::Object(*kind)
            && self.is_coming(users, &Scope::Object(*kind, id.clone()))
    }

    /// Whether an object that changed still waits for a row of the sweep.
    fn has_waiting(&self, stream: &Stream) -> bool {
        self.replicas.get(stream.name).is_some_and(|replica| {
            let mut waiting = replica.dues.ready(Rank::Changed);
            waiting.any(|scope| matches!(scope, Scope::Object(..)))
        })
    }

    /// The scope that a row of a sweep answers.
    fn waiting(&self, stream: &'static Stream, row: &Item) -> Option<Scope> {
        let Identity::Object(kind) = stream.identity else {
            return None;
        };
        let scope = Scope::of(stream, Of::All(kind), &id_of(row)?)?;
        let dues = &self.replicas.get(stream.name)?.dues;
        (dues.get(&scope).is_some() && !dues.is_under_way(&scope)).then_some(scope)
    }

    fn row_of(
        &mut self,
        stream: &'static Stream,
        scope: &Scope,
        row: Item,
        at: Timestamp,
        now: Timestamp,
    ) -> Vec<Harvest> {
        let due = self
            .replicas
            .get(stream.name)
            .and_then(|replica| replica.dues.get(scope).cloned())
            .unwrap_or_default();
        // Streams that must know the object first are spared their own request for it.
        let path = stream
            .reread(Of::All(match scope {
                Scope::Object(kind, _) => *kind,
                _ => return Vec::new(),
            }))
            .map(|reread| match &reread.read {
                crate::streams::change::Read::Object { path } => {
                    path.replace("{id}", scope.id().unwrap_or_default())
                }
                _ => String::new(),
            })
            .unwrap_or_default();
        let answered = Answered {
            stream,
            scope,
            due,
            at,
            now,
            path: &path,
        };
        self.object(&answered, row)
    }

    /// Whether a row of a sweep is of a change that was not read yet.
    fn is_news(&mut self, stream: &Stream, sweep: &Sweep, row: &Item) -> bool {
        let Some(swept) = self.swept_mut(stream) else {
            return true;
        };
        match (id_of(row), (sweep.time)(row)) {
            (Some(id), Some(time)) => !swept.has_seen(&id, time),
            _ => true,
        }
    }

    /// Takes a row that no reading waits for.
    fn take_news(&mut self, stream: &'static Stream, sweep: &Sweep, row: &Item, now: Timestamp) {
        if let (Some(id), Some(time)) = (id_of(row), (sweep.time)(row))
            && let Some(swept) = self.swept_mut(stream)
        {
            swept.see(&id, time);
        }
        self.note_life(stream, row);
        self.mark_life(stream, sweep, row, now);
        let Rows::Parents { kind, wanted } = sweep.rows else {
            return;
        };
        let id = id_of(row).filter(|_| wanted(row));
        let Some(scope) = id.and_then(|id| Scope::of(stream, Of::All(kind), &id)) else {
            return;
        };
        if let Some(replica) = self.replicas.get_mut(stream.name) {
            let cause = replica
                .swept
                .as_ref()
                .and_then(|swept| swept.reading()?.cause.clone());
            let news = News {
                cause,
                ..News::unnamed(now)
            };
            replica.touch(scope, Due::changed(news), now);
        }
    }

    /// A user whose life changed lately is read with all that belongs to them.
    fn mark_life(&mut self, stream: &'static Stream, sweep: &Sweep, row: &Item, now: Timestamp) {
        let since = self
            .swept_mut(stream)
            .and_then(|swept| swept.reading().map(|reading| reading.since));
        let (Some(life), Some(id)) = (sweep.life, id_of(row)) else {
            return;
        };
        if life(row).is_none_or(|changed| since.is_some_and(|since| changed < since)) {
            return;
        }
        self.touch_life(stream, &id, now);
    }

    /// Makes due all that a user has, if the stream is that of the users.
    pub(super) fn touch_life(&mut self, stream: &Stream, id: &str, now: Timestamp) {
        if stream
            .sweep
            .as_ref()
            .is_none_or(|sweep| sweep.life.is_none())
        {
            return;
        }
        let lives = |stream: &&&'static Stream| {
            stream
                .changed_by
                .iter()
                .any(|by| by.touches == Touches::Life)
        };
        for other in STREAMS.iter().filter(lives) {
            let Some(scope) = Scope::of(other, Of::All(Kind::User), id) else {
                continue;
            };
            if other.name != stream.name
                && self.replicas.is_planned(other.name)
                && let Some(replica) = self.replicas.get_mut(other.name)
                && replica.is_known()
            {
                replica.touch(scope, Due::changed(News::unnamed(now)), now);
            }
        }
    }

    fn weigh(&mut self, stream: &Stream, now: Timestamp) {
        if let Some(replica) = self.replicas.get_mut(stream.name) {
            replica.weigh(settle::FEW_SCOPES, now);
        }
    }

    fn swept_mut(&mut self, stream: &Stream) -> Option<&mut super::sweep::Swept> {
        self.replicas.get_mut(stream.name)?.swept.as_mut()
    }
}
