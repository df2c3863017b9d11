//! Days in which trouble lasts. After every run, whatever ends it: a record that the org had all the time and that a
//! reader had before is still there, unless Okta answered the list of its parent with its own 404 (JSON with
//! E0000007). After the last one, with the trouble still there: all else is in step (a stream that fails for half of its parents or more may keep what is gone), the trouble is told, and a run
//! without news costs little. Some runs after Okta is well again all of it is in step.

use std::collections::{BTreeMap, BTreeSet};

use fake_org::{Denial, Failure};
use jiff::{SignedDuration, Timestamp};
use okta_authomize::invocation::{Outcome, Report};
use serde_json::{Value, json};

use super::case::{Case, MOST_RUNS};
use super::compare::{assert_in_step_but, ids_by_stream};
use super::doom::{CRASHES, Crash};
use super::happen::change;
use super::weakened::CUTS;

/// How Okta fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// 403 E0000006, of one object or list.
    Forbidden,
    /// 404 E0000007.
    Gone,
    /// A 404 that is not Okta's own.
    Stray,
    /// 500.
    Broken,
    /// No answer within the client's patience.
    Endless,
    /// Every list of a kind ends early, without an error: a weakened admin role.
    Short,
    /// Every list of a kind is empty.
    Empty,
}

pub const WAYS: [Way; 7] = [
    Way::Forbidden,
    Way::Gone,
    Way::Stray,
    Way::Broken,
    Way::Endless,
    Way::Short,
    Way::Empty,
];

/// Time that passes until such a connection is lost. Requests that hang beside each other pass it one after the other
/// here, so it is a part of what the client would wait.
const ENDLESS_MS: u64 = 6_000;
const MOST_TROUBLES: usize = 8;
/// How often somebody accepts what is held.
const MOST_ACCEPTED: usize = 10;

impl Way {
    fn failure(self) -> Option<Failure> {
        let said = |status, code: &str| {
            Failure::Status(
                status,
                json!({"errorCode": code, "errorSummary": "No."}).to_string(),
            )
        };
        match self {
            Self::Forbidden => Some(said(403, "E0000006")),
            Self::Gone => Some(said(404, "E0000007")),
            Self::Stray => Some(Failure::Html(404)),
            Self::Broken => Some(said(500, "E0000009")),
            Self::Endless => Some(Failure::Stall(ENDLESS_MS)),
            Self::Short | Self::Empty => None,
        }
    }
}

/// Where one object fails: its path, the stream of its ids, and whether a snapshot asks there.
const PLACES: [(&str, &str, bool); 14] = [
    ("/api/v1/groups/{}/users", "groups", true),
    ("/api/v1/groups/{}/roles", "groups", true),
    ("/api/v1/groups/{}", "groups", false),
    ("/api/v1/apps/{}/users", "applications", true),
    ("/api/v1/apps/{}/groups", "applications", true),
    ("/api/v1/apps/{}", "applications", false),
    ("/api/v1/users/{}/factors", "factors", true),
    ("/api/v1/users/{}/groups", "users", false),
    ("/api/v1/users/{}/roles", "users", false),
    ("/api/v1/users/{}", "users", false),
    ("/api/v1/idps/{}/users", "idps", true),
    ("/api/v1/iam/roles/{}/permissions", "roles", true),
    (
        "/api/v1/iam/resource-sets/{}/resources",
        "resource_sets",
        true,
    ),
    (
        "/api/v1/iam/resource-sets/{}/bindings",
        "resource_sets",
        true,
    ),
];

/// Streams whose parts are read at these places.
const FED: [(&str, &str); 9] = [
    ("/api/v1/groups/{}/users", "group_memberships"),
    ("/api/v1/groups/{}/roles", "role_assignments"),
    ("/api/v1/apps/{}/users", "application_users"),
    ("/api/v1/apps/{}/groups", "application_groups"),
    ("/api/v1/users/{}/factors", "factors"),
    ("/api/v1/idps/{}/users", "idp_users"),
    ("/api/v1/iam/roles/{}/permissions", "roles"),
    ("/api/v1/iam/resource-sets/{}/resources", "resource_sets"),
    ("/api/v1/iam/resource-sets/{}/bindings", "resource_sets"),
];

/// By stream.
type Ids = BTreeMap<&'static str, BTreeSet<String>>;

struct Trouble {
    way: Way,
    path: String,
    id: String,
    /// A snapshot asks there.
    is_asked: bool,
    until: Option<Timestamp>,
}

/// A case that goes on for days.
pub struct Days<'c, 'w> {
    case: &'c mut Case<'w>,
    troubles: Vec<Trouble>,
    /// Paths of the lists that are cut short now.
    weak: Option<(&'static str, Way)>,
    /// Parents whose lists are gone as Okta itself says.
    gone: BTreeSet<String>,
    /// Ways with the crashes that a run died of while Okta failed so.
    pub seen: BTreeSet<(Way, Crash)>,
}

impl<'c, 'w> Days<'c, 'w> {
    pub fn new(case: &'c mut Case<'w>) -> Self {
        Self {
            case,
            troubles: Vec::new(),
            weak: None,
            gone: BTreeSet::new(),
            seen: BTreeSet::new(),
        }
    }

    /// Lives through one case; `pair`: what has to be seen in it.
    pub async fn live(&mut self, pair: Option<(Way, Crash)>, has_crowd: bool) {
        self.case.settle(json!({"mode": "incremental"})).await;
        for _ in 0..self.case.rng.usize(6..=12) {
            self.step(has_crowd).await;
        }
        if let Some((way, crash)) = pair {
            self.begin(way);
            self.kill(crash).await;
        }
        self.mend_roles();
        self.conclude().await;
    }

    async fn step(&mut self, has_crowd: bool) {
        self.pass_time();
        match self.case.rng.u8(..10) {
            0..4 => {
                let way = WAYS[self
                    .case
                    .rng
                    .usize(..if has_crowd { WAYS.len() } else { 5 })];
                self.begin(way);
            }
            4 => self.mend_roles(),
            _ => {}
        }
        for _ in 0..self.case.rng.usize(..4) {
            change(self.case, false);
        }
        match self.case.rng.u8(..8) {
            0 => {
                let crash = CRASHES[self.case.rng.usize(..CRASHES.len())];
                self.kill(crash).await;
            }
            1 => drop(self.run(json!({"mode": "full"})).await),
            _ => drop(self.run(json!({"mode": "incremental"})).await),
        }
    }

    fn pass_time(&mut self) {
        let minutes = [5, 5, 5, 5, 60, 60, 360, 1_500][self.case.rng.usize(..8)];
        self.case.advance(SignedDuration::from_mins(minutes));
        let now = self.case.world.rig.org().now();
        self.troubles
            .retain(|trouble| trouble.until.is_none_or(|until| until > now));
        self.apply();
    }

    /// Makes the org fail as it is to fail now.
    fn apply(&self) {
        let mut org = self.case.world.rig.org();
        org.heal();
        org.allow_all();
        for trouble in &self.troubles {
            org.fail(
                trouble.path.as_str(),
                u64::MAX,
                trouble.way.failure().unwrap(),
            );
        }
        match self.weak {
            Some((path, Way::Empty)) => org.deny(path, Denial::Short(0)),
            Some((path, _)) => org.deny(path, Denial::Short(2)),
            None => {}
        }
    }

    fn begin(&mut self, way: Way) {
        if way.failure().is_none() {
            self.weak = Some((CUTS[self.case.rng.usize(..CUTS.len())].0, way));
            self.case.say(format!("{:?}", self.weak));
        } else {
            self.begin_one(way);
        }
        self.apply();
    }

    fn begin_one(&mut self, way: Way) {
        let (template, stream, is_asked) = PLACES[self.case.rng.usize(..PLACES.len())];
        let ids: Vec<String> = self.there()[stream].iter().cloned().collect();
        if ids.is_empty() || self.troubles.len() >= MOST_TROUBLES {
            return;
        }
        let id = ids[self.case.rng.usize(..ids.len())].clone();
        // No snapshot asks who is assigned to a service app.
        let is_asked = is_asked && !id.starts_with("0oaReports");
        let path = template.replace("{}", &id);
        let hours = self.case.rng.bool().then(|| self.case.rng.i64(1..48));
        let until =
            hours.map(|hours| self.case.world.rig.org().now() + SignedDuration::from_hours(hours));
        self.case.say(format!("{path}: {way:?} until {until:?}"));
        // The absence of one object contradicts that nothing tells of its end; that of a list is an answer.
        if way == Way::Gone && template.matches('/').count() > 4 {
            self.gone.insert(id.clone());
        }
        self.troubles.push(Trouble {
            way,
            path,
            id,
            is_asked,
            until,
        });
    }

    fn mend_roles(&mut self) {
        self.weak = None;
        self.apply();
    }

    /// A run, after which nothing is missing that was there all the time.
    async fn run(&mut self, event: Value) -> Option<Report> {
        let before = self.known();
        let report = self.case.run(event).await;
        self.assert_kept(&before);
        report
    }

    async fn kill(&mut self, crash: Crash) {
        let before = self.known();
        let nth = self.case.rng.u64(..3);
        let is_killed = self
            .case
            .kill(crash, nth, json!({"mode": "incremental"}))
            .await
            || self.case.kill(crash, 0, json!({"mode": "full"})).await;
        self.assert_kept(&before);
        if is_killed {
            self.seen
                .extend(self.troubles.iter().map(|trouble| (trouble.way, crash)));
            self.seen.extend(self.weak.map(|(_, way)| (way, crash)));
        }
    }

    /// Ids of what the org has, by stream.
    fn there(&self) -> Ids {
        ids_by_stream(&self.case.world.rig.org())
    }

    /// Of it, what a reader has.
    fn known(&self) -> Ids {
        let (state, mut there) = (self.case.world.rig.read(), self.there());
        there
            .iter_mut()
            .for_each(|(stream, ids)| ids.retain(|id| state.records(stream).contains_key(id)));
        there
    }

    fn assert_kept(&self, before: &Ids) {
        let (after, there) = (self.known(), self.there());
        let is_gone = |id: &str| id.split(':').any(|part| self.gone.contains(part));
        for (stream, known) in before {
            let is_lost = |id: &&String| {
                !after[stream].contains(*id) && there[stream].contains(*id) && !is_gone(id)
            };
            let lost: Vec<_> = known.iter().filter(is_lost).collect();
            assert!(lost.is_empty(), "{stream} forgot {lost:?}, which are there");
        }
    }

    /// Streams with trouble at as many of their parents as without, or more: they are told to have failed as a whole.
    fn failed_streams(&self) -> BTreeSet<&'static str> {
        let there = self.there();
        let is_failed = |stream: &&str| {
            let places: Vec<_> = FED
                .iter()
                .filter(|(_, fed)| fed == stream)
                .map(|(place, _)| *place)
                .collect();
            let is_at = |trouble: &&Trouble| {
                places.contains(&trouble.path.replace(&trouble.id, "{}").as_str())
            };
            let troubled = self
                .troubles
                .iter()
                .filter(is_at)
                .map(|trouble| &trouble.id)
                .collect::<BTreeSet<_>>()
                .len();
            let parents = PLACES
                .iter()
                .find(|(place, ..)| places.contains(place))
                .map_or(0, |(_, of, _)| there[of].len());
            troubled > 0 && 2 * troubled >= parents
        };
        FED.iter()
            .map(|(_, stream)| *stream)
            .filter(is_failed)
            .collect()
    }

    /// Runs until there is nothing to do at once. No role is weak any more, so somebody accepts what is held, a few times: where
    /// most of a stream fails there is nothing to accept yet.
    async fn rest(&mut self, mode: &str) -> Report {
        let (mut event, mut accepted) = (json!({"mode": mode}), 0);
        for _ in 0..10 * MOST_RUNS {
            let report = self
                .run(event)
                .await
                .expect("trouble with objects ends no run");
            let wait = report.retry_after_seconds.unwrap_or_default();
            self.case.advance(SignedDuration::from_secs(wait));
            let held = report
                .streams
                .iter()
                .filter(|(_, stream)| stream.outcome == Outcome::Held);
            let held: Vec<_> = held.map(|(name, _)| name).collect();
            let may_accept = accepted < MOST_ACCEPTED && !held.is_empty();
            if !report.go_on && !may_accept {
                return report;
            }
            accepted += usize::from(may_accept);
            event = if !may_accept {
                json!({"mode": "incremental"})
            } else {
                json!({"accept_shrink": held})
            };
        }
        panic!("ten times {MOST_RUNS} runs were not enough");
    }

    /// What has failed for days is hardly asked for within half an hour: once per object at most. Where a snapshot stays
    /// open because most of its stream fails, each run tries a few of it.
    async fn assert_rarely_asked(&mut self) {
        const RUNS: u64 = 6;
        /// Attempts at one object, and those at the few that are tried of a stream that fails.
        const ATTEMPTS: [u64; 2] = [6, 18];
        let cursor = self.case.cursor();
        let streams = cursor["streams"].as_object().unwrap().values();
        let open = streams
            .filter(|progress| !progress["pass"].is_null())
            .count() as u64;
        let mut asked = 0;
        for _ in 0..RUNS {
            self.case.advance(SignedDuration::from_mins(5));
            self.run(json!({"mode": "incremental"})).await;
            asked += self.case.world.traffic.lock().unwrap().asked;
        }
        // The log, a token, the hourly sweeps.
        let most = 3 * RUNS + ATTEMPTS[0] * self.troubles.len() as u64 + ATTEMPTS[1] * RUNS * open;
        assert!(
            asked <= most,
            "{asked} requests in half an hour without news"
        );
    }

    /// What has to be true with the trouble still there, and after it.
    async fn conclude(&mut self) {
        for trouble in &mut self.troubles {
            trouble.until = None;
        }
        self.case.world.rig.org().release_late();
        self.rest("incremental").await;
        for _ in 0..3 {
            self.case.advance(SignedDuration::from_hours(25));
            self.rest("full").await;
        }
        let report = self.rest("full").await;
        let troubled: BTreeSet<String> = self
            .troubles
            .iter()
            .map(|trouble| trouble.id.clone())
            .collect();
        assert_in_step_but(&self.case.world.rig, &troubled, &self.failed_streams());
        let is_told = report.outcome == Outcome::Degraded;
        let memberships = &self.there()["group_memberships"];
        let has_members =
            |trouble: &Trouble| memberships.iter().any(|id| id.starts_with(&trouble.id));
        // Nobody is asked for the members of a group that has none.
        let is_lasting = |trouble: &Trouble| {
            let is_empty = trouble.path.ends_with("/users")
                && trouble.id.starts_with("00g")
                && !has_members(trouble);
            trouble.is_asked && trouble.way != Way::Gone && !is_empty
        };
        let there = self.there();
        let is_there = |trouble: &&Trouble| there.values().any(|ids| ids.contains(&trouble.id));
        let lasting: Vec<_> = self
            .troubles
            .iter()
            .filter(|trouble| is_lasting(trouble))
            .filter(is_there)
            .map(|trouble| &trouble.path)
            .collect();
        assert!(
            is_told || lasting.is_empty(),
            "{lasting:?} are not told: {report:#?}"
        );
        self.case.advance(SignedDuration::from_mins(5));
        self.run(json!({"mode": "incremental"})).await;
        let asked = self.case.world.traffic.lock().unwrap().asked;
        // The log twice, a token, and a few attempts for each of what fails.
        let most = 3 + 25 * self.troubles.len() as u64;
        assert!(asked <= most, "{asked} requests without news");
        self.assert_rarely_asked().await;
        self.troubles.clear();
        self.apply();
        for _ in 0..3 {
            self.case.advance(SignedDuration::from_hours(25));
            self.rest("incremental").await;
        }
        self.case.settle(json!({"mode": "full"})).await;
        assert_in_step_but(&self.case.world.rig, &BTreeSet::new(), &BTreeSet::new());
    }
}
