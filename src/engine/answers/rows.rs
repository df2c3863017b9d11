//! Pages of what has changed lately: rows that answer jobs, that are news, or that make jobs.

use super::state::{Answered, Answers};
use crate::body::Item;
use crate::engine::belief::note_life;
use crate::engine::harvest::Harvest;
use crate::engine::job::{Change, Key, Scope, scope_of};
use crate::engine::queue::Rank;
use crate::engine::work::Work;
use crate::engine::{settle, sweep};
use crate::streams::change::{Identity, Of, Rows, Sweep};
use crate::streams::{Stream, id_of};
use serde_json::value::RawValue;

/// A page of rows that is being read.
struct Sweeping<'a> {
    answered: &'a Answered<'a>,
    stream: &'static Stream,
    swept: &'static Sweep,
    rows: Rows,
    /// The page is read for the jobs that wait, and not because a sweep is due.
    is_for_jobs: bool,
    /// Records of the stream itself that no job waited for.
    news: Vec<Item>,
    /// How many jobs the page answered.
    answers: usize,
}

impl Answers {
    /// A page of what has changed.
    pub(super) fn changed(
        &mut self,
        work: &mut Work,
        answered: &Answered<'_>,
        stream: &'static Stream,
        rows: Rows,
        items: Vec<Item>,
        next: Option<String>,
    ) -> Vec<Harvest> {
        let Some(swept) = &stream.sweep else {
            return Vec::new();
        };
        let is_for_jobs = sweep::is_for_jobs(work, stream, &answered.job);
        let mut page = Sweeping {
            answered,
            stream,
            swept,
            rows,
            is_for_jobs,
            news: Vec::new(),
            answers: 0,
        };
        let mut harvests = Vec::new();
        for row in items {
            match (rows, self.waiting(work, stream, &row)) {
                (Rows::Records, Some(waiting)) => {
                    page.answers += 1;
                    page.mark_life(work, &row);
                    let job = work.queue.get(&waiting).cloned().unwrap_or_default();
                    let answered = Answered {
                        key: &waiting,
                        job,
                        ..*answered
                    };
                    harvests.extend(self.object(work, &answered, stream, row));
                }
                _ => page.unawaited(work, row),
            }
        }
        harvests.extend(page.end(work, next));
        harvests
    }

    /// The job that a row of a sweep answers.
    fn waiting(&self, work: &Work, stream: &'static Stream, row: &RawValue) -> Option<Key> {
        let Identity::Object(kind) = stream.identity else {
            return None;
        };
        let key = Key {
            reads: stream.name,
            scope: scope_of(stream, Of::All(kind), &id_of(row)?)?,
        };
        (work.queue.get(&key).is_some_and(|job| !job.is_gone()) && !work.queue.is_under_way(&key))
            .then_some(key)
    }
}

impl Sweeping<'_> {
    /// Notes the life of a row, where a sweep compares it with what was seen before.
    fn mark_life(&self, work: &mut Work, row: &Item) {
        if !self.is_for_jobs {
            sweep::mark_life(
                work,
                self.swept,
                row,
                self.answered.job.changed_since,
                self.answered.now,
            );
        }
    }

    /// A row that no job waits for: it is news, or makes a job. A page that is read for jobs leaves such rows to the
    /// sweep that is due by time.
    fn unawaited(&mut self, work: &mut Work, row: Item) {
        if self.is_for_jobs || !sweep::is_news(work, self.stream, self.swept, &row) {
            return;
        }
        sweep::note(work, self.stream, &row);
        note_life(work, self.stream, &row);
        self.mark_life(work, &row);
        match self.rows {
            Rows::Records => self.news.push(row),
            Rows::Parents { kind, wanted } => {
                if let Some(id) = id_of(&row).filter(|_| wanted(&row)) {
                    let change = self.answered.job.change.clone().unwrap_or_default();
                    let change = Change {
                        since: None,
                        losses: 0,
                        ..change
                    };
                    work.change(self.stream, Of::All(kind), &id, change, self.answered.now);
                }
            }
        }
    }

    /// Moves the job to the next page where one is worth its request, and ends it otherwise.
    fn end(self, work: &mut Work, next: Option<String>) -> Option<Harvest> {
        let Answered {
            key, job, at, now, ..
        } = self.answered;
        let harvests = work.harvest(self.stream, &key.scope, None, *at, self.news);
        let objects = work.queue.waiting(self.stream.name, Rank::Changed);
        let has_waiting = objects
            .into_iter()
            .any(|key| matches!(key.scope, Scope::Object(..)));
        let is_worth_more = self.answers > 0 && has_waiting || !self.is_for_jobs;
        match next.filter(|_| is_worth_more) {
            Some(next) => work.queue.update(key, *now, |job| {
                (job.position, job.began_at) = (Some(next), job.began_at.or(Some(*at)));
            }),
            None => {
                if !self.is_for_jobs {
                    sweep::ended(work, self.stream, job.began_at.unwrap_or(*at));
                }
                work.end(key, *now);
                settle::weigh(work, self.stream, *now);
            }
        }
        harvests
    }
}
