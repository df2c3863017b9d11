//! The engine's asks, carried out: fetch, map, compress, store, commit.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use super::begun::Begun;
use super::counted::Counted;
use super::joined::Joined;
use super::outcome::{Ended, answer_of, snapshot_of};
use super::plan::{answered_by, plan};
use super::recall::recall;
use super::swept::LastSweeps;
use super::{Failure, Handler, Run, heads, ledgers, org_url};
use crate::COLLECTOR;
use crate::authomize::rfc3339;
use crate::batch::{BatchEntry, Batches, Sealed};
use crate::clock::Clock;
use crate::commit::{CommitError, CommitLog, Gap, Head, LedgerEntry, Manifest, SCHEMA};
use crate::engine::{Ask, Cursor, Engine, Fetch, Harvest};
use crate::invocation::Request;
use crate::okta::{self, Org, Page, Within};
use crate::secret::Secrets;
use crate::seen_methods::SeenMethods;
use crate::store::{ContentType, Store, StoreError};
use crate::streams::change::Kind;
use crate::streams::{Source, Stream, by_name};

/// One run's collecting.
pub(super) struct Collecting<'a, S> {
    run: &'a Run,
    clock: &'a Clock,
    swept: &'a LastSweeps,
    store: S,
    prefix: &'a str,
    org: Org,
    joined: Joined,
    log: CommitLog<S>,
    head: Head,
    engine: Engine,
    flights: JoinSet<(u64, Result<Page, okta::Error>)>,
    begun: Begun,
    harvests: VecDeque<Harvest>,
    batches: Batches,
    uploads: JoinSet<Result<(), StoreError>>,
    /// Second factors that the log shows and the lists of factors may not.
    seen: SeenMethods,
    /// Counted of the activity since the last commit.
    counted: Counted,
    /// Batches that the next manifest will name.
    entries: Vec<BatchEntry>,
    ended: Ended,
    /// When the log was last looked at for another run's commit.
    looked_at: Timestamp,
    /// Why the run cannot go on, once its records are committed.
    failure: Option<Failure>,
}

/// How often a run looks whether another one has committed: it would go on in vain.
const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(5);

/// The engine is asked so often while no answer comes: one keeps neither a commit nor the run's end waiting.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The stream whose records the System Log may contradict.
const FACTORS: &str = "factors";

/// Batches on their way to the bucket at once.
const MOST_UPLOADS: usize = 3;

impl<'a, S: Store> Collecting<'a, S> {
    #[expect(
        clippy::too_many_arguments,
        reason = "the one place where all parts of a run meet"
    )]
    pub(super) fn new<B: Store, V: Secrets>(
        handler: &'a Handler<B, V>,
        store: S,
        run: &'a Run,
        request: &Request,
        org: Org,
        log: CommitLog<S>,
        head: Head,
        cursor: Cursor,
        streams: Vec<&'static Stream>,
        reads_log: bool,
    ) -> Self {
        let config = &handler.config;
        let swept_at = handler.swept.of(&run.integration.slug);
        let plan = plan(
            config,
            &run.integration,
            request,
            &streams,
            reads_log,
            swept_at,
        );
        let date = rfc3339(run.began_at)[..10].to_owned();
        Self {
            run,
            clock: &handler.clock,
            swept: &handler.swept,
            store,
            prefix: &config.prefix,
            org,
            joined: Joined::default(),
            log,
            engine: Engine::new(plan, cursor, head.sequence, run.began_at),
            ended: Ended::new(&streams, head.sequence),
            seen: SeenMethods::of(&head.cursor),
            head,
            flights: JoinSet::new(),
            begun: Begun::default(),
            harvests: VecDeque::new(),
            batches: Batches::new(&config.prefix, &run.integration.slug, &date, &run.id),
            uploads: JoinSet::new(),
            counted: Counted::new(&streams, run.began_at),
            entries: Vec::new(),
            looked_at: run.began_at,
            failure: None,
        }
    }

    pub(super) async fn run(mut self) -> Result<Ended, Failure> {
        self.mend_copy().await;
        loop {
            let now = self.clock.now();
            let is_over =
                now >= self.run.stop_at || now >= answered_by(self.run) && self.flights.is_empty();
            if is_over || self.failure.is_some() {
                self.engine.stop();
                self.flights.abort_all();
            }
            if self.is_superseded(now).await {
                self.ended.supersede();
                break;
            }
            let ask = self.send_what_is_asked(now);
            // The next requests are on their way; now there is time to map the answers.
            self.map_harvests().await?;
            match ask {
                Ask::Done => break,
                Ask::Commit => {
                    if !self.commit().await? {
                        break;
                    }
                }
                Ask::Recall(since) => {
                    let until = now + self.run.stop_at.duration_since(now) / 2;
                    self.engine
                        .recalled(recall(&self.log, &self.head, since, until, self.clock).await?);
                }
                Ask::Ledgers => {
                    let stored = ledgers::stored(&self.store, &self.head.ledger).await?;
                    self.engine.ledgers(&stored);
                }
                Ask::Write(harvests) => self.harvests.extend(harvests),
                Ask::Wait | Ask::Fetch(_) => self.take_answer().await?,
            }
        }
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        if !self.ended.is_superseded() {
            self.swept.note(
                &self.run.integration.slug,
                &self.engine.standing().swept_at(),
            );
        }
        self.ended
            .conclude(&self.engine, self.org.used(), self.clock.now());
        self.ended.advise(FACTORS, self.seen.hidden());
        Ok(self.ended)
    }

    /// Whether another run has committed meanwhile, looked up now and then. The commit reports a bucket in trouble.
    async fn is_superseded(&mut self, now: Timestamp) -> bool {
        if now.duration_since(self.looked_at) < LOOK_EVERY {
            return false;
        }
        self.looked_at = now;
        self.log.is_behind(&self.head).await.unwrap_or_default()
    }

    /// A crash between a manifest and its cursor copy leaves the copy old.
    async fn mend_copy(&mut self) {
        if !self.head.copy_is_current && self.head.sequence > 0 {
            match self.log.copy_cursor(&self.head).await {
                Ok(()) => self.head.copy_is_current = true,
                Err(error) => tracing::warn!(%error, "the cursor's copy could not be mended"),
            }
        }
    }

    fn send_what_is_asked(&mut self, now: Timestamp) -> Ask {
        // From then on no request is sent any more: what is under way is waited for.
        while self.flights.len() < self.org.room()
            && (now < answered_by(self.run) || self.flights.is_empty())
        {
            let (org, begun) = (&self.org, &self.begun);
            let has_room = |path: &str| begun.has_room(org, path);
            match self.engine.next_where(now, &has_room) {
                Ask::Fetch(Fetch {
                    ticket,
                    path,
                    omits,
                }) => {
                    let within = Within {
                        sent_by: self.engine.commit_by(now),
                        until: answered_by(self.run),
                    };
                    let (org, joined) = (self.org.clone(), self.joined.clone());
                    self.begun.add(&org, ticket, &path);
                    self.flights.spawn(async move {
                        (ticket, joined.get(&org, &path, omits, within).await)
                    });
                }
                ask => return ask,
            }
        }
        Ask::Wait
    }

    async fn take_answer(&mut self) -> Result<(), Failure> {
        let joined = tokio::time::timeout(LONGEST_WAIT, self.flights.join_next()).await;
        let Ok(joined) = joined else { return Ok(()) };
        let Some(joined) = joined else {
            // The engine waits for the answers that it has given up.
            self.engine.stop();
            return Ok(());
        };
        let (ticket, got) = match joined {
            Ok(answer) => answer,
            Err(error) if error.is_cancelled() => return Ok(()),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        self.begun.remove(ticket);
        match answer_of(got) {
            Ok(answer) => {
                let harvests = self.engine.absorb(ticket, answer, self.clock.now());
                self.harvests.extend(harvests);
            }
            // Nothing more can be had; the records so far are committed first.
            Err(failure) => self.failure = Some(failure),
        }
        Ok(())
    }

    async fn map_harvests(&mut self) -> Result<(), Failure> {
        while let Some(harvest) = self.harvests.pop_front() {
            let is_activity = matches!(harvest.stream.source, Source::SystemLog { .. });
            // The log is read for changes and use even where its lines are not wanted.
            let is_written = self
                .engine
                .standing()
                .streams()
                .iter()
                .any(|stream| stream.name == harvest.stream.name);
            if !is_written && !is_activity {
                continue;
            }
            let (mut sealed, mut contradicted) = (Vec::new(), Vec::new());
            for record in harvest.records(&self.run.integration.rules) {
                let warn = |odd: &_| {
                    tracing::warn!(
                        stream = harvest.stream.name,
                        odd,
                        "an object could not be a record"
                    )
                };
                let Ok(mut record) = record.inspect_err(warn) else {
                    continue;
                };
                if is_activity {
                    self.counted.event(&record);
                    contradicted.extend(
                        self.seen
                            .event(&record)
                            .map(|user| (user, record.id.clone())),
                    );
                }
                if record.stream == FACTORS {
                    self.seen.reading(&mut record);
                }
                if is_written {
                    sealed.extend(self.batches.push(&record).map_err(unwritten)?);
                }
            }
            for batch in sealed {
                self.upload(batch).await?;
            }
            for (user, cause) in contradicted {
                self.read_factors_again(&user, cause);
            }
        }
        Ok(())
    }

    /// Has the factors of somebody read again whom the event `cause` contradicts.
    fn read_factors_again(&mut self, user: &str, cause: String) {
        if let Some(factors) = by_name(FACTORS) {
            let now = self.clock.now();
            self.engine
                .look_again(factors, Kind::User, user, Some(cause), now);
        }
    }

    async fn upload(&mut self, batch: Sealed) -> Result<(), Failure> {
        while self.uploads.len() >= MOST_UPLOADS {
            self.await_upload().await?;
        }
        let (store, key) = (self.store.clone(), batch.entry.key.clone());
        self.entries.push(batch.entry);
        self.uploads
            .spawn(async move { store.put(&key, batch.body, ContentType::Batch).await });
        Ok(())
    }

    async fn await_upload(&mut self) -> Result<(), Failure> {
        match self.uploads.join_next().await {
            None => Ok(()),
            Some(Ok(stored)) => Ok(stored?),
            Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Stores the open batches, then creates the manifest. Returns whether the run goes on: not
    /// where another run was first.
    async fn commit(&mut self) -> Result<bool, Failure> {
        for record in self.counted.lines(self.head.sequence + 1, self.clock.now()) {
            if let Some(full) = self.batches.push(&record).map_err(unwritten)? {
                self.upload(full).await?;
            }
        }
        for batch in self.batches.seal().map_err(unwritten)? {
            self.upload(batch).await?;
        }
        while !self.uploads.is_empty() {
            self.await_upload().await?;
        }
        let moved = self.engine.moved_ledgers();
        let place = (self.prefix, self.run.integration.slug.as_str());
        let ledger = ledgers::store(&self.store, place, &self.head.ledger, moved).await?;
        let manifest = self.manifest(ledger);
        match self.log.commit(&manifest).await {
            Ok(head) => self.head = head,
            Err(CommitError::Superseded { sequence, run }) => {
                tracing::warn!(sequence, run, "another run committed first");
                self.ended.supersede();
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        }
        heads::keep(
            &self.store,
            &self.log,
            self.prefix,
            &manifest,
            self.clock.now(),
        )
        .await;
        self.looked_at = self.clock.now();
        self.ended
            .committed(&manifest, self.counted.take(), self.looked_at);
        self.engine.committed(manifest.sequence, self.clock.now());
        Ok(true)
    }

    fn manifest(&mut self, ledger: BTreeMap<String, LedgerEntry>) -> Manifest {
        let integration = &self.run.integration;
        let completed = self.engine.standing().completed().to_vec();
        if completed
            .iter()
            .any(|done| done.stream == FACTORS && done.scope.is_none())
        {
            self.seen.all_are_read();
        }
        let mut cursor =
            serde_json::to_value(self.engine.cursor()).expect("the cursor's keys are strings");
        self.seen.keep_in(&mut cursor);
        let mut batches = std::mem::take(&mut self.entries);
        // An assembled record may define objects of other streams in passing; those streams' own
        // lines come after and have the last word. Lines of one stream keep their order.
        batches
            .sort_by_key(|batch| by_name(batch.stream).is_none_or(|stream| !stream.is_assembled()));
        Manifest {
            schema: SCHEMA,
            collector: COLLECTOR,
            sequence: self.head.sequence + 1,
            previous_sha256: self.head.sha256.clone(),
            integration: integration.slug.clone(),
            org: org_url(integration),
            owner: integration.owner.clone(),
            run: self.run.id.clone(),
            request_id: self.run.request_id.clone(),
            committed_at: rfc3339(self.clock.now()),
            mode: self.run.mode.word(),
            batches,
            snapshots: completed.iter().map(snapshot_of).collect(),
            ledger,
            gap: self.engine.standing().gap().map(|gap| Gap {
                from: rfc3339(gap.from),
                to: rfc3339(gap.to),
            }),
            cursor,
        }
    }
}

/// A record that cannot be serialized: no stream makes one.
fn unwritten(error: std::io::Error) -> StoreError {
    StoreError::Unreachable(format!("a record could not be written: {error}"))
}
