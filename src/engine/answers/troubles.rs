//! Answers that are no page: what is tried again, given up, or left to a snapshot.

use super::state::{Answered, Answers, streams_of};
use crate::engine::ask::{Answer, Parked};
use crate::engine::guard::LOOKS_AT_AN_ABSENCE;
use crate::engine::harvest::Harvest;
use crate::engine::job::Scope;
use crate::engine::reading::Shape;
use crate::engine::work::Work;
use crate::engine::{settle, snapshots, sweep};
use crate::streams::{Source, by_name};

/// Positions of listings that may turn out expired before a run begins no listing again …
const MOST_EXPIRIES: u32 = 20;
/// … and those of one job before the run leaves it alone.
const EXPIRIES_OF_A_JOB: u32 = 2;
/// Refusals of a listing before its snapshots begin anew when it may be read.
const LASTING_REFUSALS: u32 = 3;
const NO_POSITION: &str = "Okta keeps rejecting page cursors that it has just issued; the next run starts this listing over";

impl Answers {
    /// Takes an answer that is no page.
    pub(super) fn trouble(
        &mut self,
        work: &mut Work,
        answered: &Answered<'_>,
        shape: Shape,
        answer: Answer,
    ) -> Vec<Harvest> {
        let Answered { key, job, .. } = answered;
        match answer {
            Answer::Page { .. } | Answer::Dropped => {}
            Answer::Limited { retry_after_s } => {
                streams_of(work, key, job)
                    .into_iter()
                    .for_each(|stream| work.park_limited(stream, retry_after_s));
            }
            Answer::Gone => return self.absence(work, answered, shape),
            Answer::Expired => return self.expired(work, answered),
            Answer::NotApplicable { error } => lack(work, answered, error),
            Answer::Unavailable { error } => return refused(work, answered, error),
            Answer::Refused { error } => return self.not_taken(work, answered, shape, error),
            Answer::Failed { error } => return failed(work, answered, error, false),
        }
        Vec::new()
    }

    /// The object does not exist (any more), as Okta answers. As a part of a snapshot that is an answer; where
    /// something has changed, it is doubted unless the change took it away: an object's end has an event.
    fn absence(&mut self, work: &mut Work, answered: &Answered<'_>, shape: Shape) -> Vec<Harvest> {
        let Answered {
            key, job, at, now, ..
        } = answered;
        self.assemblies.leave(key);
        if key.scope == Scope::Whole || key.scope == Scope::ChangedSince {
            let error = format!(
                "Okta has no {} at this address: check that the secret's domain is an Okta org",
                key.reads
            );
            return failed(work, answered, error, false);
        }
        let Some(change) = job.change.as_ref().filter(|_| !job.of_snapshot) else {
            work.end(key, *now);
            return Vec::new();
        };
        if let (Scope::Pair(..), Shape::Object, true) = (&key.scope, shape, change.losses > 0)
            && let Some(stream) = by_name(key.reads)
        {
            let harvest = work
                .tombstone(stream, &key.scope, *at)
                .because_of(job.cause());
            work.end(key, *now);
            return vec![harvest];
        }
        if change.ends_if_absent && matches!(key.scope, Scope::Object(..) | Scope::Parent(..)) {
            let change = change.clone();
            work.queue.gone_for_good((*key).clone(), change, *now);
            return Vec::new();
        }
        let looks = job
            .trouble
            .as_ref()
            .filter(|trouble| trouble.doubted)
            .map_or(0, |trouble| trouble.attempts)
            + 1;
        if looks >= LOOKS_AT_AN_ABSENCE {
            // It is left to its end's event, or to the next snapshot.
            work.end(key, *now);
        } else {
            work.restart(key, *now);
            work.queue.sink(key, *now, String::new(), false);
        }
        Vec::new()
    }

    fn expired(&mut self, work: &mut Work, answered: &Answered<'_>) -> Vec<Harvest> {
        let Answered { key, job, now, .. } = answered;
        self.assemblies.leave(key);
        work.restart(key, *now);
        work.expiries += 1;
        let expiries = job.expiries + 1;
        if work.expiries > MOST_EXPIRIES
            || key.scope != Scope::Whole && expiries > EXPIRIES_OF_A_JOB
        {
            work.queue.update(key, *now, |job| job.expiries = 0);
            if key.scope == Scope::Whole {
                streams_of(work, key, job)
                    .into_iter()
                    .for_each(|stream| snapshots::abandon(work, stream, *now));
                let error = Parked::Failed(NO_POSITION.to_owned());
                streams_of(work, key, job)
                    .into_iter()
                    .for_each(|stream| work.park(stream, error.clone()));
                return Vec::new();
            }
            return failed(work, answered, NO_POSITION.to_owned(), false);
        }
        if key.scope == Scope::Whole {
            // Lines that were read before the position was lost may be out of date: new snapshots begin.
            for stream in streams_of(work, key, job) {
                snapshots::abandon(work, stream, *now);
                work.progress_mut(stream).asked |= work
                    .progress(stream)
                    .is_some_and(|known| known.complete.is_some());
            }
            return Vec::new();
        }
        // Lines of the first pages may tell of what has gone meanwhile: the second reading forgets them.
        let had_lines = job.lines > 0;
        work.queue.update(key, *now, |job| {
            job.expiries = expiries;
            if had_lines && matches!(key.scope, Scope::Parent(..)) {
                job.change.get_or_insert_default();
            }
        });
        Vec::new()
    }

    /// Takes Okta's word that it does not take the request as it is (400).
    fn not_taken(
        &mut self,
        work: &mut Work,
        answered: &Answered<'_>,
        shape: Shape,
        error: String,
    ) -> Vec<Harvest> {
        let Answered {
            key, job, at, now, ..
        } = answered;
        let Some(stream) = by_name(key.reads).filter(|_| key.scope != Scope::Whole) else {
            return failed(work, answered, error, false);
        };
        let has_none = match &stream.source {
            Source::PerParent { parents, .. } => parents.refusal_is_none,
            _ => false,
        };
        match shape {
            Shape::Records { .. } if has_none => {
                tracing::info!(
                    stream = stream.name,
                    object = key.scope.told(),
                    error,
                    "it has no records of its own"
                );
                work.end(key, *now);
            }
            // The snapshot asks in another way.
            Shape::Records { .. } if job.change.is_some() && !job.of_snapshot => {
                work.end(key, *now);
                work.make_due(stream);
            }
            Shape::Changes(_) => {
                sweep::ended(work, stream, *at);
                work.end(key, *now);
                work.make_due(stream);
                settle::weigh(work, stream, *now);
            }
            _ => return failed(work, answered, error, false),
        }
        Vec::new()
    }
}

/// Takes a refusal for want of a right, for this object or for all.
pub(super) fn refused(work: &mut Work, answered: &Answered<'_>, error: String) -> Vec<Harvest> {
    let Answered { key, job, now, .. } = answered;
    let attempts = job.trouble.as_ref().map_or(0, |trouble| trouble.attempts) + 1;
    if key.scope == Scope::Whole && attempts >= LASTING_REFUSALS {
        for stream in streams_of(work, key, job) {
            snapshots::abandon(work, stream, *now);
            work.park(stream, Parked::Unavailable(error.clone()));
        }
        return Vec::new();
    }
    failed(work, answered, error, true)
}

/// Takes Okta's word that the org lacks the feature: the stream is left, unless other objects of it were read.
pub(super) fn lack(work: &mut Work, answered: &Answered<'_>, error: String) {
    let Answered { key, job, now, .. } = answered;
    for stream in streams_of(work, key, job) {
        let open = work
            .progress(stream)
            .and_then(|progress| progress.open.as_ref());
        if key.scope != Scope::Whole && open.is_some_and(|open| open.lines > 0) {
            work.fail(key, error.clone(), true, *now);
        } else {
            snapshots::leave_feature(work, stream, error.clone(), *now);
        }
    }
}

pub(super) fn failed(
    work: &mut Work,
    answered: &Answered<'_>,
    error: String,
    is_refused: bool,
) -> Vec<Harvest> {
    let Answered { key, job, now, .. } = answered;
    if job.position.is_none() {
        work.restart(key, *now);
    }
    work.fail(key, error, is_refused, *now);
    if key.scope == Scope::ChangedSince
        && let Some(stream) = by_name(key.reads)
    {
        settle::weigh(work, stream, *now);
    }
    Vec::new()
}
