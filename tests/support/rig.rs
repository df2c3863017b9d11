//! A function between a fake org over HTTP and a bucket in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use fake_org::{Client, NewUser, Options, Org, Server};
use jiff::{SignedDuration, Timestamp};
use okta_authomize::clock::Clock;
use okta_authomize::config::Config;
use okta_authomize::handler::{Failure, Handler, Invocation};
use okta_authomize::invocation::{Outcome, Report};
use okta_authomize::okta::http_client;
use okta_authomize::secret::{Content, SecretError, Secrets};
use reader::{ENTITY_STREAMS, Reader, State};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::memory::Memory;

/// Secrets in memory.
#[derive(Clone, Default)]
pub struct Drawer(Arc<Mutex<BTreeMap<String, (u32, String)>>>);

impl Drawer {
    pub fn put(&self, id: &str, content: &Value) {
        let mut drawer = self.0.lock().unwrap();
        let version = drawer.get(id).map_or(1, |(version, _)| version + 1);
        drawer.insert(id.to_owned(), (version, content.to_string()));
    }
}

impl Drawer {
    fn is_off(&self, stream: &str) -> bool {
        let drawer = self.0.lock().unwrap();
        let secret: Value = serde_json::from_str(&drawer["okta/acme"].1).unwrap();
        secret["streams_off"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|off| off == stream)
    }
}

impl Secrets for Drawer {
    async fn read(&self, secret_id: &str) -> Result<Content, SecretError> {
        let drawer = self.0.lock().unwrap();
        let missing = || SecretError::NotFound {
            secret_id: secret_id.to_owned(),
            detail: "404".into(),
        };
        let (version, text) = drawer.get(secret_id).ok_or_else(missing)?;
        Ok(Content {
            version: version.to_string(),
            text: text.clone().into(),
        })
    }
}

pub struct Rig {
    pub org: Arc<Mutex<Org>>,
    pub store: Memory,
    pub secrets: Drawer,
    pub handler: Handler<Memory, Drawer>,
    pub url: String,
    _server: Server,
}

pub const CLIENT: &str = "0oaCollector";
pub const PASSWORD: &str = "s3cr3t-of-the-client";

impl Rig {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// A rig whose function has these settings beside BUCKET and SECRET_ID.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let mut org = Org::new(Options {
            journal: true,
            ..Options::default()
        });
        org.add_client(Client::with_secret(CLIENT, PASSWORD));
        Self::around(org, &secret(), settings).await
    }

    /// A rig around an org that is there already, with the secret for it.
    pub async fn around(org: Org, secret: &Value, settings: &[(&str, &str)]) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let org = Arc::new(Mutex::new(org));
        let server =
            fake_org::serve(org.clone(), TcpListener::bind("127.0.0.1:0").await.unwrap()).await;
        let (store, secrets) = (Memory::default(), Drawer::default());
        secrets.put("okta/acme", secret);
        let handler = handler(&server.url, settings, &store, &secrets);
        Self {
            org,
            store,
            secrets,
            handler,
            url: server.url.clone(),
            _server: server,
        }
    }

    /// Writes the bucket into a directory.
    pub fn copy_to(&self, directory: &Path) {
        for (key, body) in self.store.objects.lock().unwrap().iter() {
            let file = directory.join(key);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, body).unwrap();
        }
    }

    /// The same function after a cold start, with other settings.
    pub fn restart(&mut self, settings: &[(&str, &str)]) {
        self.handler = handler(&self.url, settings, &self.store, &self.secrets);
    }

    /// Switches streams off.
    pub fn without(&self, streams: &[&str]) {
        let mut secret = secret();
        secret["streams_off"] = streams.into();
        self.secrets.put("okta/acme", &secret);
    }

    pub fn org(&self) -> MutexGuard<'_, Org> {
        self.org.lock().unwrap()
    }

    pub async fn run(&self) -> Report {
        self.ask(json!({"mode": "incremental"})).await.unwrap()
    }

    pub async fn ask(&self, event: Value) -> Result<Report, Failure> {
        self.ask_within(event, SignedDuration::from_secs(300)).await
    }

    pub async fn ask_within(&self, event: Value, time: SignedDuration) -> Result<Report, Failure> {
        let invocation = Invocation {
            request_id: "r-1".into(),
            deadline: Timestamp::now() + time,
        };
        self.handler.run(&event, &invocation).await
    }

    /// What a reader knows; asserts that it found nothing amiss.
    pub fn read(&self) -> State {
        let objects = self.store.objects.lock().unwrap().clone();
        let state = Reader::read(&objects, "okta", "okta").unwrap();
        assert!(state.violations.is_empty(), "{:#?}", state.violations);
        state
    }

    pub fn ids(&self, stream: &str) -> BTreeSet<String> {
        self.read()
            .streams
            .get(stream)
            .map(|stream| stream.records.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// Asserts that the reader's state is the org's.
    pub fn assert_in_step(&self) {
        let expected = self.org().state();
        let state = self.read();
        let read = |stream: &str| -> BTreeSet<String> {
            state
                .streams
                .get(stream)
                .map(|stream| stream.records.keys().cloned().collect())
                .unwrap_or_default()
        };
        let roles = state
            .streams
            .get("roles")
            .map(|roles| roles.records.keys().cloned().collect::<Vec<_>>());
        let standard = roles
            .into_iter()
            .flatten()
            .filter(|id| !id.starts_with("cr0"));
        let expected = [
            ("users", expected.users),
            ("factors", expected.factors),
            ("groups", expected.groups),
            ("group_memberships", expected.memberships),
            ("applications", expected.apps),
            ("application_users", expected.app_users),
            ("application_groups", expected.app_groups),
            (
                "roles",
                expected.roles.into_iter().chain(standard).collect(),
            ),
            ("role_assignments", expected.role_assignments),
            ("resource_sets", expected.resource_sets),
            ("idps", expected.idps),
            ("idp_users", expected.idp_users),
            ("activity", self.org().event_uuids()),
        ];
        let compared: BTreeSet<_> = expected.iter().map(|(stream, _)| *stream).collect();
        assert!(
            ENTITY_STREAMS
                .iter()
                .all(|stream| compared.contains(stream)),
            "every stream with a newest state"
        );
        for (stream, ids) in expected {
            let ids: BTreeSet<String> = ids.into_iter().collect();
            if self.secrets.is_off(stream) {
                continue;
            }
            let read = read(stream);
            let missing: Vec<_> = ids.difference(&read).take(5).collect();
            let extra: Vec<_> = read.difference(&ids).take(5).collect();
            assert!(
                missing.is_empty() && extra.is_empty(),
                "{stream}: {missing:?} missing, {extra:?} too many"
            );
        }
    }

    pub fn requests(&self) -> BTreeMap<String, u64> {
        self.org().counts().requests.clone()
    }

    /// People, each in the groups that their number is divisible by.
    pub fn populate(&self, people: usize, groups: usize) -> (Vec<String>, Vec<String>) {
        let mut org = self.org();
        let groups: Vec<_> = (1..=groups)
            .map(|n| org.create_group(&format!("Group {n}")))
            .collect();
        let people: Vec<_> = (1..=people)
            .map(|n| org.create_user(NewUser::named(&format!("Ada{n}"), "Lovelace")))
            .collect();
        for (n, person) in people.iter().enumerate() {
            for (m, group) in groups.iter().enumerate().filter(|(m, _)| n % (m + 1) == 0) {
                assert!(org.add_member(group, person), "{m}");
            }
        }
        (people, groups)
    }
}

pub fn secret() -> Value {
    json!({"domain": "https://acme.okta.com", "client_id": CLIENT, "client_secret": PASSWORD, "integration_name": "Okta"})
}

fn handler(
    url: &str,
    settings: &[(&str, &str)],
    store: &Memory,
    secrets: &Drawer,
) -> Handler<Memory, Drawer> {
    let given = [
        ("BUCKET", "acme-okta"),
        ("SECRET_ID", "okta/acme"),
        ("RATE_LIMIT_SHARE", "100"),
        ("OKTA_ENDPOINT_URL", url),
    ];
    let settings: BTreeMap<String, String> = given
        .iter()
        .chain(settings)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let config = Config::read(|name| settings.get(name).cloned()).unwrap();
    let (store, secrets) = (store.clone(), secrets.clone());
    Handler::new(
        config,
        Clock::new(Timestamp::now),
        http_client().unwrap(),
        store,
        secrets,
        Duration::from_millis(10),
    )
}

/// The outcome of one stream.
pub fn outcome(report: &Report, stream: &str) -> Outcome {
    report.streams[stream].outcome
}

/// The lines of a batch.
pub fn lines(store: &Memory, key: &str) -> Vec<Value> {
    let objects = store.objects.lock().unwrap();
    let text =
        std::io::read_to_string(flate2::read::MultiGzDecoder::new(&objects[key][..])).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
