//! Nothing secret is written anywhere: every byte of logs, batches, status and errors is searched.

use std::io::Read;
use std::time::Duration;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use jiff::{SignedDuration, Timestamp};
use okta_authomize::clock::Clock;
use okta_authomize::config::Config;
use okta_authomize::handler::{Handler, Invocation};
use okta_authomize::okta::http_client;
use okta_authomize::store::{ContentType, Creation, Store, StoreError, Version};
use serde_json::{Value, json};

use crate::support::memory::Memory;
use crate::support::moto;
use crate::support::rig::{CLIENT, Drawer, Rig, secret};
use crate::support::runtime::{Answer, Lambda};

/// Part of every planted value.
const HUSH: &str = "hush-hush";
/// Of what the fake org itself puts into its objects.
const OF_THE_ORG: &str = "never-to-be-written";
const JWT: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIwMHUxIn0.hush-hush";

/// Events with a credential in every place where Okta has been seen to put one.
fn plant(rig: &Rig) {
    let debug = |key: &str, value: &str| json!({"debugContext": {"debugData": {key: value}}});
    let planted = [
        debug(
            "url",
            &format!("/oauth2/v1/logout?id_token_hint={HUSH}&state=stays"),
        ),
        debug("requestUri", &format!("/welcome/{HUSH}")),
        debug("requestUri", &format!("/signin/reset-password/{HUSH}")),
        debug(
            "redirect",
            &format!("/login?fromURI=%2Fx%3FstateToken%3D{HUSH}%26a%3Db"),
        ),
        debug(
            "logOnlySecurityData",
            &format!("{{\"client_secret\":\"{HUSH}\",\"risk\":{{\"level\":\"HIGH\"}}}}"),
        ),
        json!({"displayMessage": format!("token {JWT} refused")}),
        json!({"client": {"clientSecret": HUSH}}),
        json!({"target": [{"id": "0oa1", "type": "AppInstance", "detailEntry": {"scimPassword": HUSH, "stays": "stays"}}]}),
        json!({
            "eventType": "user.session.start", "outcome": {"result": "FAILURE", "reason": format!("no {HUSH}!")},
            "actor": {"id": "unknown", "type": "User", "alternateId": format!("{HUSH}!")},
            "displayMessage": format!("{HUSH}! is nobody"),
        }),
        json!({
            "eventType": "user.account.update_profile",
            "target": [{"id": "00u1", "type": "User", "changeDetails": {"from": {"mobilePhone": HUSH}, "to": {"title": "stays"}}}],
        }),
    ];
    for (n, mut event) in planted.into_iter().enumerate() {
        let common = json!({"uuid": format!("planted-{n}"), "published": Timestamp::now().to_string(), "eventType": "x.y"});
        for (key, value) in common.as_object().unwrap() {
            event
                .as_object_mut()
                .unwrap()
                .entry(key.clone())
                .or_insert_with(|| value.clone());
        }
        rig.org().append_raw(&event);
    }
}

fn content() -> Value {
    let mut content = secret();
    content["drop_attributes"] = json!(["mobilePhone", "costCenter"]);
    content["client_secret"] = HUSH.into();
    content
}

fn unzipped(body: &[u8]) -> String {
    let mut text = String::new();
    match MultiGzDecoder::new(body).read_to_string(&mut text) {
        Ok(_) => text,
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    }
}

fn assert_silent(place: &str, text: &str) {
    for planted in [HUSH, OF_THE_ORG, "eyJraWQiOiJmYWtlIn0"] {
        let near = text
            .split(planted)
            .next()
            .filter(|before| before.len() < text.len());
        let near = near.map(|before| before.chars().rev().take(200).collect::<Vec<_>>());
        let near = near.map(|before| before.into_iter().rev().collect::<String>());
        assert_eq!(near, None, "{planted} is in {place} after this");
    }
}

/// The log's lines, each of which Lambda can place in time and level.
fn lines(log: &str) -> Vec<Value> {
    let line = |line: &str| -> Value {
        let value: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(
            value["timestamp"]
                .as_str()
                .is_some_and(|at| at.parse::<Timestamp>().is_ok()),
            "{line}"
        );
        assert!(
            ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"].contains(&value["level"].as_str().unwrap()),
            "{line}"
        );
        assert!(value["message"].is_string(), "{line}");
        value
    };
    log.lines().map(line).collect()
}

#[tokio::test]
async fn at_trace_every_byte_is_without_secrets() {
    let rig = Rig::new().await;
    rig.org()
        .edit_client(CLIENT, |client| client.secrets = vec![HUSH.into()]);
    rig.populate(12, 3);
    rig.org().create_user(
        fake_org::NewUser::named("Bob", "Builder")
            .with("mobilePhone", HUSH)
            .with("costCenter", HUSH),
    );
    rig.org().create_idp("OIDC", "IdP");
    plant(&rig);
    rig.org()
        .deny("/api/v1/iam/resource-sets", fake_org::Denial::AdminRole);
    let (bucket, secret) = (moto::bucket().await, moto::secret(&content()).await);
    let settings = [
        ("BUCKET", bucket.as_str()),
        ("SECRET_ID", &secret),
        ("OKTA_ENDPOINT_URL", &rig.url),
        ("AWS_LAMBDA_LOG_LEVEL", "TRACE"),
        ("RUST_LOG", "trace"),
        ("RUST_BACKTRACE", "full"),
    ];
    let mut lambda = Lambda::start(&settings).await;
    for event in [
        json!({}),
        json!({"mode": "full"}),
        json!({"mode": "check"}),
        json!({"mode": "nonsense"}),
    ] {
        assert_silent("the answer", &format!("{:?}", lambda.invoke(event).await));
    }
    // Credentials that are refused, a secret that is invalid in every way, and one that is no JSON.
    let refused = content()
        .to_string()
        .replace(HUSH, &format!("{HUSH}-wrong"));
    let invalid = json!({"domain": HUSH, "client_secret": HUSH, "token": HUSH, "owner": HUSH, "unknown_actors": HUSH});
    rig.org().revoke_access_tokens();
    for bad in [
        refused,
        invalid.to_string(),
        format!("{{\"token\": \"{HUSH}\""),
    ] {
        moto::secrets()
            .put_secret_value()
            .secret_id(&secret)
            .secret_string(bad)
            .send()
            .await
            .unwrap();
        let answer = lambda.invoke(json!({})).await;
        assert!(matches!(answer, Answer::Error(_)), "{answer:?}");
        assert_silent("the error", &format!("{answer:?}"));
    }
    let objects = moto::objects(&bucket).await;
    let texts: Vec<_> = objects
        .iter()
        .map(|(key, body)| (key, unzipped(body)))
        .collect();
    texts
        .iter()
        .for_each(|(key, text)| assert_silent(key, text));
    let written = texts
        .iter()
        .map(|(_, text)| text.as_str())
        .collect::<String>();
    assert!(
        (0..10).all(|n| written.contains(&format!("\"planted-{n}\""))),
        "an event is not written"
    );
    assert_eq!(
        written.matches("stays").count(),
        4,
        "something harmless went"
    );
    tokio::time::sleep(Duration::from_millis(200)).await;
    let log = lambda.log();
    assert_silent("the log", &log);
    assert!(log.lines().count() > 5, "{log}");
    lines(&log);
}

#[tokio::test]
async fn a_run_a_commit_and_a_stream_that_is_not_well_have_one_line_each() {
    let rig = Rig::new().await;
    rig.populate(5, 2);
    rig.org()
        .deny("/api/v1/iam/resource-sets", fake_org::Denial::AdminRole);
    let (bucket, secret) = (moto::bucket().await, moto::secret(&secret()).await);
    let settings = [
        ("BUCKET", bucket.as_str()),
        ("SECRET_ID", &secret),
        ("OKTA_ENDPOINT_URL", &rig.url),
    ];
    let mut lambda = Lambda::start(&settings).await;
    let Answer::Report(report) = lambda.invoke(json!({})).await else {
        panic!("{}", lambda.log())
    };
    tokio::time::sleep(Duration::from_millis(200)).await;
    let lines = lines(&lambda.log());
    let own: Vec<_> = lines
        .iter()
        .filter(|line| line["run"] == report["run"])
        .collect();
    let told: Vec<_> = own
        .iter()
        .map(|line| (line["level"].as_str(), line["message"].as_str()))
        .collect();
    let expected = [
        (Some("INFO"), Some("committed")),
        (Some("WARN"), Some("stream is not well")),
        (Some("INFO"), Some("run ended")),
    ];
    assert_eq!(told, expected, "{lines:#?}");
    assert!(
        own.iter()
            .all(|line| line["request_id"].as_str().is_some_and(|id| !id.is_empty())),
        "{own:#?}"
    );
    assert_eq!(
        (&own[1]["stream"], &own[1]["outcome"]),
        (&json!("resource_sets"), &json!("unavailable"))
    );
    assert_eq!(
        (&own[2]["collector"], &own[2]["outcome"]),
        (&report["collector"], &json!("degraded"))
    );
    // Nobody's name or address at INFO.
    assert!(
        !lambda.log().contains("Lovelace") && !lambda.log().contains('@'),
        "{}",
        lambda.log()
    );
}

#[tokio::test]
async fn at_warn_only_trouble_is_logged() {
    let rig = Rig::new().await;
    rig.populate(5, 2);
    let (bucket, secret) = (moto::bucket().await, moto::secret(&secret()).await);
    let settings = [
        ("BUCKET", bucket.as_str()),
        ("SECRET_ID", &secret),
        ("OKTA_ENDPOINT_URL", &rig.url),
        ("AWS_LAMBDA_LOG_LEVEL", "WARN"),
    ];
    let mut lambda = Lambda::start(&settings).await;
    lambda.invoke(json!({})).await;
    assert_eq!(lambda.log(), "");
    lambda.invoke(json!({"mode": "nonsense"})).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let lines = lines(&lambda.log());
    assert_eq!(
        (lines.len(), &lines[0]["level"], &lines[0]["kind"]),
        (1, &json!("ERROR"), &json!("EventInvalid")),
        "{lines:#?}"
    );
}

/// A bucket that panics at manifests, with a planted value.
#[derive(Clone)]
struct Panicking(Memory);

impl Store for Panicking {
    async fn create(&self, key: &str, _: Bytes, _: ContentType) -> Result<Creation, StoreError> {
        panic!("{key} {HUSH}")
    }

    async fn put(&self, key: &str, body: Bytes, kind: ContentType) -> Result<(), StoreError> {
        self.0.put(key, body, kind).await
    }

    async fn replace(
        &self,
        key: &str,
        body: Bytes,
        kind: ContentType,
        read: Option<&Version>,
    ) -> Result<Creation, StoreError> {
        self.0.replace(key, body, kind, read).await
    }

    async fn read(&self, key: &str) -> Result<Option<(Bytes, Version)>, StoreError> {
        self.0.read(key).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.0.get(key).await
    }

    async fn list(&self, prefix: &str, after: &str) -> Result<Vec<String>, StoreError> {
        self.0.list(prefix, after).await
    }
}

/// A function whose bucket panics.
fn panicking(rig: &Rig) -> Handler<Panicking, Drawer> {
    let settings = |name: &str| match name {
        "BUCKET" => Some("acme-okta".to_owned()),
        "SECRET_ID" => Some("okta/acme".to_owned()),
        "OKTA_ENDPOINT_URL" => Some(rig.url.clone()),
        _ => None,
    };
    let (config, clock) = (Config::read(settings).unwrap(), Clock::new(Timestamp::now));
    let (store, http) = (Panicking(rig.store.clone()), http_client().unwrap());
    Handler::new(
        config,
        clock,
        http,
        store,
        rig.secrets.clone(),
        Duration::from_millis(10),
    )
}

fn invocation() -> Invocation {
    Invocation {
        request_id: "r-1".into(),
        deadline: Timestamp::now() + SignedDuration::from_secs(60),
    }
}

#[tokio::test]
async fn a_panic_is_an_error_without_its_message() {
    let rig = Rig::new().await;
    rig.populate(5, 2);
    let failure = panicking(&rig)
        .run(&json!({}), &invocation())
        .await
        .unwrap_err();
    assert_eq!(failure.kind, "Panicked");
    assert_silent("the error", &failure.to_string());
    let status = rig.store.json("okta/status/okta.json");
    assert_eq!(
        (&status["error"]["type"], &status["error"]["message"]),
        (&json!("Panicked"), &json!(failure.message))
    );
    assert!(rig.store.keys("okta/manifests/").is_empty());
    rig.run().await;
    rig.assert_in_step();
}

/// Set in a process of its own, which is to panic with the function's log in place: a log is for a whole process.
const PANICS: &str = "SECRECY_TEST_PANICS";

#[tokio::test]
async fn at_trace_a_panic_is_logged_without_its_message() {
    if std::env::var_os(PANICS).is_some() {
        aws::begin_log("TRACE", &["okta_authomize"]);
        let rig = Rig::new().await;
        rig.populate(5, 2);
        panicking(&rig)
            .run(&json!({}), &invocation())
            .await
            .unwrap_err();
        return;
    }
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args([
        "--exact",
        "secrecy::at_trace_a_panic_is_logged_without_its_message",
        "--nocapture",
    ]);
    let output = child
        .env(PANICS, "1")
        .env("RUST_BACKTRACE", "full")
        .output()
        .unwrap();
    let printed = [output.stdout, output.stderr]
        .map(|part| String::from_utf8(part).unwrap())
        .concat();
    assert!(output.status.success(), "{printed}");
    assert_silent("what was printed", &printed);
    // The test runner's own lines are no JSON.
    let lines = lines(
        &printed
            .lines()
            .filter(|line| line.starts_with('{'))
            .collect::<Vec<_>>()
            .join("\n"),
    );
    let told = lines
        .iter()
        .find(|line| line["kind"] == "Panicked")
        .unwrap_or_else(|| panic!("{printed}"));
    assert!(
        told["place"].as_str().unwrap().contains("secrecy.rs:"),
        "{told}"
    );
}
