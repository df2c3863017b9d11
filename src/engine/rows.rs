//! Pages of what has changed lately: rows that answer jobs, that are news, or that make jobs.

use super::absorb::{Answered, Answers};
use super::belief::note_life;
use super::harvest::Harvest;
use super::job::{Change, Key, Scope};
use super::queue::Rank;
use super::work::{Work, scope_of};
use super::{settle, sweep};
use crate::body::Item;
use crate::streams::change::{Identity, Of, Rows};
use crate::streams::{Stream, id_of};
use serde_json::value::RawValue;

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
        let Answered { key, job, at, now, .. } = answered;
        let Some(swept) = &stream.sweep else { return Vec::new() };
        let is_for_jobs = sweep::is_for_jobs(work, stream, job);
        let (mut harvests, mut news, mut answers) = (Vec::new(), Vec::new(), 0);
        for row in items {
            match (rows, self.waiting(work, stream, &row)) {
                (Rows::Records, Some(waiting)) => {
                    answers += 1;
                    if !is_for_jobs {
                        sweep::mark_life(work, swept, &row, job.changed_since, *now);
                    }
                    let job = work.queue.get(&waiting).cloned().unwrap_or_default();
                    let answered = Answered { key: &waiting, job, at: *at, now: *now, path: answered.path };
                    harvests.extend(self.object(work, &answered, stream, row));
                }
                // What nobody waits for is left to the sweep that is due by time.
                _ if is_for_jobs || !sweep::is_news(work, stream, swept, &row) => {}
                _ => {
                    sweep::note(work, stream, &row);
                    note_life(work, stream, &row);
                    sweep::mark_life(work, swept, &row, job.changed_since, *now);
                    match rows {
                        Rows::Records => news.push(row),
                        Rows::Parents { kind, wanted } => {
                            if let Some(id) = id_of(&row).filter(|_| wanted(&row)) {
                                let change = job.change.clone().unwrap_or_default();
                                let change = Change { since: None, losses: 0, ..change };
                                work.change(stream, Of::All(kind), &id, change, *now);
                            }
                        }
                    }
                }
            }
        }
        harvests.extend(work.harvest(stream, &key.scope, None, *at, news));
        let objects = work.queue.waiting(stream.name, Rank::Changed);
        let has_waiting = objects.into_iter().any(|key| matches!(key.scope, Scope::Object(..)));
        let is_worth_more = answers > 0 && has_waiting || !is_for_jobs;
        match next.filter(|_| is_worth_more) {
            Some(next) => work.queue.update(key, *now, |job| {
                (job.position, job.began_at) = (Some(next), job.began_at.or(Some(*at)));
            }),
            None => {
                if !is_for_jobs {
                    sweep::ended(work, stream, job.began_at.unwrap_or(*at));
                }
                work.end(key, *now);
                settle::weigh(work, stream, *now);
            }
        }
        harvests
    }

    /// The job that a row of a sweep answers.
    fn waiting(&self, work: &Work, stream: &'static Stream, row: &RawValue) -> Option<Key> {
        let Identity::Object(kind) = stream.identity else { return None };
        let key = Key { reads: stream.name, scope: scope_of(stream, Of::All(kind), &id_of(row)?)? };
        (work.queue.get(&key).is_some_and(|job| !job.is_gone()) && !work.queue.is_under_way(&key)).then_some(key)
    }
}
