//! One thread's world: an org behind a gate, a bucket, and the function between them, on one clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fake_org::{Fault, Org, Request, Response};
use jiff::SignedDuration;
use okta_authomize::clock::Clock;
use okta_authomize::config::Config;
use okta_authomize::handler::{Failure, Handler, Invocation};
use okta_authomize::invocation::Report;
use okta_authomize::okta::http_client;
use serde_json::Value;

use super::Rng;
use super::doom::{Crash, Doom};
use super::mutations::Act;
use crate::support::http::{self, Endpoint};
use crate::support::memory::Memory;
use crate::support::rig::{Drawer, Rig, secret};

/// What happens at the gate while a run is under way.
#[derive(Default)]
pub struct Traffic {
    /// Requests since the run began.
    pub asked: u64,
    /// Time that each request takes.
    pub step: SignedDuration,
    /// Most objects of a page.
    pub page: Option<u32>,
    /// From this request on the run is beyond its deadline.
    pub cut: Option<u64>,
    /// These answers come after later ones.
    pub slow: Vec<u64>,
    /// Any answer may.
    pub jitter: Option<Rng>,
    /// Changes at the arrival of a request, by the number of the request.
    pub meanwhile: Vec<Meanwhile>,
    /// Names of those that changed something.
    pub changed: Vec<usize>,
}

/// A change during a run.
pub struct Meanwhile {
    pub at: u64,
    pub mutation: usize,
    pub act: Act,
    pub seed: u64,
}

pub struct World {
    pub rig: Rig,
    pub traffic: Arc<Mutex<Traffic>>,
    pub doom: Doom,
    /// The time between snapshots; it is set before a case begins.
    pub snapshot_interval_hours: u32,
    /// Where a case leaves its bucket in the end, under its number.
    pub kept_in: Option<std::path::PathBuf>,
    client: reqwest::Client,
    _gate: Endpoint,
}

/// How a run ended.
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, and it is what a run gives"
)]
pub enum Ended {
    Killed,
    Told(Result<Report, Failure>),
}

/// So rarely that no snapshot heals anything within a case.
const RARELY_HOURS: u32 = 8_760;

const SETTINGS: [(&str, &str); 5] = [
    ("BUCKET", "acme-okta"),
    ("SECRET_ID", "okta/acme"),
    ("RATE_LIMIT_SHARE", "100"),
    ("LOG_LOOKBACK_DAYS", "90"),
    ("CHECKPOINT_INTERVAL_SECONDS", "10"),
];

/// Of the machine's time; a run takes a few milliseconds of it.
const LONGEST: Duration = Duration::from_secs(60);

impl World {
    pub async fn new() -> Self {
        let mut rig = Rig::new().await;
        let (traffic, doom) = (Arc::<Mutex<Traffic>>::default(), Doom::default());
        let gate = gate(&rig.org, &traffic, &doom).await;
        rig.url.clone_from(&gate.url);
        Self {
            rig,
            traffic,
            doom,
            snapshot_interval_hours: RARELY_HOURS,
            kept_in: None,
            client: http_client().unwrap(),
            _gate: gate,
        }
    }

    /// Another org, an empty bucket.
    pub fn begin(&mut self, org: Org, traffic: Traffic) {
        *self.rig.org() = org;
        *self.traffic.lock().unwrap() = traffic;
        self.doom.lift();
        self.rig.store = Memory::default();
        let doom = self.doom.clone();
        self.rig.store.fail(move |act, key| doom.meets(act, key));
        self.rig.secrets = Drawer::default();
        self.rig.secrets.put("okta/acme", &secret());
        self.start();
    }

    /// A cold start of the function.
    pub fn start(&mut self) {
        self.rig.handler = self.handler();
    }

    /// One more instance of the function.
    pub fn handler(&self) -> Handler<Memory, Drawer> {
        let setting = |name: &str| match name {
            "OKTA_ENDPOINT_URL" => Some(self.rig.url.clone()),
            "FULL_SYNC_INTERVAL_HOURS" | "FACTORS_INTERVAL_HOURS" => {
                Some(self.snapshot_interval_hours.to_string())
            }
            _ => SETTINGS
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned()),
        };
        let config = Config::read(setting).unwrap();
        let org = Arc::clone(&self.rig.org);
        let clock = Clock::new(move || org.lock().unwrap().now());
        let (store, secrets) = (self.rig.store.clone(), self.rig.secrets.clone());
        Handler::new(
            config,
            clock,
            self.client.clone(),
            store,
            secrets,
            Duration::from_millis(1),
        )
    }

    /// Runs until it is done or dead. After a death the function starts anew.
    pub async fn run(&mut self, event: Value) -> Ended {
        let ended = self.run_of(&self.rig.handler, event).await;
        if self.doom.lift() {
            self.start();
            return Ended::Killed;
        }
        ended
    }

    /// As [`World::run`], of one instance; whoever calls it lifts the doom.
    pub async fn run_of(&self, handler: &Handler<Memory, Drawer>, event: Value) -> Ended {
        let deadline = self.rig.org().now() + SignedDuration::from_mins(5);
        let invocation = Invocation {
            request_id: "r-1".into(),
            deadline,
        };
        tokio::select! {
            biased;
            () = self.doom.struck() => Ended::Killed,
            told = handler.run(&event, &invocation) => Ended::Told(told),
            () = tokio::time::sleep(LONGEST) => panic!("the run does not end"),
        }
    }
}

async fn gate(org: &Arc<Mutex<Org>>, traffic: &Arc<Mutex<Traffic>>, doom: &Doom) -> Endpoint {
    let (org, traffic, doom) = (Arc::clone(org), Arc::clone(traffic), doom.clone());
    http::serve(move |request| {
        let (response, wait_ms) = pass(
            &mut org.lock().unwrap(),
            &mut traffic.lock().unwrap(),
            &doom,
            request,
        );
        async move {
            if wait_ms > 0 {
                tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            }
            response
        }
    })
    .await
}

/// Long enough for the dead to be gone before they are answered.
const GRAVE_MS: u64 = 50;
const SLOW_MS: u64 = 3;

fn pass(
    org: &mut Org,
    traffic: &mut Traffic,
    doom: &Doom,
    mut request: Request,
) -> (Response, u64) {
    if doom.is_dead() || doom.strikes(Crash::BeforeRequest) {
        return (
            Response {
                status: 503,
                ..Response::default()
            },
            GRAVE_MS,
        );
    }
    let nth = traffic.asked;
    traffic.asked += 1;
    for planned in traffic
        .meanwhile
        .extract_if(.., |planned| planned.at <= nth)
    {
        if (planned.act)(org, &mut Rng::with_seed(planned.seed)) {
            traffic.changed.push(planned.mutation);
        }
    }
    if let Some(most) = traffic.page {
        cap(&mut request, most);
    }
    let mut response = org.answer(&request);
    if let Some(Fault::Stall(ms)) = response.fault {
        // The client's patience ends, in a time that is simulated.
        org.advance(SignedDuration::from_millis(i64::try_from(ms).unwrap()));
        response.fault = Some(Fault::Reset);
    }
    let beyond = traffic.cut.is_some_and(|cut| cut == nth);
    org.advance(if beyond {
        SignedDuration::from_mins(6)
    } else {
        traffic.step
    });
    if doom.strikes(Crash::AfterRequest) {
        return (response, GRAVE_MS);
    }
    let late_ms = traffic.jitter.as_mut().map_or(0, |rng| rng.u64(..SLOW_MS));
    (
        response,
        if traffic.slow.contains(&nth) {
            SLOW_MS
        } else {
            late_ms
        },
    )
}

/// Pages hold this many objects at most, and links say so.
fn cap(request: &mut Request, most: u32) {
    let pairs = request
        .query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("limit="));
    let limit = format!("limit={most}");
    request.query = pairs.chain([limit.as_str()]).collect::<Vec<_>>().join("&");
}
