//! What comes in: events, secrets and their mistakes, each told with its remedy and never with a value.

use std::fs;
use std::path::Path;

use fake_org::NewApp;
use okta_authomize::handler::Failure;
use okta_authomize::invocation::{Mode, Outcome, Request};
use okta_authomize::streams;
use serde_json::{Value, json};

use crate::support::rig::{CLIENT, PASSWORD, Rig, secret};

const STATUS: &str = "okta/status/okta.json";

fn event(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("events")
        .join(name);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn secret_with(changes: &Value) -> Value {
    let mut content = secret();
    content
        .as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    content
}

/// Asserts that a failure told the status object, and that nothing else was written.
fn assert_told(rig: &Rig, slug: &str, failure: &Failure) {
    let key = format!("okta/status/{slug}.json");
    assert_eq!(
        rig.store.keys(""),
        [key.replace(".json", ".html"), key.clone()]
    );
    let status = rig.store.json(&key);
    assert_eq!(status["outcome"], "error");
    assert_eq!(
        status["error"],
        json!({"type": failure.kind, "message": failure.message})
    );
}

#[test]
fn every_file_in_events_is_the_request_it_is_named_after() {
    let full = Request {
        mode: Mode::Full,
        ..Request::default()
    };
    let expected = [
        (
            "check.json",
            Request {
                mode: Mode::Check,
                ..Request::default()
            },
        ),
        ("full.json", full.clone()),
        (
            "one-stream.json",
            Request {
                streams: Some(vec!["users".into()]),
                ..full
            },
        ),
        ("queue.json", Request::default()),
        ("scheduled.json", Request::default()),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(
        found,
        expected.iter().map(|(name, _)| *name).collect::<Vec<_>>()
    );
    for (name, request) in expected {
        assert_eq!(
            Request::parse(&event(name), &streams::names()).unwrap(),
            request,
            "{name}"
        );
    }
}

#[tokio::test]
async fn every_file_in_events_runs() {
    let rig = Rig::new().await;
    rig.populate(3, 1);
    rig.org().create_app(NewApp::service("Collector", CLIENT));
    for name in [
        "check.json",
        "scheduled.json",
        "queue.json",
        "full.json",
        "one-stream.json",
    ] {
        assert_eq!(
            rig.ask(event(name)).await.unwrap().outcome,
            Outcome::Succeeded,
            "{name}"
        );
    }
    rig.assert_in_step();
}

#[tokio::test]
async fn a_bad_event_is_told_with_all_its_problems_and_asks_nothing_of_the_org() {
    let rig = Rig::new().await;
    let bad = json!({"mode": "everything", "streams": ["user"], "secret_id": 7, "accept_shrink": "users", "strems": []});
    let failure = rig.ask(bad).await.unwrap_err();
    assert_eq!(failure.kind, "EventInvalid");
    for problem in [
        "mode ",
        "streams ",
        "secret_id ",
        "accept_shrink ",
        "strems ",
    ] {
        assert!(failure.message.contains(problem), "{problem}: {failure}");
    }
    for bad in [json!([]), json!("full"), json!(7), json!({"Mode": "full"})] {
        assert_eq!(
            rig.ask(bad.clone()).await.unwrap_err().kind,
            "EventInvalid",
            "{bad}"
        );
    }
    assert_eq!(
        (rig.org().counts().total(), rig.store.keys("").len()),
        (0, 0)
    );
}

#[tokio::test]
async fn an_unknown_secret_is_told_by_name() {
    let rig = Rig::new().await;
    let failure = rig
        .ask(json!({"secret_id": "okta/nobody"}))
        .await
        .unwrap_err();
    assert_eq!(failure.kind, "SecretNotFound");
    assert!(
        failure.message.contains("okta/nobody") && failure.message.contains("SECRET_ID"),
        "{failure}"
    );
    assert!(rig.store.keys("").is_empty());
}

#[tokio::test]
async fn a_run_without_a_secrets_name_is_told_so() {
    let mut rig = Rig::new().await;
    rig.populate(1, 0);
    rig.restart(&[("SECRET_ID", "")]);
    let failure = rig.ask(json!({})).await.unwrap_err();
    assert_eq!(failure.kind, "SecretNotNamed");
    assert!(
        failure.message.contains("SECRET_ID") && failure.message.contains("secret_id"),
        "{failure}"
    );
    assert_eq!(
        rig.ask(json!({"secret_id": "okta/acme"}))
            .await
            .unwrap()
            .outcome,
        Outcome::Succeeded
    );
}

#[tokio::test]
async fn an_invalid_secret_is_told_with_all_its_problems_and_none_of_its_values() {
    let rig = Rig::new().await;
    let leak = "hunter2";
    let bad = json!({
        "domain": format!("https://{leak}.example.com:8443"), "client_secret": leak, "private_key": leak, "token": leak,
        "owner": leak, "streams_off": ["rolls"], "drop_attributes": leak, "integration_name": "Acme EU",
        "client-id": leak,
    });
    rig.secrets.put("okta/acme", &bad);
    let failure = rig.ask(json!({})).await.unwrap_err();
    assert_eq!(failure.kind, "SecretInvalid");
    for problem in [
        "domain ",
        "authenticate",
        "owner ",
        "streams_off ",
        "drop_attributes ",
        "client-id",
    ] {
        assert!(failure.message.contains(problem), "{problem}: {failure}");
    }
    assert_told(&rig, "acme-eu", &failure);
    let written = rig
        .store
        .objects
        .lock()
        .unwrap()
        .values()
        .map(|body| String::from_utf8_lossy(body))
        .collect::<String>();
    assert!(
        !failure.to_string().contains(leak) && !written.contains(leak),
        "{failure} {written}"
    );
    assert_eq!(rig.org().counts().total(), 0);
}

#[tokio::test]
async fn a_secret_that_is_no_object_or_holds_a_bad_key_is_told_without_its_text() {
    let rig = Rig::new().await;
    let pem = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----";
    let bad_key = json!({"domain": "acme.okta.com", "client_id": "0oa", "private_key": pem});
    for bad in [json!("hunter2"), json!(["hunter2"]), bad_key] {
        rig.secrets.put("okta/acme", &bad);
        let failure = rig.ask(json!({})).await.unwrap_err();
        assert_eq!(failure.kind, "SecretInvalid", "{failure}");
        assert!(!failure.to_string().contains("hunter2"), "{failure}");
    }
}

#[tokio::test]
async fn a_name_that_is_mistyped_is_not_taken_for_the_default_one() {
    let rig = Rig::new().await;
    let mut bad = secret_with(&json!({"integration-name": "Acme EU"}));
    bad.as_object_mut().unwrap().remove("integration_name");
    rig.secrets.put("okta/acme", &bad);
    assert_eq!(rig.ask(json!({})).await.unwrap_err().kind, "SecretInvalid");
    assert!(
        rig.store.keys("").is_empty(),
        "a status of somebody else's integration was written"
    );
}

#[tokio::test]
async fn a_failed_run_keeps_the_known_status() {
    let rig = Rig::new().await;
    rig.populate(3, 1);
    rig.run().await;
    let before = rig.store.json(STATUS);
    rig.secrets.put(
        "okta/acme",
        &secret_with(&json!({"client_secret": "wrong"})),
    );
    rig.ask(json!({})).await.unwrap_err();
    let after = rig.store.json(STATUS);
    assert_eq!(after["outcome"], "error");
    for kept in ["org", "name", "sequence", "streams", "last_success_at"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    rig.secrets.put("okta/acme", &secret());
    rig.run().await;
    let healed = rig.store.json(STATUS);
    assert_eq!(
        (&healed["outcome"], &healed["error"]),
        (&json!("succeeded"), &Value::Null)
    );
}

#[tokio::test]
async fn an_integration_belongs_to_one_org() {
    let rig = Rig::new().await;
    rig.populate(3, 1);
    rig.run().await;
    let manifests = rig.store.keys("okta/manifests/");
    rig.secrets.put(
        "okta/acme",
        &secret_with(&json!({"domain": "https://other.okta.com"})),
    );
    rig.org().reset_counts();
    let failure = rig.ask(json!({"mode": "full"})).await.unwrap_err();
    assert_eq!(failure.kind, "IntegrationTaken");
    for word in ["acme.okta.com", "other.okta.com", "integration_name"] {
        assert!(failure.message.contains(word), "{failure}");
    }
    assert_eq!(
        (
            rig.store.keys("okta/manifests/"),
            rig.org().counts().total()
        ),
        (manifests, 0)
    );
    let named = json!({"domain": "https://other.okta.com", "integration_name": "Other org"});
    rig.secrets.put("okta/acme", &secret_with(&named));
    assert_eq!(rig.run().await.integration, "other-org");
    assert_eq!(
        rig.store.json("okta/manifests/other-org/000000000001.json")["org"],
        "https://other.okta.com"
    );
    rig.secrets.put(
        "okta/acme",
        &secret_with(&json!({"domain": "acme-admin.okta.com/"})),
    );
    assert_eq!(rig.run().await.integration, "okta");
}

#[tokio::test]
async fn streams_that_are_off_cost_and_bring_nothing() {
    let rig = Rig::new().await;
    rig.populate(10, 3);
    rig.secrets.put(
        "okta/acme",
        &secret_with(&json!({"streams_off": ["groups", "group_memberships"]})),
    );
    let report = rig.run().await;
    assert_eq!(report.outcome, Outcome::Succeeded);
    for stream in ["groups", "group_memberships"] {
        assert!(
            !report.streams.contains_key(stream) && rig.ids(stream).is_empty(),
            "{stream}"
        );
        assert!(
            rig.store.json(STATUS)["streams"].get(stream).is_none(),
            "{stream}"
        );
    }
    assert!(
        !rig.requests()
            .keys()
            .any(|request| request.contains("/groups")),
        "{:?}",
        rig.requests()
    );
    rig.secrets.put("okta/acme", &secret());
    assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
    rig.org()
        .append_event(fake_org::Event::new("user.session.start"));
    rig.run().await;
    rig.assert_in_step();
}

#[tokio::test]
async fn a_stream_that_is_switched_off_keeps_its_last_state() {
    let rig = Rig::new().await;
    rig.populate(10, 3);
    rig.run().await;
    let before = rig.ids("group_memberships");
    rig.secrets.put(
        "okta/acme",
        &secret_with(&json!({"streams_off": ["group_memberships"]})),
    );
    rig.ask(json!({"mode": "full"})).await.unwrap();
    assert_eq!(rig.ids("group_memberships"), before);
}

#[tokio::test]
async fn dropped_attributes_are_nowhere_in_the_bucket() {
    let rig = Rig::new().await;
    let mut user = fake_org::NewUser::named("Ada", "Lovelace");
    for (attribute, value) in [
        ("mobilePhone", "+1-555-hush"),
        ("costCenter", "hush-42"),
        ("nickName", "hush-ada"),
    ] {
        user = user.with(attribute, value);
    }
    let ada = rig.org().create_user(user.with("department", "Engines"));
    let group = rig.org().create_group("Engineers");
    rig.org().add_member(&group, &ada);
    let dropped = json!({"drop_attributes": ["mobilePhone", "costCenter", "nickName"]});
    rig.secrets.put("okta/acme", &secret_with(&dropped));
    rig.run().await;
    let batches = rig.store.keys("okta/data/");
    assert!(!batches.is_empty());
    let objects = rig.store.objects.lock().unwrap().clone();
    for (key, body) in objects {
        let text = if key.ends_with(".gz") {
            unzipped(&body)
        } else {
            String::from_utf8(body).unwrap()
        };
        assert!(!text.contains("hush"), "{key}: {text}");
    }
    let record = &rig.read().streams["users"].records[&ada].record;
    assert_eq!(record["source"]["profile"]["department"], "Engines");
}

fn unzipped(body: &[u8]) -> String {
    std::io::read_to_string(flate2::read::MultiGzDecoder::new(body)).unwrap()
}

#[tokio::test]
async fn a_password_is_in_no_object_of_the_bucket() {
    let rig = Rig::new().await;
    rig.populate(3, 1);
    rig.run().await;
    for (key, body) in rig.store.objects.lock().unwrap().iter() {
        let text = if key.ends_with(".gz") {
            unzipped(body)
        } else {
            String::from_utf8(body.clone()).unwrap()
        };
        assert!(
            !text.contains(PASSWORD) && !text.contains("eyJraWQiOiJmYWtlIn0"),
            "{key}: {text}"
        );
    }
}

#[tokio::test]
async fn a_check_costs_one_request_a_stream_and_writes_the_status_alone() {
    let rig = Rig::new().await;
    rig.populate(20, 3);
    rig.org().create_app(NewApp::service("Collector", CLIENT));
    let report = rig.ask(json!({"mode": "check"})).await.unwrap();
    assert_eq!(
        (report.outcome, report.sequence, report.go_on),
        (Outcome::Succeeded, 0, false)
    );
    assert_eq!(
        report
            .streams
            .keys()
            .map(String::as_str)
            .collect::<Vec<_>>(),
        sorted(streams::names())
    );
    assert!(
        report
            .streams
            .values()
            .all(|stream| stream.upserts + stream.batches == 0)
    );
    let requests = rig.requests();
    assert!(requests.values().all(|count| *count == 1), "{requests:?}");
    assert!(
        rig.org().counts().total() <= streams::names().len() as u64 + 1,
        "{requests:?}"
    );
    assert_eq!(rig.store.keys(""), ["okta/status/okta.html", STATUS]);
    rig.run().await;
    rig.assert_in_step();
}

fn sorted(mut names: Vec<&'static str>) -> Vec<&'static str> {
    names.sort_unstable();
    names
}

#[tokio::test]
async fn a_check_of_some_streams_asks_for_those_alone_and_reports_the_gaps() {
    let rig = Rig::new().await;
    rig.populate(3, 3);
    rig.org()
        .deny("/api/v1/groups/*/users", fake_org::Denial::AdminRole);
    let report = rig
        .ask(json!({"mode": "check", "streams": ["users", "group_memberships"]}))
        .await
        .unwrap();
    assert_eq!(report.outcome, Outcome::Degraded);
    assert_eq!(
        report.streams.keys().collect::<Vec<_>>(),
        ["group_memberships", "users"]
    );
    assert!(
        report.streams["group_memberships"]
            .error
            .as_ref()
            .unwrap()
            .contains("admin role")
    );
    let requests = rig.requests();
    assert!(!requests.contains_key("GET /api/v1/logs"), "{requests:?}");
    assert_eq!(
        rig.store.json(STATUS)["streams"]["group_memberships"]["outcome"],
        "unavailable"
    );
}

#[tokio::test]
async fn a_check_leaves_the_collected_data_alone() {
    let rig = Rig::new().await;
    rig.populate(3, 1);
    rig.run().await;
    let kept = |rig: &Rig| {
        let mut objects = rig.store.objects.lock().unwrap().clone();
        objects.retain(|key, _| !key.starts_with("okta/status/"));
        objects
    };
    let before = kept(&rig);
    assert_eq!(rig.ask(json!({"mode": "check"})).await.unwrap().sequence, 1);
    assert!(kept(&rig) == before);
}

#[tokio::test]
async fn a_private_key_that_cannot_sign_is_told_by_the_secrets_name() {
    let rig = Rig::new().await;
    let content = json!({"domain": "acme.okta.com", "client_id": "0oa1", "private_key": "hunter2"});
    rig.secrets.put("okta/acme", &content);
    let failure = rig.ask(json!({})).await.unwrap_err();
    assert_eq!(failure.kind, "SecretInvalid");
    assert!(
        failure.message.contains("\"okta/acme\"") && failure.message.contains("private_key"),
        "{failure}"
    );
    assert!(!failure.message.contains("hunter2"));
    assert_eq!(rig.org().counts().total(), 0);
}
