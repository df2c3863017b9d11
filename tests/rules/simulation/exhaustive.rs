//! Every order of a few things: two groups, two users, a few changes, a kill, a failure and a lie, at every step of two
//! runs of the real engine. What chance finds in many histories or never, this finds at once.
//!
//! Time stands still within a run, and requests are answered one by one, so that states which differ in nothing are seen
//! once.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::{SignedDuration, Timestamp};
use okta_authomize::engine::{Answer, Ask, Cursor, Engine, Fetch, Harvest, Plan, Recalled};
use okta_authomize::record::Op;
use okta_authomize::scrub::Rules;
use okta_authomize::streams::by_name;
use serde_json::{Value, json};

const STREAM: &str = "group_memberships";
const GROUPS: [&str; 2] = ["00g1", "00g2"];
const USERS: [&str; 2] = ["00u1", "00u2"];
/// Memberships that come or go; `EXHAUSTIVE_CHANGES=3` takes minutes.
const CHANGES: u8 = 2;
/// Runs in which things happen, after a first one in which nothing does.
const RUNS: u32 = 2;
/// Minutes after which the runs begin that come when all is over.
const QUIET_MINUTES: [i64; 5] = [5, 5, 60, 25 * 60, 25 * 60];
/// No run of such an org asks for more.
const MOST_ASKS: usize = 200;

type Pair = (usize, usize);

/// What may still happen.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Left {
    changes: u8,
    kills: u8,
    late_events: u8,
    faults: BTreeSet<Fault>,
}

/// An answer that is not right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    /// As it was before the last change.
    Lag,
    /// A list without its items.
    Empty,
    Gone,
    Failed,
}

/// The org.
#[derive(Clone, Debug)]
struct Org {
    members: BTreeSet<Pair>,
    /// As it was before the last change.
    before: BTreeSet<Pair>,
    /// When each group's members changed last.
    changed: [Timestamp; 2],
    log: Vec<Value>,
    /// Events that show with the next run.
    late: Vec<Value>,
}

/// What is stored, and what a reader makes of it.
#[derive(Clone, Debug)]
struct Bucket {
    cursor: Value,
    sequence: u64,
    ledgers: BTreeMap<String, Vec<u8>>,
    /// Records, and the manifest of their newest lines.
    reader: BTreeMap<String, u64>,
}

/// A run under way.
#[derive(Clone, Debug)]
struct Run {
    engine: Engine,
    /// The request or commit that comes next.
    next: Option<Fetch>,
    lines: Vec<(bool, String)>,
    asks: usize,
}

#[derive(Clone)]
struct State {
    org: Org,
    bucket: Bucket,
    run: Option<Run>,
    runs: u32,
    left: Left,
    /// Whether an answer was not right, or an event late.
    has_lied: bool,
    /// Memberships that never changed.
    steady: BTreeSet<Pair>,
    now: Timestamp,
    /// What has happened, for people.
    history: Vec<String>,
}

fn id_of((group, user): Pair) -> String {
    format!("{}:{}", GROUPS[group], USERS[user])
}

fn pairs() -> impl Iterator<Item = Pair> {
    (0..2).flat_map(|group| (0..2).map(move |user| (group, user)))
}

impl Org {
    fn new(now: Timestamp) -> Self {
        let members = BTreeSet::from([(0, 0), (0, 1), (1, 0)]);
        Self {
            before: members.clone(),
            members,
            changed: [now; 2],
            log: Vec::new(),
            late: Vec::new(),
        }
    }

    /// Adds a member, or removes one.
    fn toggle(&mut self, pair: Pair, is_late: bool, now: Timestamp) {
        self.before = self.members.clone();
        let is_added = self.members.insert(pair);
        if !is_added {
            self.members.remove(&pair);
        }
        let nth = self.log.len() + self.late.len();
        let at = now + SignedDuration::from_millis(1 + nth as i64);
        self.changed[pair.0] = at;
        let kind = if is_added { "add" } else { "remove" };
        let event = json!({"uuid": format!("event-{nth}"), "published": at.to_string(),
            "eventType": format!("group.user_membership.{kind}"), "outcome": {"result": "SUCCESS"},
            "actor": {"id": "00u9", "type": "User"},
            "target": [{"id": USERS[pair.1], "type": "User"}, {"id": GROUPS[pair.0], "type": "UserGroup"}]});
        if is_late {
            &mut self.late
        } else {
            &mut self.log
        }
        .push(event);
    }

    /// What the org answers, if it answers right; `members` as they show.
    fn answer(&self, path: &str, members: &BTreeSet<Pair>) -> Answer {
        if path.starts_with("/api/v1/logs") {
            return self.log_page(path);
        }
        let part = |n| path.split(['/', '?']).nth(n).unwrap_or_default();
        let items: Vec<Value> = match (part(3), part(5)) {
            ("groups", "users") => {
                let of = |pair: &&Pair| GROUPS[pair.0] == part(4);
                let user = |pair: &Pair| json!({"id": USERS[pair.1], "status": "ACTIVE"});
                members.iter().filter(of).map(user).collect()
            }
            ("users", "groups") => {
                let of = |pair: &&Pair| USERS[pair.1] == part(4);
                members
                    .iter()
                    .filter(of)
                    .map(|pair| self.group(pair.0))
                    .collect()
            }
            ("users", _) => {
                let user = json!({"id": part(4), "status": "ACTIVE"});
                return Answer::Page {
                    body: user.to_string().into(),
                    next: None,
                };
            }
            ("groups", _) => {
                let since = path
                    .split("ge%20%22")
                    .nth(1)
                    .and_then(|rest| rest.split("%22").next());
                let since = since.and_then(|since| since.replace("%3A", ":").parse().ok());
                let shows = |group: &usize| since.is_none_or(|since| self.changed[*group] >= since);
                (0..2)
                    .filter(shows)
                    .map(|group| self.group(group))
                    .collect()
            }
            _ => panic!("nothing is at {path}"),
        };
        Answer::Page {
            body: Value::from(items).to_string().into(),
            next: None,
        }
    }

    fn group(&self, group: usize) -> Value {
        json!({"id": GROUPS[group], "type": "OKTA_GROUP", "created": "2026-01-01T00:00:00.000Z",
            "lastMembershipUpdated": self.changed[group].to_string(), "profile": {"name": GROUPS[group]},
            "_embedded": {"stats": {"usersCount": 1}}})
    }

    fn log_page(&self, path: &str) -> Answer {
        let after = path
            .split("after=")
            .nth(1)
            .and_then(|after| after.parse().ok());
        let events = &self.log[after.unwrap_or(0).min(self.log.len())..];
        let next = format!(
            "/api/v1/logs?limit=1000&sortOrder=ASCENDING&after={}",
            self.log.len()
        );
        Answer::Page {
            body: Value::from(events.to_vec()).to_string().into(),
            next: Some(next),
        }
    }
}

fn plan() -> Plan {
    Plan {
        streams: vec![by_name(STREAM).unwrap()],
        off: Vec::new(),
        asked: Vec::new(),
        narrowed: None,
        accept_shrink: Vec::new(),
        reads_log: true,
        own_client: None,
        full_sync_interval: SignedDuration::from_hours(24),
        factors_interval: SignedDuration::from_hours(24),
        swept_at: BTreeMap::new(),
        log_lookback: SignedDuration::from_hours(24),
        checkpoint_interval: SignedDuration::from_secs(60),
    }
}

impl State {
    /// After a first run in which nothing happened.
    fn first() -> Self {
        let now: Timestamp = "2026-11-23T18:00:00Z".parse().unwrap();
        let left = Left {
            changes: super::number("EXHAUSTIVE_CHANGES").map_or(CHANGES, |changes| changes as u8),
            kills: 1,
            late_events: 1,
            faults: [Fault::Lag, Fault::Empty, Fault::Gone, Fault::Failed].into(),
        };
        let mut state = Self {
            org: Org::new(now - SignedDuration::from_hours(1)),
            bucket: Bucket {
                cursor: Value::Null,
                sequence: 0,
                ledgers: BTreeMap::new(),
                reader: BTreeMap::new(),
            },
            run: None,
            runs: 0,
            left,
            has_lied: false,
            steady: BTreeSet::new(),
            now,
            history: Vec::new(),
        };
        state.run_through();
        state.steady.clone_from(&state.org.members);
        state
    }

    /// Lets a run go to its end in which nothing happens.
    fn run_through(&mut self) {
        self.begin(0);
        while self.run.is_some() {
            match self.next_fetch() {
                Some(fetch) => {
                    let answer = self.org.answer(&fetch.path, &self.org.members);
                    self.absorb(&fetch, answer);
                }
                None => self.commit_or_end(),
            }
        }
    }

    fn begin(&mut self, minutes: i64) {
        self.now += SignedDuration::from_mins(minutes);
        let late = std::mem::take(&mut self.org.late);
        self.org.log.extend(late);
        // No list lags for minutes.
        self.org.before.clone_from(&self.org.members);
        let cursor = match &self.bucket.cursor {
            Value::Null => Cursor::default(),
            cursor => Cursor::read(cursor).unwrap(),
        };
        let engine = Engine::new(plan(), cursor, self.bucket.sequence, self.now);
        self.run = Some(Run {
            engine,
            next: None,
            lines: Vec::new(),
            asks: 0,
        });
    }

    fn run(&mut self) -> &mut Run {
        self.run.as_mut().expect("a run is under way")
    }

    /// The request that comes next; `None` if a commit does, or the run's end.
    fn next_fetch(&mut self) -> Option<Fetch> {
        let now = self.now;
        loop {
            let ledgers = self.bucket.ledgers.clone();
            let run = self.run();
            if run.next.is_some() {
                return run.next.clone();
            }
            match run.engine.next(now) {
                Ask::Fetch(fetch) => {
                    run.asks += 1;
                    assert!(
                        run.asks < MOST_ASKS,
                        "a run without an end: {:#?}",
                        self.history
                    );
                    self.run().next = Some(fetch);
                }
                Ask::Ledgers => run.engine.ledgers(&ledgers),
                Ask::Recall(_) => run.engine.recalled(Recalled::default()),
                Ask::Write(harvests) => self.take(harvests),
                Ask::Wait => panic!("nothing is under way: {:#?}", self.history),
                Ask::Commit | Ask::Done => return None,
            }
        }
    }

    fn absorb(&mut self, fetch: &Fetch, answer: Answer) {
        let now = self.now;
        let run = self.run();
        run.next = None;
        let harvests = run.engine.absorb(fetch.ticket, answer, now);
        self.take(harvests);
    }

    fn take(&mut self, harvests: Vec<Harvest>) {
        for harvest in harvests
            .into_iter()
            .filter(|harvest| harvest.stream.name == STREAM)
        {
            for record in harvest.records(&Rules::default()).flatten() {
                let line = (matches!(record.op, Op::Upsert), record.id);
                self.run().lines.push(line);
            }
        }
    }

    /// Commits, or ends the run if nothing is to be committed.
    fn commit_or_end(&mut self) {
        let (now, is_commit) = (
            self.now,
            matches!(self.run().engine.clone().next(self.now), Ask::Commit),
        );
        if is_commit {
            self.write_manifest();
            let sequence = self.bucket.sequence;
            self.run().engine.committed(sequence, now);
        } else {
            self.run = None;
        }
    }

    /// What a commit leaves in the bucket; the two rules of a reader.
    fn write_manifest(&mut self) {
        let run = self.run.as_mut().expect("a run is under way");
        let bucket = &mut self.bucket;
        bucket.sequence += 1;
        for (is_there, id) in run.lines.drain(..) {
            if is_there {
                bucket.reader.insert(id, bucket.sequence);
            } else {
                bucket.reader.remove(&id);
            }
        }
        for done in run.engine.standing().completed() {
            bucket.reader.retain(|id, sequence| {
                let is_of = |of: &String| id.split(':').any(|part| part == of);
                *sequence >= done.since_sequence
                    || done.scope.as_ref().is_some_and(|of| !is_of(of))
                    || done.except.iter().any(is_of)
            });
        }
        bucket.cursor = serde_json::to_value(run.engine.cursor()).unwrap();
        let moved = run.engine.moved_ledgers().into_iter();
        bucket
            .ledgers
            .extend(moved.map(|(stream, ledger)| (stream.to_owned(), ledger)));
        self.check_commit();
    }

    /// Nobody is lost who was a member all the time.
    fn check_commit(&self) {
        for pair in &self.steady {
            let is_known = self.bucket.reader.contains_key(&id_of(*pair));
            assert!(is_known, "{} is lost: {:#?}", id_of(*pair), self.history);
        }
    }

    /// All states that come next, each with one thing more.
    fn successors(mut self) -> Vec<Self> {
        if self.run.is_none() {
            if self.runs == RUNS {
                return Vec::new();
            }
            self.runs += 1;
            self.history.push("a run begins".to_owned());
            self.begin(5);
        }
        let fetch = self.next_fetch();
        let mut next = self.changed();
        let Some(fetch) = fetch else {
            next.extend(self.killed());
            let mut calm = self;
            calm.commit_or_end();
            calm.check_end();
            next.push(calm);
            return next;
        };
        for fault in self.left.faults.clone() {
            next.extend(self.with_fault(fault, &fetch));
        }
        let answer = self.org.answer(&fetch.path, &self.org.members);
        self.absorb(&fetch, answer);
        next.push(self);
        next
    }

    /// The same with one change more.
    fn changed(&self) -> Vec<Self> {
        if self.left.changes == 0 {
            return Vec::new();
        }
        let mut next = Vec::new();
        for pair in pairs() {
            for is_late in [false, true] {
                if is_late && self.left.late_events == 0 {
                    continue;
                }
                let mut state = self.clone();
                state.left.changes -= 1;
                if is_late {
                    state.lie();
                }
                state.steady.remove(&pair);
                state.org.toggle(pair, is_late, self.now);
                let late = if is_late { ", told late" } else { "" };
                state.history.push(format!("{} changes{late}", id_of(pair)));
                next.push(state);
            }
        }
        next
    }

    /// Two lies that agree are the truth, for all that anyone can know: one is all.
    fn lie(&mut self) {
        self.left.late_events = 0;
        self.left.faults.retain(|fault| *fault == Fault::Failed);
        self.has_lied = true;
    }

    /// A kill before the manifest, and one after it.
    fn killed(&self) -> Vec<Self> {
        if self.left.kills == 0 {
            return Vec::new();
        }
        let mut before = self.clone();
        before.left.kills -= 1;
        before.run = None;
        before.history.push("killed before the manifest".to_owned());
        let mut after = self.clone();
        after.left.kills -= 1;
        if matches!(after.run().engine.next(self.now), Ask::Commit) {
            after.write_manifest();
        }
        after.run = None;
        after.history.push("killed after the manifest".to_owned());
        vec![before, after]
    }

    fn with_fault(&self, fault: Fault, fetch: &Fetch) -> Option<Self> {
        let is_log = fetch.path.starts_with("/api/v1/logs");
        let right = self.org.answer(&fetch.path, &self.org.members);
        let answer = match fault {
            Fault::Lag if self.org.before != self.org.members && !is_log => {
                self.org.answer(&fetch.path, &self.org.before)
            }
            Fault::Empty if !is_log && !fetch.path.starts_with("/api/v1/groups?") => Answer::Page {
                body: "[]".to_owned().into(),
                next: None,
            },
            Fault::Gone if !is_log && !fetch.path.starts_with("/api/v1/groups?") => Answer::Gone,
            Fault::Failed => Answer::Failed {
                error: "500".to_owned(),
            },
            _ => return None,
        };
        if format!("{answer:?}") == format!("{right:?}") {
            return None;
        }
        let mut state = self.clone();
        state.left.faults.remove(&fault);
        if fault != Fault::Failed {
            state.lie();
        }
        state.history.push(format!("{fault:?} of {}", fetch.path));
        state.absorb(fetch, answer);
        Some(state)
    }

    /// In a healthy org nothing is held.
    fn check_end(&self) {
        // Where nothing is left, and the log has not told yet, somebody has to look.
        let is_healthy = !self.has_lied && !self.org.members.is_empty();
        if let (Some(run), true) = (&self.run, is_healthy) {
            let held = run.engine.standing().held(STREAM);
            assert_eq!(held, None, "{:#?}", self.history);
        }
    }

    /// After a while without faults a reader is in step, without an operator.
    fn check_liveness(mut self) {
        if self.org.members.is_empty() {
            // That nothing is left may be for somebody to accept.
            return;
        }
        self.run = None;
        for minutes in QUIET_MINUTES {
            self.runs = 0;
            self.now += SignedDuration::from_mins(minutes);
            self.run_through();
        }
        let expected: BTreeSet<_> = self.org.members.iter().map(|pair| id_of(*pair)).collect();
        let held: BTreeSet<_> = self.bucket.reader.keys().cloned().collect();
        assert_eq!(held, expected, "{:#?}", self.history);
        let engine = Engine::new(
            plan(),
            Cursor::read(&self.bucket.cursor).unwrap(),
            self.bucket.sequence,
            self.now,
        );
        assert_eq!(engine.standing().held(STREAM), None, "{:#?}", self.history);
        assert_eq!(engine.standing().awaited(STREAM), 0, "{:#?}", self.history);
    }

    /// What makes two states the same.
    fn print(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let text = format!(
            "{:?}{:?}{:?}{:?}{:?}{}{}",
            self.org, self.bucket, self.run, self.steady, self.left, self.runs, self.has_lied
        );
        text.hash(&mut hasher);
        hasher.finish()
    }
}

#[test]
fn no_order_of_changes_a_kill_a_failure_and_a_lie_leaves_a_reader_out_of_step() {
    let mut open = vec![State::first()];
    let mut seen = HashSet::new();
    let mut ends = HashSet::new();
    while let Some(state) = open.pop() {
        for next in state.successors() {
            if !seen.insert(next.print()) {
                continue;
            }
            if next.run.is_none() && next.runs == RUNS {
                if ends.insert(next.print()) {
                    next.check_liveness();
                }
            } else {
                open.push(next);
            }
        }
    }
    eprintln!("{} states, {} ends", seen.len(), ends.len());
    assert!(seen.len() > 1_000, "the model is small, not empty");
}
