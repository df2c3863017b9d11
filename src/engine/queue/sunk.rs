//! Jobs that failed, and what a snapshot's end means for the queue.

use jiff::{SignedDuration, Timestamp};

use super::{Queue, Queued};
use crate::engine::job::{Job, JobTrouble, Key, MOST_AWAITING, Scope};

/// Pause after a second failure in a row; after a first one the next run tries again.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_mins(5);
/// Bytes of an error's text that the cursor keeps.
const MOST_ERROR_BYTES: usize = 400;
/// Longest pause.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(24);

impl Queue {
    /// Whether a job need not be kept, because a snapshot is to answer it and many wait for that already.
    pub(super) fn is_spare(&self, key: &Key, job: &Job) -> bool {
        let waits = |(_, job): &(&Key, &Job)| job.left_to_snapshot();
        job.left_to_snapshot()
            && !self.jobs.contains_key(key)
            && self.of(key.reads).filter(waits).take(MOST_AWAITING).count() == MOST_AWAITING
    }

    /// Removes the jobs of pairs that a job of all records of one of their objects reads, too; gives that job with what
    /// events said of them.
    pub(super) fn swallow(&mut self, key: &Key, mut job: Job) -> Job {
        let Scope::Parent(_, id) = &key.scope else {
            return job;
        };
        let narrower = |(other, entry): (&Key, &Queued)| {
            let is_pair = other.reads == key.reads && matches!(other.scope, Scope::Pair(..));
            (is_pair && other.scope.names(id) && !entry.is_under_way).then(|| other.clone())
        };
        for other in self.jobs.iter().filter_map(narrower).collect::<Vec<_>>() {
            let Some(mut change) = self.remove(&other).and_then(|pair| pair.change) else {
                continue;
            };
            if let Some(own) = job.change.take() {
                change.merge(own);
            }
            job.change = Some(change);
        }
        job
    }

    /// Every job that met trouble.
    pub(in crate::engine) fn troubled(&self) -> impl Iterator<Item = (&Key, &JobTrouble)> {
        self.jobs
            .iter()
            .filter_map(|(key, entry)| Some((key, entry.job.trouble.as_ref()?)))
    }

    /// Why a reading of the stream is not believed.
    pub(in crate::engine) fn doubt_of(&self, stream: &str) -> Option<&str> {
        let mut troubled = self
            .troubled()
            .filter(|(key, trouble)| key.reads == stream && trouble.doubted);
        troubled
            .find(|(_, trouble)| !trouble.error.is_empty())
            .map(|(_, trouble)| trouble.error.as_str())
    }

    /// Sinks a job that failed.
    pub(in crate::engine) fn sink(
        &mut self,
        key: &Key,
        now: Timestamp,
        mut error: String,
        refused: bool,
    ) {
        self.leave(key);
        let end = (0..=MOST_ERROR_BYTES.min(error.len()))
            .rev()
            .find(|end| error.is_char_boundary(*end));
        error.truncate(end.unwrap_or_default());
        if let Some(entry) = self.jobs.get_mut(key) {
            let attempts = entry
                .job
                .trouble
                .as_ref()
                .map_or(0, |trouble| trouble.attempts)
                + 1;
            let doubted = error.is_empty();
            // A listing is tried again with every run: all that it serves depends on it.
            let is_listing = matches!(key.scope, Scope::Whole | Scope::ChangedSince);
            let pause = if is_listing {
                SignedDuration::ZERO
            } else {
                pause_after(attempts)
            };
            entry.job.trouble = Some(JobTrouble {
                attempts,
                not_before: now + pause,
                refused,
                doubted,
                error,
            });
            entry.has_sunk = true;
            self.numbers += 1;
            entry.number = self.numbers;
        }
        self.enter(key, now);
    }

    /// Sinks a job whose reading is not believed; its stream is held.
    pub(in crate::engine) fn doubt(&mut self, key: &Key, now: Timestamp, why: String) {
        self.sink(key, now, why, false);
        self.update(key, now, |job| {
            if let Some(trouble) = &mut job.trouble {
                trouble.doubted = true;
            }
        });
    }

    /// Lets jobs of a stream that failed in earlier runs be tried now: `most` of them, whatever their time, or all
    /// where something else of the stream has turned out well again.
    pub(in crate::engine) fn wake(&mut self, reads: &str, most: usize, now: Timestamp) {
        let sunk = |(key, entry): (&Key, &Queued)| {
            let is_late = entry
                .job
                .trouble
                .as_ref()
                .is_some_and(|trouble| trouble.not_before > now);
            (key.reads == reads && is_late && !entry.has_sunk).then(|| key.clone())
        };
        let keys: Vec<_> = self.jobs.iter().filter_map(sunk).take(most).collect();
        for key in keys {
            self.update(&key, now, |job| {
                if let Some(trouble) = &mut job.trouble {
                    trouble.not_before = now;
                }
            });
        }
    }

    /// Ends a stream's snapshot for its jobs. A complete one answers the changes before the time `complete`; its parts
    /// that failed are read on by themselves. One that is not complete (`None`) gives back the jobs that awaited it.
    /// Jobs that nothing else asks for are removed.
    pub(in crate::engine) fn end_snapshot(
        &mut self,
        stream: &'static str,
        complete: Option<Timestamp>,
        now: Timestamp,
    ) {
        let completed = complete.is_some();
        let keys: Vec<_> = self.of(stream).map(|(key, _)| key.clone()).collect();
        for key in keys {
            let Some(job) = self.get(&key) else { continue };
            let latest = job.change.as_ref().and_then(|change| change.latest);
            let is_doubted = job.trouble.as_ref().is_some_and(|trouble| trouble.doubted);
            let is_before = complete
                .zip(latest)
                .is_some_and(|(began_at, latest)| latest < began_at);
            let is_answered = completed
                && !job.of_snapshot
                && (job.left_to_snapshot() || is_doubted || is_before);
            let is_open = job.change.is_some() || job.trouble.is_some() && completed;
            let is_asked = is_open && !is_answered || job.again.is_some();
            if !is_asked && !self.is_under_way(&key) {
                self.remove(&key);
                continue;
            }
            self.update(&key, now, |job| {
                job.of_snapshot = false;
                if is_answered {
                    (job.change, job.trouble) = (job.again.take(), None);
                    if job.change.is_none() {
                        // Its answer is under way, and takes nothing away.
                        return;
                    }
                }
                let change = job.change.get_or_insert_default();
                change.left_to_snapshot = false;
            });
        }
    }

    /// Lets the jobs that await the end of a stream's snapshot be read by themselves.
    pub(in crate::engine) fn release(&mut self, stream: &'static str, now: Timestamp) {
        let waits = |job: &Job| {
            job.change
                .as_ref()
                .is_some_and(|change| change.left_to_snapshot)
                && !job.of_snapshot
        };
        let keys: Vec<_> = self
            .of(stream)
            .filter(|(_, job)| waits(job))
            .map(|(key, _)| key.clone())
            .collect();
        for key in keys {
            self.update(&key, now, |job| {
                if let Some(change) = &mut job.change {
                    change.left_to_snapshot = false;
                }
            });
        }
    }

    /// Restarts the jobs of a stream that have begun: a snapshot that begins now may not rest on them.
    pub(in crate::engine) fn restart(&mut self, stream: &'static str, now: Timestamp) {
        let begun = self
            .of(stream)
            .filter(|(_, job)| job.has_begun())
            .map(|(key, _)| key.clone());
        for key in begun.collect::<Vec<_>>() {
            self.update(&key, now, Job::restart);
        }
    }
}

fn pause_after(attempts: u32) -> SignedDuration {
    match attempts {
        0 | 1 => SignedDuration::ZERO,
        attempts => (FIRST_PAUSE * 3_i32.saturating_pow((attempts - 2).min(6))).min(LONGEST_PAUSE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::queue::Rank;
    use crate::streams::change::Kind;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_000_000_000 + minutes * 60).unwrap()
    }

    fn key(id: &str) -> Key {
        Key {
            reads: "factors",
            scope: Scope::Object(Kind::User, id.to_owned()),
        }
    }

    /// The queue as the next run finds it.
    fn next_run(queue: &Queue, now: Timestamp) -> Queue {
        Queue::read(queue.kept(), now).0
    }

    fn waiting(queue: &Queue, rank: Rank) -> usize {
        queue.waiting("factors", rank).count()
    }

    #[test]
    fn a_wider_job_knows_what_events_said_of_the_narrower_ones() {
        use crate::engine::job::Change;
        let at_all = |scope| Key {
            reads: "application_users",
            scope,
        };
        let change = |cause: &str, losses| Change {
            cause: Some(cause.to_owned()),
            losses,
            ..Change::default()
        };
        let (pair, user) = (
            Scope::Pair("0oa1".into(), "00u1".into()),
            Scope::Parent(Kind::User, "00u1".into()),
        );
        for is_wider_first in [false, true] {
            let mut jobs = [
                (pair.clone(), change("removed", 1)),
                (user.clone(), change("unlocked", 0)),
            ];
            if is_wider_first {
                jobs.reverse();
            }
            let mut queue = Queue::default();
            let newest = jobs[1].1.cause.clone();
            for (scope, change) in jobs {
                queue.add(at_all(scope), Job::changed(change), at(0));
            }
            let [kept] = &queue.kept()[..] else {
                panic!("{:?}", queue.kept())
            };
            let change = kept.job.change.clone().unwrap();
            assert_eq!(
                (&kept.scope, change.losses, change.cause),
                (&user, 1, newest)
            );
        }
    }

    #[test]
    fn a_job_that_fails_sinks_for_longer_each_time() {
        let mut queue = Queue::default();
        queue.add(key("00u1"), Job::of_snapshot(None), at(0));
        queue.sink(&key("00u1"), at(0), "500".to_owned(), false);
        assert_eq!(
            (
                waiting(&queue, Rank::Snapshot),
                waiting(&queue, Rank::Retry)
            ),
            (0, 0)
        );
        let mut queue = next_run(&queue, at(0));
        assert_eq!(waiting(&queue, Rank::Retry), 1, "the next run tries again");
        let mut pauses = Vec::new();
        let mut now = at(0);
        for _ in 0..9 {
            queue.sink(&key("00u1"), now, "500".to_owned(), false);
            let minutes = (0..).find(|minutes| {
                waiting(
                    &next_run(&queue, now + SignedDuration::from_mins(*minutes)),
                    Rank::Retry,
                ) == 1
            });
            pauses.push(minutes.unwrap());
            now += SignedDuration::from_mins(minutes.unwrap());
        }
        assert_eq!(pauses, [5, 15, 45, 135, 405, 1_215, 1_440, 1_440, 1_440]);
    }

    #[test]
    fn a_complete_snapshot_ends_the_jobs_that_it_answered_and_no_others() {
        let change = |minutes| crate::engine::queue::change(None, Some(at(minutes)), false);
        let mut queue = Queue::default();
        queue.add(key("old"), Job::changed(change(0)), at(0));
        queue.add(key("new"), Job::changed(change(9)), at(9));
        queue.add(key("failed"), Job::of_snapshot(None), at(0));
        queue.sink(&key("failed"), at(0), "500".to_owned(), false);
        queue.end_snapshot("factors", Some(at(5)), at(10));
        let left: Vec<_> = queue
            .of("factors")
            .map(|(key, _)| key.scope.told())
            .collect();
        assert_eq!(left, ["failed", "new"]);
        assert_eq!(queue.parts("factors"), (0, 0));
    }

    #[test]
    fn a_snapshot_that_is_held_gives_back_what_awaited_it() {
        let mut queue = Queue::default();
        let mut change = crate::engine::queue::change(None, None, false);
        change.left_to_snapshot = true;
        queue.add(key("00u1"), Job::changed(change), at(0));
        assert_eq!(waiting(&queue, Rank::Changed), 0);
        queue.end_snapshot("factors", None, at(1));
        assert_eq!(waiting(&queue, Rank::Changed), 1);
    }
}
