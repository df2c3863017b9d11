//! What a large org costs the engine: bytes of cursor and ledgers after each commit, and the process's memory, whatever
//! fails. By itself in a process, so that its memory is the engine's.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use okta_authomize::engine::{Answer, Ask, Cursor, Engine, Fetch, Plan, Recalled};
use okta_authomize::streams::STREAMS;
use serde_json::{Value, json};

/// Bytes of a cursor, of a ledger, and of the process.
const MOST_OF_CURSOR: usize = 2_000_000;
const MOST_OF_LEDGER: usize = 2_000_000;
const MOST_MEMORY_KIB: u64 = 64 * 1024;
/// Requests under way at once.
const ROOM: usize = 32;
/// Streams of which an org has as many records as it has users, groups or apps.
const OF_SIZE: &[&str] = &[
    "users",
    "groups",
    "group_memberships",
    "applications",
    "application_users",
    "application_groups",
    "role_assignments",
    "activity",
];

/// An org that is computed, not stored.
#[derive(Clone, Copy)]
struct Size {
    users: usize,
    groups: usize,
    apps: usize,
}

/// Which of the parts fail, by a number of theirs.
type Fails = fn(usize) -> bool;

impl Size {
    /// That of `SIZE_OF_ORG=users,groups,apps`, or one that is read in seconds.
    fn asked() -> Self {
        let text = std::env::var("SIZE_OF_ORG").unwrap_or_else(|_| "120000,12000,2000".to_owned());
        let numbers: Vec<usize> = text.split(',').map(|part| part.parse().unwrap()).collect();
        Self {
            users: numbers[0],
            groups: numbers[1],
            apps: numbers[2],
        }
    }

    fn answer(self, fetch: &Fetch, fails: Fails) -> Answer {
        let (path, query) = fetch.path.split_once('?').unwrap_or((&fetch.path, ""));
        let steps: Vec<&str> = path.trim_start_matches("/api/v1/").split('/').collect();
        match steps.as_slice() {
            ["users"] => list(
                path,
                query,
                self.users,
                |n| json!({"id": format!("00u{n:017}"), "status": "ACTIVE", "profile": {"login": format!("{n}@example.com")}}),
            ),
            ["groups"] => list(
                path,
                query,
                self.groups,
                |n| json!({"id": format!("00g{n:017}"), "type": "OKTA_GROUP", "profile": {"name": format!("Group {n}")}}),
            ),
            ["apps"] => list(
                path,
                query,
                self.apps,
                |n| json!({"id": format!("0oa{n:017}"), "name": "bookmark", "label": format!("App {n}"), "status": "ACTIVE", "signOnMode": "BOOKMARK"}),
            ),
            [_, id, part] if number(id).is_some_and(fails) => Answer::Failed {
                error: format!("{part} of {id} do not answer"),
            },
            ["groups", id, "users"] => self.some_users(number(id).unwrap(), 5),
            ["apps", id, "users"] => self.some_users(number(id).unwrap(), 20),
            ["apps", id, "groups"] => {
                let id = number(id).unwrap() * 7 % self.groups;
                page(
                    &json!([{"id": format!("00g{id:017}"), "priority": 0}]),
                    None,
                )
            }
            ["logs"] => page(
                &json!([]),
                Some("/api/v1/logs?after=1&limit=1000".to_owned()),
            ),
            _ => page(&json!([]), None),
        }
    }

    fn some_users(self, of: usize, count: usize) -> Answer {
        let users = (0..count).map(|n| (of * 31 + n * 977) % self.users);
        let users = users
            .map(|n| json!({"id": format!("00u{n:017}"), "status": "ACTIVE", "scope": "USER"}));
        page(&users.collect(), None)
    }
}

/// The number in an id, if the path names one.
fn number(id: &str) -> Option<usize> {
    id.get(3..)?.parse().ok()
}

fn page(items: &Value, next: Option<String>) -> Answer {
    Answer::Page {
        body: items.to_string().into(),
        next,
    }
}

fn list(path: &str, query: &str, count: usize, item: impl Fn(usize) -> Value) -> Answer {
    let asked = |name: &str| {
        let values = query.split('&').filter_map(|part| part.split_once('='));
        values
            .filter(|(key, _)| *key == name)
            .find_map(|(_, value)| value.parse::<usize>().ok())
    };
    let (first, limit) = (asked("after").unwrap_or(0), asked("limit").unwrap_or(200));
    let last = (first + limit).min(count);
    let next = (last < count).then(|| format!("{path}?limit={limit}&after={last}"));
    page(&(first..last).map(item).collect(), next)
}

fn plan() -> Plan {
    Plan {
        streams: STREAMS
            .iter()
            .copied()
            .filter(|stream| OF_SIZE.contains(&stream.name))
            .collect(),
        off: vec![],
        asked: vec![],
        accept_shrink: vec![],
        narrowed: None,
        reads_log: true,
        own_client: None,
        full_sync_interval: SignedDuration::from_hours(24),
        factors_interval: SignedDuration::from_hours(168),
        swept_at: BTreeMap::new(),
        log_lookback: SignedDuration::from_hours(24),
        checkpoint_interval: SignedDuration::from_secs(60),
    }
}

/// A function that runs every five minutes beside a bucket.
struct Function {
    size: Size,
    now: Timestamp,
    cursor: Cursor,
    sequence: u64,
    ledgers: BTreeMap<String, Vec<u8>>,
    requests: usize,
    most_of_cursor: usize,
}

impl Function {
    fn before(size: Size) -> Self {
        Self {
            size,
            now: "2026-11-23T18:00:00Z".parse().unwrap(),
            cursor: Cursor::default(),
            sequence: 0,
            ledgers: BTreeMap::new(),
            requests: 0,
            most_of_cursor: 0,
        }
    }

    /// One run of at most so long.
    fn run(&mut self, length: SignedDuration, fails: Fails) {
        let ends_at = self.now + length;
        let mut engine = Engine::new(plan(), self.cursor.clone(), self.sequence, self.now);
        let mut flights: Vec<Fetch> = Vec::new();
        loop {
            if self.now >= ends_at {
                engine.stop();
                flights.clear();
            }
            match engine.next(self.now) {
                Ask::Fetch(fetch) => flights.push(fetch),
                Ask::Ledgers => engine.ledgers(&self.ledgers),
                Ask::Recall(_) => engine.recalled(Recalled::default()),
                Ask::Write(_) => {}
                Ask::Commit => self.commit(&mut engine),
                Ask::Done => break,
                Ask::Wait => {
                    assert!(!flights.is_empty(), "nothing is under way");
                    self.answer(&mut engine, &mut flights, fails);
                }
            }
            if flights.len() >= ROOM {
                self.answer(&mut engine, &mut flights, fails);
            }
        }
        self.now += SignedDuration::from_mins(5);
    }

    fn answer(&mut self, engine: &mut Engine, flights: &mut Vec<Fetch>, fails: Fails) {
        for fetch in flights.drain(..) {
            self.requests += 1;
            self.now += SignedDuration::from_millis(10);
            engine.absorb(fetch.ticket, self.size.answer(&fetch, fails), self.now);
        }
    }

    fn commit(&mut self, engine: &mut Engine) {
        for (stream, ledger) in engine.moved_ledgers() {
            assert!(
                ledger.len() <= MOST_OF_LEDGER,
                "{stream}: {} bytes",
                ledger.len()
            );
            self.ledgers.insert(stream.to_owned(), ledger);
        }
        self.sequence += 1;
        engine.committed(self.sequence, self.now);
        self.cursor = engine.cursor();
        let bytes = serde_json::to_vec(&self.cursor).unwrap().len();
        self.most_of_cursor = self.most_of_cursor.max(bytes);
        assert!(
            bytes <= MOST_OF_CURSOR,
            "commit {}: {bytes} bytes",
            self.sequence
        );
    }
}

/// The most memory that this process ever had, in KiB; `None` where the system does not say.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn cursor_ledgers_and_memory_of_a_large_org_keep_their_bounds_whatever_fails() {
    let size = Size::asked();
    let orgs: [(&str, Fails); 3] = [
        ("all answer", |_| false),
        ("every second part fails", |n| n % 2 == 1),
        ("every part fails", |_| true),
    ];
    for (name, fails) in orgs {
        let mut function = Function::before(size);
        for _ in 0..3 {
            function.run(SignedDuration::from_hours(12), fails);
        }
        let ledgers: usize = function.ledgers.values().map(Vec::len).sum();
        println!(
            "{name}: {} requests, {} commits, cursor at most {} bytes, ledgers {ledgers} bytes, memory {:?} KiB",
            function.requests,
            function.sequence,
            function.most_of_cursor,
            peak_memory()
        );
    }
    if let Some(peak) = peak_memory() {
        assert!(peak <= MOST_MEMORY_KIB, "{peak} KiB");
    }
}
