//! The state that events, answers and snapshots move: knowledge of the org, the jobs that are left, and the contents of
//! the open manifest.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;

use super::ask::{Parked, Plan};
use super::cursor::{Cursor, Seen};
use super::guard::Sizes;
use super::harvest::Harvest;
use super::job::{Change, Job, Key, Scope, scope_of};
use super::order::Order;
use super::queue::{Kept, Queue};
use super::snapshot::{Completed, MOST_EXCEPTED, Progress};
use super::swept::Swept;
use crate::body::Item;
use crate::streams::change::{Identity, Kind, Of};
use crate::streams::{STREAMS, Stream, by_name};

/// Parts of a stream that a run lets fail before it leaves the stream alone, where most fail …
const MOST_FAILURES: usize = 50;
/// … and where the stream was in trouble when the run began.
const FEW_FAILURES: usize = 5;

/// Jobs of a stream in trouble that every run tries, whatever their time.
const PROBES: usize = 3;

/// State that every part of the engine moves.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) plan: Plan,
    pub(super) streams: BTreeMap<String, Progress>,
    pub(super) queue: Queue,
    pub(super) order: Order,
    pub(super) sizes: BTreeMap<String, Sizes>,
    pub(super) seen: Seen,
    pub(super) swept: BTreeMap<String, Swept>,
    pub(super) mentioned: BTreeMap<String, BTreeSet<String>>,
    /// Snapshots and scopes that the next manifest declares complete.
    pub(super) completed: Vec<Completed>,
    /// Number of the newest manifest.
    pub(super) sequence: u64,
    parked: BTreeMap<&'static str, Parked>,
    retry_after_s: Option<i64>,
    /// Jobs of this run that failed, and those that ended well, by stream.
    tried: BTreeMap<&'static str, (usize, usize)>,
    /// Streams that were in trouble when the run began.
    troubled: BTreeSet<String>,
    /// Positions that were followed, by job.
    followed: BTreeMap<Key, HashSet<u64>>,
    /// Users who were read in this run, and whether they are live: a user who is not explains every loss.
    pub(super) lives: BTreeMap<String, bool>,
    /// Positions of listings that turned out expired in this run.
    pub(super) expiries: u32,
}

impl Work {
    pub(super) fn new(plan: Plan, cursor: Cursor, sequence: u64, now: Timestamp) -> Self {
        let mut jobs = cursor.jobs;
        jobs.retain(|kept| !kept.job.serves_nothing(&kept.scope));
        // A reading of one answer, or one that waited for a look, is done from its beginning.
        jobs.iter_mut()
            .filter(|kept| kept.job.position.is_none())
            .for_each(|kept| kept.job.restart());
        let (queue, unknown) = Queue::read(jobs, now);
        let mut work = Self {
            plan,
            streams: cursor.streams,
            queue,
            order: Order::default(),
            sizes: cursor.sizes,
            seen: cursor.seen,
            swept: cursor.swept,
            mentioned: cursor.mentioned,
            completed: Vec::new(),
            sequence,
            parked: BTreeMap::new(),
            retry_after_s: None,
            tried: BTreeMap::new(),
            troubled: BTreeSet::new(),
            followed: BTreeMap::new(),
            lives: BTreeMap::new(),
            expiries: 0,
        };
        unknown.into_iter().for_each(|kept| work.give_back(&kept));
        work.troubled = work
            .queue
            .troubled()
            .map(|(key, _)| key.reads.to_owned())
            .collect();
        work
    }

    /// The cursor, but for the log's position.
    pub(super) fn cursor(&self) -> Cursor {
        Cursor {
            streams: self.streams.clone(),
            jobs: self.queue.kept(),
            swept: self.swept.clone(),
            sizes: self.sizes.clone(),
            seen: self.seen.clone(),
            mentioned: self.mentioned.clone(),
            ..Cursor::default()
        }
    }

    /// A stream of the plan.
    pub(super) fn stream(&self, name: &str) -> Option<&'static Stream> {
        self.plan
            .streams
            .iter()
            .copied()
            .find(|stream| stream.name == name)
    }

    pub(super) fn progress(&self, stream: &str) -> Option<&Progress> {
        self.streams.get(stream)
    }

    pub(super) fn progress_mut(&mut self, stream: &str) -> &mut Progress {
        self.streams.entry(stream.to_owned()).or_default()
    }

    /// Leaves a stream alone for the rest of the run.
    pub(super) fn park(&mut self, stream: &'static str, why: Parked) {
        self.parked.entry(stream).or_insert(why);
    }

    /// Notes a limit: the stream waits, and the run tells for how long.
    pub(super) fn park_limited(&mut self, stream: &'static str, retry_after_s: i64) {
        self.park(stream, Parked::Limited);
        let sooner = self
            .retry_after_s
            .map_or(retry_after_s, |known| known.min(retry_after_s));
        self.retry_after_s = Some(sooner);
    }

    pub(super) fn is_parked(&self, stream: &str) -> bool {
        self.parked.contains_key(stream)
    }

    /// Whether a stream is left alone for another reason than a limit.
    pub(super) fn has_failed(&self, stream: &str) -> bool {
        self.parked(stream)
            .is_some_and(|why| *why != Parked::Limited)
    }

    pub(super) fn parked(&self, stream: &str) -> Option<&Parked> {
        self.parked.get(stream)
    }

    /// Seconds until the first limit lifts that made this run give up work.
    pub(super) fn retry_after_s(&self) -> Option<i64> {
        self.retry_after_s
    }

    /// Makes a snapshot of the stream due, beside one that is open: that one began too early.
    pub(super) fn make_due(&mut self, stream: &Stream) {
        if !stream.listings().is_empty() {
            self.progress_mut(stream.name).asked = true;
        }
    }

    /// Makes a snapshot due in place of a job that this version does not know, or whose stream is not in the plan.
    pub(super) fn give_back(&mut self, kept: &Kept) {
        if let Some(stream) = by_name(&kept.reads).filter(|_| kept.scope != Scope::Whole) {
            let progress = self.progress_mut(stream.name);
            progress.asked |= progress.complete.is_some();
        }
    }

    /// Adds a job for what has changed.
    pub(super) fn change(
        &mut self,
        stream: &'static Stream,
        of: Of,
        id: &str,
        change: Change,
        now: Timestamp,
    ) {
        self.add(stream, of, id, Job::changed(change), now);
    }

    /// Adds a job for records that have an object's id in theirs, or of a pair.
    pub(super) fn add(
        &mut self,
        stream: &'static Stream,
        of: Of,
        id: &str,
        job: Job,
        now: Timestamp,
    ) {
        let is_readable = matches!(of, Of::Pair) || stream.reread(of).is_some();
        let Some(scope) = scope_of(stream, of, id).filter(|_| is_readable) else {
            return self.make_due(stream);
        };
        self.queue.add(
            Key {
                reads: stream.name,
                scope,
            },
            job,
            now,
        );
    }

    /// Records of an answer, to be mapped by their stream's declaration.
    pub(super) fn harvest(
        &mut self,
        stream: &'static Stream,
        scope: &Scope,
        parent: Option<String>,
        at: Timestamp,
        items: Vec<Item>,
    ) -> Option<Harvest> {
        if items.is_empty() {
            return None;
        }
        self.order.absorbed(stream.name, scope);
        Some(Harvest::new(stream, parent, at, items))
    }

    /// A record that is gone.
    pub(super) fn tombstone(
        &mut self,
        stream: &'static Stream,
        scope: &Scope,
        at: Timestamp,
    ) -> Harvest {
        self.order.absorbed(stream.name, scope);
        self.progress_mut(stream.name).removed += 1;
        Harvest::tombstones(stream, vec![scope.told()], at)
    }

    /// Declares that records with the id that were last sent before a manifest are gone.
    pub(super) fn forget(&mut self, stream: &'static Stream, scope: &Scope, since_sequence: u64) {
        let Some(id) = scope.id().map(str::to_owned) else {
            return;
        };
        self.order.absorbed(stream.name, scope);
        self.completed.push(Completed {
            stream: stream.name,
            since_sequence,
            scope: Some(id),
            except: Vec::new(),
        });
    }

    /// Counts lines and requests of the stream's open snapshot.
    pub(super) fn count(&mut self, stream: &str, lines: u64, requests: u64) {
        if let Some(open) = self
            .streams
            .get_mut(stream)
            .and_then(|progress| progress.open.as_mut())
        {
            open.lines += lines;
            open.requests += requests;
        }
    }

    /// Lines of the stream's newest complete snapshot.
    pub(super) fn known_lines(&self, stream: &Stream) -> Option<u64> {
        self.progress(stream.name)?
            .complete
            .as_ref()
            .map(|complete| complete.lines)
    }

    /// Counts the records that go with an object as removed: as many as it had when it was last read, or as an object
    /// of its kind has on average.
    pub(super) fn expect_removals(&mut self, stream: &Stream, kind: Kind, id: &str) {
        if let Some(lines) = self.sizes.get(stream.name).and_then(|sizes| sizes.of(id)) {
            self.progress_mut(stream.name).removed += lines;
            return;
        }
        let owner = STREAMS
            .iter()
            .find(|own| own.identity == Identity::Object(kind));
        let known = |stream: &Stream| self.known_lines(stream);
        if let (Some(all), Some(objects)) = (known(stream), owner.and_then(|owner| known(owner))) {
            self.progress_mut(stream.name).removed += all.div_ceil(objects.max(1));
        }
    }

    /// Ends a job that went well.
    pub(super) fn end(&mut self, key: &Key, now: Timestamp) {
        self.followed.remove(key);
        let Some(job) = self.queue.remove(key) else {
            return;
        };
        if job.of_snapshot
            && let Some(open) = self
                .streams
                .get_mut(key.reads)
                .and_then(|progress| progress.open.as_mut())
        {
            open.answered += 1;
        }
        self.tried.entry(key.reads).or_default().1 += 1;
        if job.trouble.is_some_and(|trouble| !trouble.doubted) {
            // Okta answers again: perhaps for the others, too.
            self.queue.wake(key.reads, usize::MAX, now);
        }
        if let Some(change) = job.again {
            self.queue.add(key.clone(), Job::changed(change), now);
        }
    }

    /// Sinks a job that failed; where most jobs of a stream fail, the run leaves the stream alone.
    pub(super) fn fail(&mut self, key: &Key, error: String, refused: bool, now: Timestamp) {
        self.followed.remove(key);
        let why = if refused {
            Parked::Unavailable(error.clone())
        } else {
            Parked::Failed(error.clone())
        };
        self.queue.sink(key, now, error, refused);
        if key.scope == Scope::Whole {
            return;
        }
        let (failed, answered) = self.tried.entry(key.reads).or_default();
        *failed += 1;
        let most = if self.troubled.contains(key.reads) {
            FEW_FAILURES
        } else {
            MOST_FAILURES
        };
        if *failed >= most && failed > answered {
            self.park(key.reads, why);
        }
    }

    /// Begins a job's reading anew.
    pub(super) fn restart(&mut self, key: &Key, now: Timestamp) {
        self.followed.remove(key);
        self.queue.update(key, now, Job::restart);
    }

    /// Lets a few jobs be tried of each stream that is in trouble as a whole, not for a few objects: Okta may answer
    /// again.
    pub(super) fn wake_a_little(&mut self, now: Timestamp) {
        for stream in self.troubled.clone() {
            let (failed, ended) = (
                self.queue
                    .troubled()
                    .filter(|(key, _)| key.reads == stream)
                    .count(),
                MOST_EXCEPTED,
            );
            if failed > ended
                || self
                    .progress(&stream)
                    .is_some_and(|progress| progress.open.is_some())
            {
                self.queue.wake(&stream, PROBES, now);
            }
        }
    }

    /// Follows a link; `false` where it was followed before in this listing.
    pub(super) fn follow(&mut self, key: &Key, from: &str, to: &str) -> bool {
        let hash = |path: &str| {
            let mut hasher = DefaultHasher::new();
            path.hash(&mut hasher);
            hasher.finish()
        };
        let followed = self.followed.entry(key.clone()).or_default();
        followed.insert(hash(from));
        followed.insert(hash(to))
    }
}
