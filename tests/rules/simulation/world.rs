//! The org with its troubles, in virtual time, and what is known of its changes.

use std::collections::BTreeMap;

use fake_org::{Denial, Failure, Org, Request, Response};
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::truth::{Key, Truth, truth};
use crate::model::mutations::{MUTATIONS, Told};

/// How a change is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Plainly,
    Silently,
    /// Its events are stored after so many minutes.
    LateBy(i64),
}

/// How requests fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// 403 E0000006
    Forbidden,
    /// A 404 that is not Okta's own.
    Stray,
    /// 500
    Broken,
    /// 504
    Slow,
    /// 400 E0000015
    Feature,
    /// No answer within the client's patience.
    Hang,
}

pub const WAYS: [Way; 6] = [
    Way::Forbidden,
    Way::Stray,
    Way::Broken,
    Way::Slow,
    Way::Feature,
    Way::Hang,
];

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// One object, or one of its lists, fails.
    Object(Way),
    /// All paths of a kind fail.
    Paths(Way),
    /// Lists of a kind are empty: a weakened role.
    Empty,
    /// Lists and objects of a kind are 404, by Okta's own word: a weakened role.
    Absent,
    /// Lists of a kind end after so many objects: a weakened role.
    Short(u64),
    /// The next requests of a kind meet a rate limit that lifts after so many seconds.
    Limit(i64),
    /// Positions that were given out so far are refused.
    PositionsRefused,
    /// Positions that were given out so far answer 500.
    PositionsBroken,
    /// The next so many positions in the log are refused.
    LogRefused(u64),
    /// What changes is logged at once and seen so many seconds later.
    Lag(i64),
    /// The org refuses the filters of sweeps.
    FilterRefused,
}

impl Fault {
    /// Whether the org says what is not true.
    pub fn is_lie(self) -> bool {
        matches!(self, Self::Empty | Self::Absent | Self::Short(_))
    }
}

/// Paths of one object, with the beginning of its ids.
pub const OBJECTS: [(&str, &str); 14] = [
    ("/api/v1/groups/{}/users", "00g"),
    ("/api/v1/groups/{}/roles", "00g"),
    ("/api/v1/groups/{}", "00g"),
    ("/api/v1/apps/{}/users", "0oa"),
    ("/api/v1/apps/{}/groups", "0oa"),
    ("/api/v1/apps/{}", "0oa"),
    ("/api/v1/users/{}/factors", "00u"),
    ("/api/v1/users/{}/groups", "00u"),
    ("/api/v1/users/{}/roles", "00u"),
    ("/api/v1/users/{}", "00u"),
    ("/api/v1/idps/{}/users", "0oi"),
    ("/api/v1/iam/roles/{}/permissions", "cr0"),
    ("/api/v1/iam/resource-sets/{}/resources", "iam"),
    ("/api/v1/iam/resource-sets/{}/bindings", "iam"),
];

/// Lists of a kind.
pub const KINDS: [&str; 14] = [
    "/api/v1/users",
    "/api/v1/groups",
    "/api/v1/apps",
    "/api/v1/idps",
    "/api/v1/iam/roles",
    "/api/v1/iam/resource-sets",
    "/api/v1/groups/*/users",
    "/api/v1/apps/*/users",
    "/api/v1/apps/*/groups",
    "/api/v1/users/*/factors",
    "/api/v1/users/*/groups",
    "/api/v1/users/*/roles",
    "/api/v1/idps/*/users",
    "/api/v1/iam/assignees/users",
];

/// Filters of sweeps: they ask for what has changed since a day of this century.
const SWEEPS: [&str; 3] = [
    "GET /api/v1/users?lastUpdated ge \"20",
    "GET /api/v1/groups?lastUpdated ge \"20",
    "GET /api/v1/groups?lastMembershipUpdated ge \"20",
];

/// A fault that lasts.
#[derive(Clone, Debug)]
pub struct Trouble {
    pub fault: Fault,
    pub path: String,
    /// The object that fails.
    pub id: Option<String>,
    pub until: Option<Timestamp>,
}

/// The last change of a record.
#[derive(Clone, Debug)]
pub struct Touch {
    /// Whether an event says so.
    pub is_told: bool,
    /// When the log shows it.
    pub logged_at: Timestamp,
    /// When lists show it.
    pub seen_at: Timestamp,
    /// It was there before or is there after: it was taken away.
    pub is_removal: bool,
}

pub type Act = Box<dyn FnOnce(&mut World)>;

/// How the log gives out its pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogHabit {
    #[default]
    Plain,
    /// The first page of a run begins with the last event of the run before.
    RepeatsLast,
    /// The next link is the request itself.
    NextIsItself,
    /// `since` goes by the time at which events were published, not stored.
    SinceIsPublished,
}

pub struct World {
    pub org: Org,
    /// Most objects on a page.
    pub page: Option<u32>,
    pub troubles: Vec<Trouble>,
    /// What happens before the n-th request of the next run.
    pub meanwhile: Vec<(usize, Act)>,
    /// Paths that are answered with 403.
    pub refuses: Option<fn(&str) -> bool>,
    pub log: LogHabit,
    /// A group that the role does not reach.
    pub hidden: Option<String>,
    /// The last event that the log has given out.
    last_event: Option<Value>,
    /// The run has read no page of the log yet.
    is_first_page: bool,
    asked: usize,
    pub truth: Truth,
    pub touched: BTreeMap<Key, Touch>,
    /// When each record last came or went, and lists showed it.
    pub moved: BTreeMap<Key, Timestamp>,
    /// How often anything has changed.
    pub changes: u64,
    /// Uuids of all events, as of a position in the log.
    uuids: (String, Vec<String>),
    /// When lists show everything that was changed.
    seen_at: Timestamp,
}

pub const TOKEN: &str = "a-token-of-the-simulation";

impl World {
    pub fn new(mut org: Org) -> Self {
        org.add_api_token(TOKEN);
        Self {
            truth: truth(&org),
            org,
            page: None,
            troubles: Vec::new(),
            meanwhile: Vec::new(),
            refuses: None,
            log: LogHabit::Plain,
            hidden: None,
            last_event: None,
            is_first_page: true,
            asked: 0,
            touched: BTreeMap::new(),
            moved: BTreeMap::new(),
            changes: 0,
            uuids: (String::new(), Vec::new()),
            seen_at: Timestamp::MIN,
        }
    }

    pub fn now(&self) -> Timestamp {
        self.org.now()
    }

    pub fn set_now(&mut self, now: Timestamp) {
        self.org.set_now(now);
        let count = self.troubles.len();
        self.troubles
            .retain(|trouble| trouble.until.is_none_or(|until| until > now));
        if self.troubles.len() < count {
            self.apply();
        }
    }

    pub fn advance(&mut self, by: SignedDuration) {
        self.set_now(self.now() + by);
    }

    /// Answers a request. What happens meanwhile happens before it.
    pub fn ask(&mut self, target: &str) -> Response {
        let nth = self.asked;
        self.asked += 1;
        for (_, act) in self
            .meanwhile
            .extract_if(.., |(at, _)| *at <= nth)
            .collect::<Vec<_>>()
        {
            // It happens after what was asked before, though all was asked at one instant.
            self.advance(SignedDuration::from_micros(1));
            act(self);
        }
        if self.refuses.is_some_and(|refuses| refuses(target)) {
            let body = json!({"errorCode": "E0000006"}).to_string().into_bytes();
            return Response {
                status: 403,
                body,
                ..Response::default()
            };
        }
        let mut request = Request::get(target).authorized("SSWS", TOKEN);
        if let Some(most) = self.page.filter(|_| request.query.contains("limit=")) {
            let pairs = request
                .query
                .split('&')
                .filter(|pair| !pair.starts_with("limit="));
            let limit = format!("limit={most}");
            request.query = pairs.chain([limit.as_str()]).collect::<Vec<_>>().join("&");
        }
        let mut response = self.org.answer(&request);
        if let Some(hidden) = &self.hidden {
            hide(hidden, &request.path, &mut response);
        }
        if request.path == "/api/v1/logs" && response.status == 200 {
            self.spoil_log(&mut response, target);
        }
        response
    }

    fn spoil_log(&mut self, response: &mut Response, target: &str) {
        let mut events: Vec<Value> = serde_json::from_slice(&response.body).unwrap();
        let last = events.last().cloned().or_else(|| self.last_event.clone());
        let before = std::mem::replace(&mut self.last_event, last);
        match self.log {
            LogHabit::Plain => {}
            LogHabit::SinceIsPublished => {
                let since = target
                    .split(['?', '&'])
                    .find_map(|pair| pair.strip_prefix("since="));
                let since = since
                    .filter(|_| !target.contains("after="))
                    .unwrap_or_default();
                let since = since.replace("%3A", ":");
                events.retain(|event| event["published"].as_str() >= Some(since.as_str()));
                response.body = json!(events).to_string().into_bytes();
            }
            LogHabit::RepeatsLast => {
                let repeated = before.filter(|_| std::mem::take(&mut self.is_first_page));
                events.splice(0..0, repeated);
                response.body = json!(events).to_string().into_bytes();
            }
            LogHabit::NextIsItself => {
                response
                    .headers
                    .retain(|(name, _)| !name.eq_ignore_ascii_case("link"));
                let link = format!("<https://acme.okta.com{target}>; rel=\"next\"");
                response.headers.push(("Link".into(), link));
            }
        }
    }

    /// A run begins: its requests are counted from 0.
    pub fn begin_run(&mut self) {
        self.asked = 0;
        self.is_first_page = true;
    }

    /// Makes a change; false where there was nothing to change.
    pub fn change(&mut self, name: &str, how: How, seed: u64) -> bool {
        let (_, told, act) = MUTATIONS.iter().find(|(known, ..)| *known == name).unwrap();
        self.act(how, *told == Told::ByEvent, |org| {
            act(org, &mut Rng::with_seed(seed))
        })
    }

    /// Makes any change, and notes which records it moves.
    pub fn act<T>(&mut self, how: How, is_told: bool, change: impl FnOnce(&mut Org) -> T) -> T {
        let now = self.now();
        let lag = SignedDuration::from_secs(self.lag_s());
        let logged_at = match how {
            How::LateBy(minutes) => now + SignedDuration::from_mins(minutes),
            _ => now,
        };
        let change = |org: &mut Org| match how {
            How::Plainly => change(org),
            How::Silently => org.silently(change),
            How::LateBy(_) => org.late_until(logged_at, change),
        };
        let late = self.org.late_events();
        let result = if lag.is_zero() {
            change(&mut self.org)
        } else {
            self.org.unseen_until(now + lag, change)
        };
        // What a rule moves may be logged when all late events are released.
        let is_kept_back = self.org.late_events() > late && logged_at == now;
        let logged_at = if is_kept_back {
            Timestamp::MAX
        } else {
            logged_at
        };
        self.seen_at = self.seen_at.max(now + lag);
        self.note(is_told && how != How::Silently, logged_at, self.seen_at);
        result
    }

    fn note(&mut self, is_told: bool, logged_at: Timestamp, seen_at: Timestamp) {
        self.changes += 1;
        let before = std::mem::replace(&mut self.truth, truth(&self.org));
        let after = &self.truth;
        let moved = before
            .iter()
            .filter(|(key, value)| after.get(*key) != Some(*value));
        let come = after.iter().filter(|(key, _)| !before.contains_key(*key));
        // Of what is only altered, or follows in silence, an old answer does not show that it is old.
        let lags = seen_at > self.org.now();
        let is_quiet = lags && self.org.options.quiet_effects;
        for (key, _) in moved.chain(come) {
            let is_removal = !after.contains_key(key);
            let is_altered = before.contains_key(key) && !is_removal && key.0 != "factors";
            let is_told = is_told && !is_quiet && !(lags && is_altered);
            if is_removal || !before.contains_key(key) {
                self.moved.insert(key.clone(), seen_at);
            }
            let touch = Touch {
                is_told,
                logged_at,
                seen_at,
                is_removal,
            };
            self.touched.insert(key.clone(), touch);
        }
    }

    /// Every late event comes.
    pub fn release_late(&mut self) {
        self.org.release_late();
        let now = self.now();
        self.touched
            .values_mut()
            .for_each(|touch| touch.logged_at = touch.logged_at.min(now));
    }

    /// Uuids of all events in the order in which they were stored.
    pub fn uuids(&mut self) -> &[String] {
        let position = self.org.last_cursor();
        if self.uuids.0 != position {
            self.uuids = (position, self.org.event_uuids());
        }
        &self.uuids.1
    }

    pub fn lag_s(&self) -> i64 {
        let lags = self
            .troubles
            .iter()
            .filter_map(|trouble| match trouble.fault {
                Fault::Lag(seconds) => Some(seconds),
                _ => None,
            });
        lags.max().unwrap_or_default()
    }

    /// A fault begins, at a place that is drawn; `hours` 0 is for good.
    pub fn trouble(&mut self, fault: Fault, seed: u64, hours: i64) {
        let mut rng = Rng::with_seed(seed);
        let (mut path, mut id) = (String::new(), None);
        match fault {
            Fault::Object(_) => {
                let (template, prefix) = OBJECTS[rng.usize(..OBJECTS.len())];
                let is_of_kind = |(stream, id): &&Key| {
                    id.starts_with(prefix) && !id.contains(':') && *stream != "factors"
                };
                let ids: Vec<_> = self.truth.keys().filter(is_of_kind).collect();
                let Some((_, drawn)) = rng.choice(ids) else {
                    return;
                };
                path = template.replace("{}", drawn);
                id = Some(drawn.clone());
            }
            _ => path.push_str(KINDS[rng.usize(..KINDS.len())]),
        }
        let until = (hours > 0).then(|| self.now() + SignedDuration::from_hours(hours));
        self.begin(Trouble {
            fault,
            path,
            id,
            until,
        });
    }

    pub fn begin(&mut self, trouble: Trouble) {
        match trouble.fault {
            Fault::PositionsRefused => self.org.expire_cursors(),
            Fault::PositionsBroken => self.org.break_cursors(),
            Fault::LogRefused(times) => self.org.fail("GET /api/v1/logs?after=", times, refused()),
            Fault::Limit(seconds) => {
                let failure = Failure::RateLimited {
                    limit: 600,
                    reset_in_seconds: seconds,
                };
                self.org.fail(trouble.path.as_str(), 1, failure);
            }
            _ => {
                self.troubles.push(trouble);
                self.apply();
            }
        }
    }

    /// Every fault ends, and late events come.
    pub fn mend(&mut self) {
        self.troubles.clear();
        self.apply();
    }

    fn apply(&mut self) {
        self.org.heal();
        self.org.allow_all();
        for Trouble { fault, path, .. } in &self.troubles {
            let org = &mut self.org;
            match *fault {
                Fault::Object(way) | Fault::Paths(way) => {
                    org.fail(path.as_str(), u64::MAX, failure(way))
                }
                Fault::Empty => org.deny(path.as_str(), Denial::Short(0)),
                Fault::Short(most) => org.deny(path.as_str(), Denial::Short(most)),
                Fault::Absent => org.fail(path.as_str(), u64::MAX, said(404, "E0000007")),
                Fault::FilterRefused => {
                    SWEEPS
                        .iter()
                        .for_each(|sweep| org.fail(*sweep, u64::MAX, refused()));
                }
                _ => {}
            }
        }
    }
}

/// Answers as if a group was not there.
fn hide(hidden: &str, path: &str, response: &mut Response) {
    if path.contains(&format!("/groups/{hidden}")) {
        let body = json!({"errorCode": "E0000007"}).to_string().into_bytes();
        *response = Response {
            status: 404,
            body,
            ..Response::default()
        };
    } else if path.ends_with("/groups") && response.status == 200 {
        let mut groups = response.value();
        groups
            .as_array_mut()
            .unwrap()
            .retain(|group| group["id"] != hidden);
        response.body = groups.to_string().into_bytes();
    }
}

/// Longer than any client waits.
const HANGS_MS: u64 = 3_600_000;

pub fn failure(way: Way) -> Failure {
    match way {
        Way::Forbidden => said(403, "E0000006"),
        Way::Stray => Failure::Html(404),
        Way::Broken => said(500, "E0000009"),
        Way::Slow => said(504, "E0000009"),
        Way::Feature => said(400, "E0000015"),
        Way::Hang => Failure::Stall(HANGS_MS),
    }
}

fn refused() -> Failure {
    said(400, "E0000031")
}

pub fn said(status: u16, code: &str) -> Failure {
    Failure::Status(
        status,
        json!({"errorCode": code, "errorSummary": "No."}).to_string(),
    )
}
