//! One run: the engine's asks carried out by one thread in virtual time. All that the simulation knows of the engine is in
//! this file, and its words for an answer in `client`.

use std::collections::{BTreeMap, BTreeSet};

use fake_org::Fault;
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use okta_authomize::engine::{Answer, Ask, Cursor, Engine, Fetch, Harvest, Parked, Plan, Recalled};
use okta_authomize::head::Checkpoint;
use okta_authomize::record::{Op, Record};
use okta_authomize::scrub::Rules;
use okta_authomize::streams::{STREAMS, Source, Stream};
use okta_authomize::usage::Usage;
use reader::{Snapshot, State};
use serde_json::{Value, json};

use super::client::{Meaning, limited, meaning, path_of, reset_of};
use super::world::World;

/// A function's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    pub full_hours: i64,
    pub factors_hours: i64,
    pub checkpoint_s: i64,
    pub lookback_days: i64,
    pub off: Vec<&'static str>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            full_hours: 24,
            factors_hours: 48,
            checkpoint_s: 60,
            lookback_days: 30,
            off: Vec::new(),
        }
    }
}

/// What a run is asked for, and what becomes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub full: bool,
    pub accept: Vec<&'static str>,
    /// Until its deadline.
    pub seconds: i64,
    pub kill: Option<Kill>,
    /// Of the times that answers take, and so of their order.
    pub seed: u64,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            full: false,
            accept: Vec::new(),
            seconds: 300,
            kill: None,
            seed: 1,
        }
    }
}

/// When a run is killed: at its n-th act of a kind, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kill {
    Request(usize),
    BeforeManifest(usize),
    AfterManifest(usize),
}

/// A collector that is broken on purpose, to try the simulation itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// Every commit forgets all that it does not repeat.
    ForgetsAll,
    /// Nothing is ever forgotten, and no tombstone written.
    ForgetsNothing,
    /// One page in eight is lost.
    LosesPages,
    /// Events that are read again are committed again.
    RepeatsEvents,
    /// The last cursor of a run is not kept.
    LosesCursor,
}

/// What outlives a run.
pub struct Bucket {
    pub settings: Settings,
    pub broken: Option<Broken>,
    /// A reader that has applied every commit.
    pub reader: State,
    pub sequence: u64,
    pub cursor: Value,
    pub cursor_bytes: usize,
    /// What the collector knows of what readers hold, by stream.
    pub ledgers: BTreeMap<String, Vec<u8>>,
    /// Uuids of the events that are written, by the time of their commit.
    events: Vec<(Timestamp, Vec<String>)>,
    /// What a new reader would read, kept up if there is one.
    pub checkpoint: Option<Checkpoint>,
    /// What a warm instance remembers of its sweeps.
    swept_at: BTreeMap<String, Timestamp>,
}

/// How a run ended.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub began_at: Timestamp,
    pub killed: bool,
    /// It asked for more than any run may.
    pub endless: bool,
    pub go_on: bool,
    pub retry_after_s: Option<i64>,
    pub commits: usize,
    /// Streams that could not be read to their end, and why.
    pub named: BTreeMap<&'static str, String>,
    pub held: BTreeMap<&'static str, String>,
    /// Streams with work left.
    pub partial: BTreeSet<&'static str>,
    /// Streams of which something is due that no answer has borne out yet.
    pub awaited: BTreeSet<&'static str>,
    /// Beginning of each stream's newest complete snapshot, and its interval.
    pub snapshots: BTreeMap<&'static str, (Option<Timestamp>, SignedDuration)>,
    /// Path and query of each request, and whether a page was the answer.
    pub requests: Vec<(String, bool)>,
}

impl Report {
    /// Whether the report says of a stream that not all is well.
    pub fn names(&self, stream: &str) -> bool {
        self.named.contains_key(stream)
            || self.held.contains_key(stream)
            || self.partial.contains(stream)
            || self.awaited.contains(stream)
    }

    /// Whether nothing kept it from its end.
    pub fn is_whole(&self) -> bool {
        !self.killed && !self.go_on && self.retry_after_s.is_none()
    }
}

/// Requests under way at once, and of one kind of path.
const ROOM: usize = 16;
const ROOM_OF_A_KIND: usize = 8;
/// No run of a small org asks for so much.
const MOST_REQUESTS: usize = 20_000;
const MOST_ROUNDS: usize = 100_000;
/// The client's patience, and how often it has it.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);
const PATIENT_TRIES: i32 = 4;
/// Tries of a request that Okta fails on, and the time they take.
const TRIES: usize = 5;
const TRIES_MS: i64 = 4_000;

impl Bucket {
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            broken: None,
            reader: State::new("okta", "okta"),
            sequence: 0,
            cursor: Value::Null,
            cursor_bytes: 0,
            ledgers: BTreeMap::new(),
            events: Vec::new(),
            checkpoint: None,
            swept_at: BTreeMap::new(),
        }
    }

    /// Keeps a checkpoint up, which tells the lines that a new reader would read.
    fn follow(&mut self, sequence: u64, lines: &[Value], snapshots: &[Snapshot]) {
        let Some(checkpoint) = &mut self.checkpoint else {
            return;
        };
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for line in lines {
            *counts.entry(line["stream"].as_str().unwrap()).or_default() += 1;
        }
        let batch = |(stream, records): (&&str, &u64)| json!({"stream": stream, "records": records, "key": stream, "bytes": 0, "sha256": ""});
        let batches: Vec<_> = counts.iter().map(batch).collect();
        let manifest = json!({"sequence": sequence, "batches": batches, "snapshots": snapshots});
        checkpoint.follow(&manifest, "").expect("the next manifest");
    }

    /// Lines of a stream that a new reader would read.
    pub fn live_lines(&self, stream: &str) -> u64 {
        let live = self
            .checkpoint
            .as_ref()
            .and_then(|checkpoint| checkpoint.streams.get(stream));
        live.map_or(0, |live| {
            live.batches.iter().map(|batch| batch.records).sum()
        })
    }

    /// A new instance begins: nothing is known but what is stored.
    pub fn start_cold(&mut self) {
        self.swept_at.clear();
    }

    fn plan(&self, run: &Run) -> Plan {
        let is_on = |stream: &&Stream| !self.settings.off.contains(&stream.name);
        let streams: Vec<_> = STREAMS.iter().copied().filter(is_on).collect();
        let names = streams.iter().map(|stream| stream.name.to_owned());
        Plan {
            asked: names.filter(|_| run.full).collect(),
            off: self.settings.off.iter().map(ToString::to_string).collect(),
            narrowed: None,
            accept_shrink: run.accept.iter().map(ToString::to_string).collect(),
            reads_log: true,
            own_client: None,
            full_sync_interval: SignedDuration::from_hours(self.settings.full_hours),
            factors_interval: SignedDuration::from_hours(self.settings.factors_hours),
            swept_at: self.swept_at.clone(),
            log_lookback: SignedDuration::from_hours(24 * self.settings.lookback_days),
            checkpoint_interval: SignedDuration::from_secs(self.settings.checkpoint_s),
            streams,
        }
    }

    fn read_cursor(&self) -> Cursor {
        if self.cursor.is_null() {
            return Cursor::default();
        }
        Cursor::read(&self.cursor).expect("a cursor reads what it wrote")
    }
}

/// A request under way, or one that waits to be sent.
struct Flight {
    ticket: u64,
    /// Its number among the run's requests.
    nth: usize,
    target: String,
    kind: String,
    /// `None` until it is sent.
    answer: Option<Answer>,
    /// When it is sent, or its answer comes.
    at: Timestamp,
    /// When the rate limit lifts that the answer tells of.
    lifts_at: Option<Timestamp>,
}

struct Driver<'a> {
    world: &'a mut World,
    bucket: &'a mut Bucket,
    run: &'a Run,
    plan: Plan,
    engine: Engine,
    rng: Rng,
    slow: bool,
    flights: Vec<Flight>,
    /// When rate limits lift, by kind of path.
    limits: BTreeMap<String, Timestamp>,
    lines: Vec<Value>,
    events: Vec<String>,
    usage: Usage,
    answered_by: Timestamp,
    stop_at: Timestamp,
    report: Report,
}

/// The run was killed.
struct Killed;

/// Carries one run out.
pub fn run(world: &mut World, bucket: &mut Bucket, run: &Run) -> Report {
    let began_at = world.now();
    let (plan, cursor) = (bucket.plan(run), bucket.read_cursor());
    let mut rng = Rng::with_seed(run.seed);
    let stop_at = began_at + SignedDuration::from_secs(run.seconds);
    let mut driver = Driver {
        engine: Engine::new(plan.clone(), cursor, bucket.sequence, began_at),
        plan,
        slow: rng.u8(..4) == 0,
        rng,
        flights: Vec::new(),
        limits: BTreeMap::new(),
        lines: Vec::new(),
        events: Vec::new(),
        usage: Usage::default(),
        answered_by: stop_at - SignedDuration::from_secs((run.seconds / 20).min(2)),
        stop_at,
        report: Report {
            began_at,
            ..Report::default()
        },
        world,
        bucket,
        run,
    };
    driver.report.killed = driver.carry_out().is_err();
    driver.conclude()
}

impl Driver<'_> {
    fn carry_out(&mut self) -> Result<(), Killed> {
        for _ in 0..MOST_ROUNDS {
            let now = self.world.now();
            if now >= self.stop_at || now >= self.answered_by && self.flights.is_empty() {
                self.engine.stop();
                self.flights.clear();
            }
            if self.report.requests.len() >= MOST_REQUESTS {
                break;
            }
            match self.send(now)? {
                Ask::Done => return Ok(()),
                Ask::Commit => self.commit()?,
                Ask::Ledgers => self.engine.ledgers(&self.bucket.ledgers),
                Ask::Recall(since) => self.recall(since),
                Ask::Write(harvests) => self.take(harvests),
                Ask::Wait | Ask::Fetch(_) => self.wait(),
            }
        }
        self.report.endless = true;
        Ok(())
    }

    fn send(&mut self, now: Timestamp) -> Result<Ask, Killed> {
        while self.flights.len() < ROOM && (now < self.answered_by || self.flights.is_empty()) {
            let flights = &self.flights;
            let has_room = |path: &str| {
                let kind = kind_of(path);
                flights.iter().filter(|flight| flight.kind == kind).count() < ROOM_OF_A_KIND
            };
            match self.engine.next_where(now, &has_room) {
                Ask::Fetch(fetch) => self.fetch(fetch, now)?,
                ask => return Ok(ask),
            }
        }
        Ok(Ask::Wait)
    }

    fn fetch(&mut self, fetch: Fetch, now: Timestamp) -> Result<(), Killed> {
        let nth = self.report.requests.len();
        if self.run.kill == Some(Kill::Request(nth)) {
            return Err(Killed);
        }
        self.report.requests.push((fetch.path.clone(), false));
        trace(|| format!("{now} asks {}", fetch.path));
        let kind = kind_of(&fetch.path);
        let lifts_at = self.limits.get(&kind).copied().unwrap_or(now).max(now);
        let sent_by = self.engine.commit_by(now).min(self.answered_by);
        let (answer, at) = if lifts_at > self.answered_by {
            (Some(limited(lifts_at, now)), now)
        } else if lifts_at > sent_by {
            (Some(Answer::Dropped), sent_by)
        } else {
            (None, lifts_at)
        };
        let (ticket, target, lifts_at) = (fetch.ticket, fetch.path, None);
        let mut flight = Flight {
            ticket,
            nth,
            target,
            kind,
            answer,
            at,
            lifts_at,
        };
        if flight.answer.is_none() && at == now {
            self.ask(&mut flight);
        }
        self.flights.push(flight);
        Ok(())
    }

    /// Sends the request, as often as a client would.
    fn ask(&mut self, flight: &mut Flight) {
        let now = self.world.now();
        let mut ms = self.latency_ms();
        let mut tries = 0;
        let answer = loop {
            let response = self.world.ask(&flight.target);
            tries += 1;
            if response.status == 429 {
                let lifts_at = reset_of(&response).unwrap_or(now + SignedDuration::from_secs(60));
                flight.lifts_at = Some(lifts_at);
                break limited(lifts_at, now);
            }
            if let Some(Fault::Stall(late_ms)) = response.fault {
                let late = SignedDuration::from_millis(late_ms.try_into().unwrap());
                if late >= PATIENCE {
                    let (answer, ends_at) = self.hang(&flight.target, now);
                    ms = ends_at.duration_since(now).as_millis() as i64;
                    break answer;
                }
                ms += late.as_millis() as i64;
            }
            match meaning(&response, &flight.target) {
                Meaning::Answer(answer) => break answer,
                Meaning::Doubtful(answer) if tries > 1 => break answer,
                Meaning::Trouble(answer) if tries >= TRIES => {
                    ms += TRIES_MS;
                    break answer;
                }
                Meaning::Doubtful(_) | Meaning::Trouble(_) => {}
            }
        };
        flight.at = now + SignedDuration::from_millis(ms.max(1));
        self.report.requests[flight.nth].1 = matches!(answer, Answer::Page { .. });
        flight.answer = Some(answer);
    }

    /// A request that is never answered: what the client says of it, and when.
    fn hang(&self, target: &str, now: Timestamp) -> (Answer, Timestamp) {
        let ends_at = (now + PATIENCE * PATIENT_TRIES).min(self.answered_by);
        if ends_at < now + PATIENCE {
            return (Answer::Dropped, ends_at);
        }
        let error = format!("GET {}: no answer", path_of(target));
        (Answer::Failed { error }, ends_at)
    }

    /// Answers come in any order.
    fn latency_ms(&mut self) -> i64 {
        match self.rng.u8(..32) {
            0 if self.slow => self.rng.i64(5_000..40_000),
            0..4 => self.rng.i64(300..3_000),
            _ => self.rng.i64(20..300),
        }
    }

    /// Until something comes, a second at most.
    fn wait(&mut self) {
        let now = self.world.now();
        let first = (0..self.flights.len()).min_by_key(|at| self.flights[*at].at);
        let Some(first) = first else {
            // The engine waits for what it has given up.
            self.engine.stop();
            return;
        };
        let then = self.flights[first].at.max(now);
        let patience = now + SignedDuration::from_secs(1);
        if then > patience {
            self.world.set_now(patience);
            return;
        }
        self.world.set_now(then);
        let mut flight = self.flights.swap_remove(first);
        if let Some(lifts_at) = flight.lifts_at.take() {
            self.limits.insert(flight.kind.clone(), lifts_at);
            if lifts_at <= self.answered_by {
                // The client waits, and asks again.
                (flight.answer, flight.at) = (None, lifts_at);
                self.flights.push(flight);
                return;
            }
        }
        let Some(answer) = flight.answer.take() else {
            self.ask(&mut flight);
            self.flights.push(flight);
            return;
        };
        trace(|| {
            let text = format!("{answer:?}");
            format!(
                "{then} got {}: {}",
                flight.target,
                text.chars().take(240).collect::<String>()
            )
        });
        let harvests = self.engine.absorb(flight.ticket, answer, then);
        let is_lost = self.bucket.broken == Some(Broken::LosesPages) && self.rng.u8(..8) == 0;
        if !is_lost {
            self.take(harvests);
        }
    }

    fn take(&mut self, harvests: Vec<Harvest>) {
        let rules = Rules::default();
        for harvest in harvests {
            let is_activity = matches!(harvest.stream.source, Source::SystemLog { .. });
            let is_written = self
                .plan
                .streams
                .iter()
                .any(|stream| stream.name == harvest.stream.name);
            for record in harvest.records(&rules).flatten() {
                if is_activity && let Some(event) = &record.source {
                    self.usage.add(event);
                }
                if is_written {
                    self.events.extend(is_activity.then(|| record.id.clone()));
                    self.write(record);
                }
            }
        }
    }

    fn write(&mut self, record: Record) {
        let op = if matches!(record.op, Op::Upsert) {
            "upsert"
        } else {
            "delete"
        };
        if op == "delete" && self.bucket.broken == Some(Broken::ForgetsNothing) {
            return;
        }
        let source = record.source.and_then(|source| source.read::<Value>());
        self.lines.push(
            json!({"schema": 1, "stream": record.stream, "op": op, "id": record.id,
            "observed_at": record.observed_at, "cause": record.cause, "source": source}),
        );
    }

    fn recall(&mut self, since: Timestamp) {
        let mut recalled = Recalled::default();
        let committed = self.bucket.events.iter().filter(|(at, _)| *at >= since);
        let committed = committed.filter(|_| self.bucket.broken != Some(Broken::RepeatsEvents));
        for uuid in committed.flat_map(|(_, uuids)| uuids) {
            recalled.uuids.add(uuid);
        }
        self.engine.recalled(recalled);
    }

    fn commit(&mut self) -> Result<(), Killed> {
        if self.run.kill == Some(Kill::BeforeManifest(self.report.commits)) {
            return Err(Killed);
        }
        let (now, sequence) = (self.world.now(), self.bucket.sequence + 1);
        let is_counted = self
            .plan
            .streams
            .iter()
            .any(|stream| stream.name == "usage");
        let usage: Vec<_> = self
            .usage
            .take(sequence, now)
            .filter(|_| is_counted)
            .collect();
        usage.into_iter().for_each(|record| self.write(record));
        let snapshots = self.snapshots(sequence);
        trace(|| {
            let lines = self
                .lines
                .iter()
                .filter(|line| line["stream"] != "activity");
            let lines: Vec<_> = lines
                .map(|line| format!("{} {} {}", line["op"], line["stream"], line["id"]))
                .collect();
            format!(
                "{now} commits {sequence}: {snapshots:?}\n  {}",
                lines.join("\n  ")
            )
        });
        self.bucket.follow(sequence, &self.lines, &snapshots);
        self.bucket
            .reader
            .apply_lines(sequence, self.lines.drain(..), &snapshots);
        self.bucket
            .events
            .push((now, std::mem::take(&mut self.events)));
        self.bucket.sequence = sequence;
        let is_kept = self.bucket.broken != Some(Broken::LosesCursor) || self.report.commits == 0;
        if is_kept {
            self.bucket.cursor = serde_json::to_value(self.engine.cursor()).unwrap();
            self.bucket.cursor_bytes = self.bucket.cursor.to_string().len();
            let moved = self.engine.moved_ledgers().into_iter();
            let moved = moved.map(|(stream, ledger)| (stream.to_owned(), ledger));
            self.bucket.ledgers.extend(moved);
        }
        if self.run.kill == Some(Kill::AfterManifest(self.report.commits)) {
            return Err(Killed);
        }
        self.report.commits += 1;
        self.engine.committed(sequence, now);
        Ok(())
    }

    fn snapshots(&self, sequence: u64) -> Vec<Snapshot> {
        match self.bucket.broken {
            Some(Broken::ForgetsNothing) => return Vec::new(),
            Some(Broken::ForgetsAll) => {
                let all = reader::ENTITY_STREAMS
                    .iter()
                    .map(|stream| whole(stream, sequence));
                return all.collect();
            }
            _ => {}
        }
        let standing = self.engine.standing();
        let completed = standing.completed().iter().map(|done| Snapshot {
            scope: done.scope.clone(),
            except: done.except.clone(),
            kept_sequences: done.kept_sequences.clone(),
            ..whole(done.stream, done.since_sequence)
        });
        completed.collect()
    }

    fn conclude(mut self) -> Report {
        if self.report.killed {
            self.bucket.start_cold();
            return self.report;
        }
        let now = self.world.now();
        let standing = self.engine.standing();
        self.bucket.swept_at = standing.swept_at();
        self.report.go_on = self.engine.has_work(now);
        self.report.retry_after_s = standing.retry_after_s().filter(|_| !self.report.go_on);
        for stream in standing.streams() {
            let name = stream.name;
            match standing.trouble(stream) {
                Some(Parked::Limited) => drop(self.report.partial.insert(name)),
                Some(
                    Parked::Unavailable(why) | Parked::NotApplicable(why) | Parked::Failed(why),
                ) => {
                    drop(self.report.named.insert(name, why));
                }
                None if standing.is_partial(stream) => drop(self.report.partial.insert(name)),
                None => {}
            }
            if standing.awaited(name) > 0 {
                self.report.awaited.insert(name);
            }
            self.report
                .held
                .extend(standing.held(name).map(|why| (name, why)));
            if !stream.listings().is_empty() {
                let at = standing.last_snapshot(name).map(|(_, at)| at);
                let interval = self.plan.interval(stream);
                self.report.snapshots.insert(name, (at, interval));
            }
        }
        self.report
    }
}

/// Prints what a run does, where SIMULATION_TRACE is set.
fn trace(text: impl FnOnce() -> String) {
    if std::env::var_os("SIMULATION_TRACE").is_some() {
        eprintln!("{}", text());
    }
}

fn whole(stream: &str, since_sequence: u64) -> Snapshot {
    Snapshot {
        stream: stream.to_owned(),
        since_sequence,
        complete: true,
        scope: None,
        except: Vec::new(),
        kept_sequences: None,
    }
}

/// The kind of paths that share a rate limit.
fn kind_of(target: &str) -> String {
    let path = path_of(target).trim_start_matches("/api/v1/");
    let parts: Vec<_> = path.split('/').collect();
    match parts[..] {
        [kind @ ("users" | "groups" | "apps"), _] => format!("one of {kind}"),
        ["users", _, ..] => "parts of users".to_owned(),
        _ => parts[0].to_owned(),
    }
}
