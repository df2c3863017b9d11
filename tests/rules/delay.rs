//! How long a change takes from Okta into Authomize, in simulated time: the schedule, the collector's run, the queue's
//! window, the loader's run. How long S3, EventBridge and SQS take to pass an event on is not in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use fake_org::{Client, Clock as OrgClock, NewUser, Options, Org};
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use loader::authomize::{Http, http_client};
use loader::clock::Clock as LoaderClock;
use loader::event::Request;
use loader::failure::Failure;
use loader::load::{Loader, Settings};
use loader::secret::{Secrets, Tenant};
use okta_authomize::clock::Clock;
use okta_authomize::config::Config;
use okta_authomize::handler::{Handler, Invocation};
use secrecy::SecretString;
use serde_json::json;

use crate::loads::fake::{Fake, TOKEN};
use crate::loads::memory::{Fuse, Killable, Memory};
use crate::support::rig::{CLIENT, PASSWORD, Rig, secret};

const SCHEDULE_S: i64 = 300;
const RUNS: i64 = 144;
/// `MaximumBatchingWindowInSeconds` of the template.
const WINDOW_S: i64 = 300;
/// Simulated time of a request, to Okta and to Authomize.
const REQUEST_MS: i64 = 150;

struct Drawer(String);

impl Secrets for Drawer {
    async fn read(&self, _: &str) -> Result<SecretString, Failure> {
        Ok(SecretString::from(self.0.clone()))
    }
}

struct Simulation {
    rig: Rig,
    fake: Fake,
    clock_ms: Arc<AtomicI64>,
    /// When each user that Authomize does not have yet was made.
    made_at: BTreeMap<String, Timestamp>,
    latencies_s: Vec<f64>,
}

impl Simulation {
    async fn new() -> Self {
        let founded: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
        let mut org = Org::new(Options {
            clock: OrgClock::Simulated(founded),
            ..Options::default()
        });
        org.add_client(Client::with_secret(CLIENT, PASSWORD));
        org.create_everyone();
        (0..50).for_each(|number| {
            drop(org.create_user(NewUser::named(&format!("Ada{number}"), "Lovelace")))
        });
        let mut rig = Rig::around(org, &secret(), &[]).await;
        let clock_ms = Arc::new(AtomicI64::new(founded.as_millisecond()));
        let url = rig.url.clone();
        let setting = |name: &str| match name {
            "OKTA_ENDPOINT_URL" => Some(url.clone()),
            "BUCKET" => Some("acme-okta".to_owned()),
            "SECRET_ID" => Some("okta/acme".to_owned()),
            _ => None,
        };
        let told = Arc::clone(&clock_ms);
        let clock =
            Clock::new(move || Timestamp::from_millisecond(told.load(Ordering::SeqCst)).unwrap());
        let (config, client) = (
            Config::read(setting).unwrap(),
            okta_authomize::okta::http_client().unwrap(),
        );
        let (store, secrets) = (rig.store.clone(), rig.secrets.clone());
        rig.handler = Handler::new(
            config,
            clock,
            client,
            store,
            secrets,
            Duration::from_millis(1),
        );
        Self {
            rig,
            fake: Fake::start(),
            clock_ms,
            made_at: BTreeMap::new(),
            latencies_s: Vec::new(),
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.clock_ms.load(Ordering::SeqCst)).unwrap()
    }

    fn set_now(&self, now: Timestamp) {
        self.clock_ms.store(now.as_millisecond(), Ordering::SeqCst);
        self.rig.org().set_now(now);
    }

    /// A run of the collector; whether it committed anything.
    async fn collect(&self) -> bool {
        let requests = || self.rig.org().counts().requests.values().sum::<u64>();
        let before = requests();
        let invocation = Invocation {
            request_id: "r".into(),
            deadline: self.now() + SignedDuration::from_mins(5),
        };
        let manifests = || self.rig.read().manifests.len();
        let was = if self.rig.store.objects.lock().unwrap().is_empty() {
            0
        } else {
            manifests()
        };
        self.rig
            .handler
            .run(&json!({"mode": "incremental"}), &invocation)
            .await
            .unwrap();
        let asked = i64::try_from(requests() - before).unwrap();
        self.set_now(self.now() + SignedDuration::from_millis(asked * REQUEST_MS));
        manifests() > was
    }

    async fn load(&mut self) {
        let (client, clock_ms) = (http_client().unwrap(), Arc::clone(&self.clock_ms));
        let connect = move |tenant: Tenant| {
            let (inner, clock_ms) = (Http::new(client.clone(), tenant)?, Arc::clone(&clock_ms));
            Ok(Killable {
                inner,
                fuse: Fuse::never(),
                clock_ms,
                request_ms: REQUEST_MS,
            })
        };
        let settings = Settings {
            prefix: "okta".to_owned(),
            secret_id: "authomize".to_owned(),
            api_url: "https://api.authomize.com".parse().unwrap(),
            full_load_interval: SignedDuration::from_hours(24),
            pause: Duration::from_millis(1),
        };
        let secret = json!({"token": TOKEN, "base_url": self.fake.url}).to_string();
        let told = Arc::clone(&self.clock_ms);
        let clock = LoaderClock::new(move || {
            Timestamp::from_millisecond(told.load(Ordering::SeqCst)).unwrap()
        });
        let clock = clock.with_sleep(self.fake.sleep());
        let store = Memory::new(Arc::clone(&self.rig.store.objects), Fuse::never());
        let loader = Loader::new(settings, store, Drawer(secret), connect, clock);
        let deadline = self.now() + SignedDuration::from_mins(15);
        loader
            .load(&Request::wake("okta".to_owned()), deadline)
            .await
            .unwrap();
        let there: BTreeSet<String> = self
            .fake
            .items()
            .await
            .into_keys()
            .map(|(_, key)| key)
            .collect();
        let now = self.now();
        let (arrived, waiting): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut self.made_at)
                .into_iter()
                .partition(|(user, _)| there.contains(user));
        self.latencies_s.extend(
            arrived
                .values()
                .map(|at| now.duration_since(*at).as_secs_f64()),
        );
        self.made_at = waiting;
    }
}

#[tokio::test]
async fn a_change_is_in_authomize_within_the_schedule_and_the_queues_window() {
    let (mut simulation, mut rng) = (Simulation::new().await, Rng::with_seed(7));
    simulation.fake.reset(json!({})).await;
    simulation.collect().await;
    simulation.load().await;
    let began_at = simulation.now();
    let mut window_ends: Option<Timestamp> = None;
    for run in 1..=RUNS {
        let mut instants: Vec<i64> = (0..rng.usize(..4))
            .map(|_| rng.i64(0..SCHEDULE_S))
            .collect();
        instants.sort_unstable();
        let due = began_at + SignedDuration::from_secs(run * SCHEDULE_S);
        for instant in instants {
            let at = due - SignedDuration::from_secs(SCHEDULE_S - instant);
            if let Some(end) = window_ends.take_if(|end| *end <= at) {
                simulation.set_now(end.max(simulation.now()));
                simulation.load().await;
            }
            simulation.set_now(at.max(simulation.now()));
            let name = format!("Grace{}", rng.u32(..));
            let user = simulation
                .rig
                .org()
                .create_user(NewUser::named(&name, "Hopper"));
            simulation.made_at.insert(user, simulation.now());
        }
        if let Some(end) = window_ends.take_if(|end| *end <= due) {
            simulation.set_now(end.max(simulation.now()));
            simulation.load().await;
        }
        simulation.set_now(due.max(simulation.now()));
        if simulation.collect().await {
            // The first message opens the window; later ones join it.
            window_ends.get_or_insert(simulation.now() + SignedDuration::from_secs(WINDOW_S));
        }
    }
    let mut latencies_s = std::mem::take(&mut simulation.latencies_s);
    latencies_s.sort_by(f64::total_cmp);
    let at = |percent: usize| latencies_s[(latencies_s.len() - 1) * percent / 100];
    println!(
        "{} changes: p50 {:.0} s, p95 {:.0} s, most {:.0} s",
        latencies_s.len(),
        at(50),
        at(95),
        at(100)
    );
    assert!(
        latencies_s.len() > 100 && simulation.made_at.len() < 10,
        "{:?}",
        simulation.made_at
    );
    assert!(at(100) <= (SCHEDULE_S + WINDOW_S) as f64 + 30.0);
    let template =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/template.yaml")).unwrap();
    assert!(template.contains(&format!("MaximumBatchingWindowInSeconds: {WINDOW_S}\n")));
}
