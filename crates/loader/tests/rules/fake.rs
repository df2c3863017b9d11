//! The fake Authomize: one process per test, which ends with it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

pub const TOKEN: &str = "t0ken-0f-the-tenant";

/// Items by kind and key.
pub type Items = BTreeMap<(String, String), Value>;

type Sleeping = Pin<Box<dyn Future<Output = ()> + Send>>;

pub struct Fake {
    pub url: String,
    client: reqwest::Client,
    _child: Arc<Child>,
}

impl Fake {
    pub fn start() -> Self {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let project = package
            .ancestors()
            .find(|folder| folder.join("Makefile").exists())
            .unwrap();
        let own = project.join(".venv-conformance/bin/python3");
        let python = std::env::var("CONFORMANCE_PYTHON")
            .unwrap_or_else(|_| own.to_string_lossy().into_owned());
        assert!(
            Path::new(&python).exists(),
            "there is no {python}: `make test` installs it"
        );
        let mut command = Command::new(python);
        command
            .arg("-B")
            .arg(project.join("conformance/authomize_fake.py"));
        command.args(["--until-stdin-closes", "--token", TOKEN]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut ready)
            .unwrap();
        let ready: Value = serde_json::from_str(&ready).expect("the fake tells where it listens");
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Self {
            url: ready["url"].as_str().unwrap().to_owned(),
            client: reqwest::Client::new(),
            _child: Arc::new(child),
        }
    }

    async fn control(&self, method: reqwest::Method, path: &str, body: &Value) -> Value {
        let request = self
            .client
            .request(method, format!("{}/_fake/{path}", self.url))
            .body(body.to_string());
        let answer = request.send().await.unwrap().bytes().await.unwrap();
        serde_json::from_slice(&answer).unwrap()
    }

    pub async fn reset(&self, options: Value) {
        let mut simulated = json!({"tick_us": 1_000});
        let more = options.as_object().cloned().unwrap_or_default();
        simulated.as_object_mut().unwrap().extend(more);
        self.control(reqwest::Method::POST, "reset", &simulated)
            .await;
    }

    pub async fn set(&self, options: Value) {
        self.control(reqwest::Method::POST, "options", &options)
            .await;
    }

    /// Lets simulated time pass.
    pub async fn advance(&self, us: u64) {
        self.control(reqwest::Method::POST, "advance", &json!({"us": us}))
            .await;
    }

    /// An app of this name with users of somebody else.
    pub async fn seed(&self, name: &str, users: u64) {
        let seeds = json!({"name": name, "users": users});
        self.control(reqwest::Method::POST, "seed", &seeds).await;
    }

    /// Another app of the same name.
    pub async fn double(&self, name: &str) {
        let seeds = json!({"name": name, "users": 0, "another": true});
        self.control(reqwest::Method::POST, "seed", &seeds).await;
    }

    pub async fn rename(&self, name: &str) {
        self.control(reqwest::Method::POST, "rename", &json!(name))
            .await;
    }

    /// Waits in simulated time, at Authomize too.
    pub fn sleep(&self) -> impl Fn(Duration) -> Sleeping + Send + Sync + 'static {
        let (client, url) = (self.client.clone(), format!("{}/_fake/advance", self.url));
        move |wait: Duration| {
            let us = u64::try_from(wait.as_micros()).unwrap();
            let request = client.post(&url).body(json!({"us": us}).to_string());
            Box::pin(async move {
                request.send().await.unwrap();
            })
        }
    }

    pub async fn counts(&self) -> Value {
        self.control(reqwest::Method::GET, "counts", &json!({}))
            .await
    }

    /// Requests that change something.
    pub async fn sent(&self) -> u64 {
        let counts = self.counts().await;
        let by_path = counts["by_path"].as_object().unwrap().clone();
        let sent = by_path
            .iter()
            .filter(|(place, _)| !place.starts_with("GET "));
        sent.map(|(_, number)| number.as_u64().unwrap()).sum()
    }

    /// The same tenant, for a second loader.
    pub fn beside(&self) -> Self {
        Self {
            url: self.url.clone(),
            client: self.client.clone(),
            _child: Arc::clone(&self._child),
        }
    }

    pub async fn requests(&self) -> u64 {
        self.counts().await["requests"].as_u64().unwrap()
    }

    /// Everything of the only app; what is empty or false there counts as absent.
    pub async fn items(&self) -> Items {
        self.items_of(|_| true).await
    }

    /// The same, of what is not a stranger's.
    pub async fn items_of(&self, wanted: impl Fn(&str) -> bool) -> Items {
        let apps = self
            .control(reqwest::Method::GET, "items", &json!({}))
            .await;
        let apps = apps.as_object().unwrap();
        // Of two loaders that begin at once each may create the app; only one is loaded.
        let loaded = apps
            .iter()
            .filter(|(_, kinds)| kinds.as_object().is_some_and(|kinds| !kinds.is_empty()));
        assert!(loaded.count() <= 1, "{apps:?}");
        let mut items = Items::new();
        for (kind, list) in apps.values().flat_map(|kinds| kinds.as_object().unwrap()) {
            for item in list.as_array().unwrap() {
                let known = fold::KINDS
                    .into_iter()
                    .find(|known| known.name() == kind)
                    .unwrap();
                let key = known.key(item.as_object().unwrap()).unwrap();
                if !wanted(&key) {
                    continue;
                }
                items.insert((kind.clone(), key), plain(item));
            }
        }
        items
    }
}

/// An item without empty lists and without `hasMFA: false`, with sorted tags.
pub fn plain(item: &Value) -> Value {
    let mut item = item.as_object().unwrap().clone();
    item.retain(|field, value| {
        *value != json!([]) && !(field == "hasMFA" && *value == json!(false))
    });
    if let Some(tags) = item.get_mut("tags").and_then(Value::as_array_mut) {
        tags.sort_by_key(ToString::to_string);
    }
    item.into()
}
