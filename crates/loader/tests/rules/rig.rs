//! A loader between a bucket in memory and the fake Authomize, with a clock of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use loader::authomize::{Http, http_client};
use loader::clock::Clock;
use loader::event::{Mode, Request};
use loader::failure::Failure;
use loader::load::{Loader, Settings};
use loader::purge::Wishes;
use loader::report::Report;
use loader::secret::{Secrets, Tenant};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::fake::{Fake, TOKEN};
use super::history::Ledger;
use super::memory::{Fuse, Killable, Memory, Objects};

/// A secret in memory.
#[derive(Clone)]
pub struct Drawer(pub String);

impl Secrets for Drawer {
    async fn read(&self, _: &str) -> Result<SecretString, Failure> {
        Ok(SecretString::from(self.0.clone()))
    }
}

pub struct Rig {
    pub fake: Fake,
    pub ledger: Ledger,
    pub clock_ms: Arc<AtomicI64>,
    /// Simulated time of a request.
    pub request_ms: i64,
    pub secret: String,
}

impl Rig {
    pub async fn new(options: Value) -> Self {
        let fake = Fake::start();
        fake.reset(options).await;
        Self::around(fake)
    }

    /// Another bucket, and a tenant that is there.
    pub fn around(fake: Fake) -> Self {
        let secret = json!({"token": TOKEN, "base_url": fake.url}).to_string();
        let ledger = Ledger::new(Objects::default());
        Self {
            fake,
            ledger,
            clock_ms: Arc::new(AtomicI64::new(1_795_000_000_000)),
            request_ms: 0,
            secret,
        }
    }

    /// Three users, two of them in a group, read as a whole.
    pub async fn small(options: Value) -> Self {
        let mut rig = Self::new(options).await;
        let users = ["00u1", "00u2", "00u3"].map(|id| Ledger::user(id, "Ada"));
        let mut lines = users.to_vec();
        lines.extend([Ledger::factors("00u1", &["mfa:sms"]), Ledger::group("00g1")]);
        lines.extend([
            Ledger::member("00g1", "00u1"),
            Ledger::member("00g1", "00u2"),
        ]);
        let whole = ["users", "factors", "groups", "group_memberships"];
        let whole =
            whole.map(|stream| json!({"stream": stream, "since_sequence": 1, "complete": true}));
        rig.ledger.commit(lines, whole.to_vec());
        rig.ledger.status("succeeded");
        rig
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.clock_ms.load(Ordering::SeqCst)).unwrap()
    }

    pub async fn pass(&self, minutes: i64) {
        self.clock_ms.fetch_add(minutes * 60_000, Ordering::SeqCst);
        let us = u64::try_from(minutes * 60_000_000).unwrap();
        self.fake.advance(us).await;
    }

    pub fn store(&self, fuse: &Fuse) -> Memory {
        Memory::new(Arc::clone(&self.ledger.objects), fuse.clone())
    }

    /// A loader that stops for ever when the fuse blows.
    pub fn loader(
        &self,
        store: Memory,
    ) -> Loader<Memory, Drawer, impl Fn(Tenant) -> Result<Killable<Http>, Failure>> {
        let client = http_client().unwrap();
        let (fuse, clock_ms, request_ms) = (
            store.fuse.clone(),
            Arc::clone(&self.clock_ms),
            self.request_ms,
        );
        let connect = move |tenant: Tenant| {
            let inner = Http::new(client.clone(), tenant)?;
            Ok(Killable {
                inner,
                fuse: fuse.clone(),
                clock_ms: Arc::clone(&clock_ms),
                request_ms,
            })
        };
        let settings = Settings {
            prefix: "okta".to_owned(),
            secret_id: "authomize".to_owned(),
            api_url: url::Url::parse("https://api.authomize.com").unwrap(),
            full_load_interval: SignedDuration::from_hours(24),
            pause: Duration::from_millis(500),
        };
        let clock_ms = Arc::clone(&self.clock_ms);
        let (told, sleep) = (Arc::clone(&clock_ms), self.fake.sleep());
        let clock =
            Clock::new(move || Timestamp::from_millisecond(told.load(Ordering::SeqCst)).unwrap());
        let clock = clock.with_sleep(move |wait| {
            let ms = i64::try_from(wait.as_millis()).unwrap();
            clock_ms.fetch_add(ms, Ordering::SeqCst);
            sleep(wait)
        });
        Loader::new(settings, store, Drawer(self.secret.clone()), connect, clock)
    }

    pub async fn ask(&self, request: &Request) -> Result<Report, Failure> {
        let loader = self.loader(self.store(&Fuse::never()));
        loader
            .load(request, self.now() + SignedDuration::from_mins(15))
            .await
    }

    /// The built function's answer to an event.
    pub async fn handle(&self, event: Value) -> Result<Value, Failure> {
        let loader = self.loader(self.store(&Fuse::never()));
        let deadline = self.now() + SignedDuration::from_mins(15);
        loader::handler::handle(&loader, "okta", &event, deadline).await
    }

    /// The record of the loads.
    pub fn record(&self) -> Value {
        let objects = self.ledger.objects.lock().unwrap();
        serde_json::from_slice(&objects["okta/loads/okta.json"]).unwrap()
    }

    pub async fn try_load(&self) -> Result<Report, Failure> {
        self.ask(&Request::wake("okta".to_owned())).await
    }

    pub async fn load(&self) -> Report {
        self.try_load().await.unwrap()
    }

    pub async fn full(&self, accept_shrink: bool) -> Report {
        self.ask(&Request {
            integration: "okta".to_owned(),
            mode: Mode::Full,
            wishes: Wishes {
                accept_shrink,
                adopt: false,
            },
        })
        .await
        .unwrap()
    }

    pub async fn assert_equal(&self) {
        let (there, expected) = (self.fake.items().await, self.ledger.expected());
        for (key, item) in &expected {
            assert_eq!(there.get(key), Some(item), "{key:?}");
        }
        let more: Vec<_> = there
            .keys()
            .filter(|key| !expected.contains_key(*key))
            .collect();
        assert!(more.is_empty(), "Authomize still has {more:?}");
    }
}
