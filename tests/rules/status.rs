//! The status tells the truth: of checks, of races, and of what a run did not look at.

use std::sync::{Arc, Mutex};

use fake_org::{Denial, Event, NewApp};
use jiff::{SignedDuration, Timestamp};
use okta_authomize::COLLECTOR;
use okta_authomize::invocation::Outcome;
use serde_json::{Value, json};

use crate::support::memory::{Act, Fault};
use crate::support::rig::{CLIENT, Rig, outcome, secret};

const STATUS: &str = "okta/status/okta.json";
const PAGE: &str = "okta/status/okta.html";

async fn populated() -> Rig {
    let rig = Rig::new().await;
    rig.populate(12, 3);
    rig.org().create_app(NewApp::service("Collector", CLIENT));
    rig
}

/// What a check leaves as it is.
fn collected(status: &Value) -> Value {
    let of_stream = |stream: &Value| json!([stream["records"], stream["snapshot_at"]]);
    let streams = status["streams"].as_object().unwrap().iter();
    let streams: serde_json::Map<_, _> = streams
        .map(|(name, stream)| (name.clone(), of_stream(stream)))
        .collect();
    json!({"last_success_at": status["last_success_at"], "streams": streams})
}

#[tokio::test]
async fn a_check_leaves_last_success_records_and_snapshot_times_as_they_are() {
    let rig = populated().await;
    rig.run().await;
    let before = rig.store.json(STATUS);
    assert!(before["last_success_at"].is_string() && before["streams"]["users"]["records"] == 12);
    for event in [
        json!({"mode": "check"}),
        json!({"mode": "check", "streams": ["users"]}),
    ] {
        assert_eq!(rig.ask(event).await.unwrap().outcome, Outcome::Succeeded);
        let after = rig.store.json(STATUS);
        assert_eq!(
            (collected(&after), &after["mode"]),
            (collected(&before), &json!("check"))
        );
        assert_eq!(after["sequence"], 1);
    }
    rig.org().deny("/api/v1/groups", Denial::AdminRole);
    assert_eq!(
        rig.ask(json!({"mode": "check"})).await.unwrap().outcome,
        Outcome::Degraded
    );
    let after = rig.store.json(STATUS);
    assert_eq!(
        (collected(&after), &after["streams"]["groups"]["outcome"]),
        (collected(&before), &json!("unavailable"))
    );
}

#[tokio::test]
async fn a_first_check_is_no_last_success() {
    let rig = populated().await;
    assert_eq!(
        rig.ask(json!({"mode": "check"})).await.unwrap().outcome,
        Outcome::Succeeded
    );
    let status = rig.store.json(STATUS);
    assert_eq!(
        (
            &status["last_success_at"],
            &status["streams"]["users"]["records"]
        ),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn a_check_fails_where_the_bucket_cannot_be_written() {
    let rig = populated().await;
    for (act, fault, kind) in [
        (Act::Put, Fault::Refused, "BucketRefused"),
        (Act::Put, Fault::AnswerLost, "BucketUnreachable"),
        (Act::Get, Fault::Refused, "BucketRefused"),
    ] {
        rig.store
            .fail(move |happens, _| (happens == act).then(|| fault.clone()));
        let failure = rig.ask(json!({"mode": "check"})).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{failure}");
    }
    rig.store.heal();
    assert_eq!(
        rig.ask(json!({"mode": "check"})).await.unwrap().outcome,
        Outcome::Succeeded
    );
}

#[tokio::test]
async fn nothing_visible_is_no_success() {
    let rig = Rig::new().await;
    let report = rig.ask(json!({"mode": "check"})).await.unwrap();
    assert_eq!(report.outcome, Outcome::Degraded);
    for stream in [
        "users",
        "factors",
        "groups",
        "group_memberships",
        "applications",
        "application_users",
    ] {
        assert_eq!(outcome(&report, stream), Outcome::Unavailable, "{stream}");
        assert!(
            report.streams[stream]
                .error
                .as_ref()
                .unwrap()
                .contains("admin role"),
            "{stream}"
        );
    }
    assert!(rig.store.json(STATUS)["last_success_at"].is_null());
    for (stream, blind) in [
        ("users", "users"),
        ("factors", "users"),
        ("group_memberships", "groups"),
    ] {
        let report = rig
            .ask(json!({"mode": "check", "streams": [stream]}))
            .await
            .unwrap();
        assert_eq!(
            outcome(&report, stream),
            Outcome::Unavailable,
            "{stream} {blind}"
        );
    }
    rig.populate(3, 1);
    let report = rig.ask(json!({"mode": "check"})).await.unwrap();
    assert_eq!(
        (outcome(&report, "users"), outcome(&report, "applications")),
        (Outcome::Succeeded, Outcome::Unavailable)
    );
}

#[tokio::test]
async fn a_superseded_run_leaves_the_newer_status_alone() {
    let rig = Rig::new().await;
    rig.populate(300, 5);
    let (one, two) = tokio::join!(rig.ask(json!({})), rig.ask(json!({})));
    let reports = [one.unwrap(), two.unwrap()];
    let winner = reports
        .iter()
        .find(|report| report.outcome == Outcome::Succeeded)
        .unwrap();
    let status = rig.store.json(STATUS);
    assert_eq!(
        (&status["run"], &status["sequence"]),
        (&json!(winner.run), &json!(winner.sequence)),
        "{status:#}"
    );
    assert_eq!(
        (&status["outcome"], &status["streams"]["users"]["records"]),
        (&json!("succeeded"), &json!(300))
    );
}

#[tokio::test]
async fn an_older_run_never_overwrites_a_newer_status() {
    let rig = populated().await;
    rig.run().await;
    // When the run reads the last status, a newer run has committed twice and told it.
    let newer = Arc::new(Mutex::new(None));
    for (ahead, run, kept) in [(2, "0", true), (0, "g", true), (0, "0", false)] {
        let (told, objects) = (Arc::clone(&newer), Arc::clone(&rig.store.objects));
        rig.org().append_event(Event::new("user.session.start"));
        let mut is_told = false;
        rig.store.fail(move |act, key| {
            if act == Act::Get && key == STATUS && !is_told {
                is_told = true;
                let mut objects = objects.lock().unwrap();
                let mut status: Value = serde_json::from_slice(&objects[STATUS]).unwrap();
                let sequence = objects
                    .keys()
                    .filter(|key| key.starts_with("okta/manifests/"))
                    .count();
                status["sequence"] = (sequence + ahead).into();
                (status["run"], status["outcome"]) = (run.into(), "partial".into());
                status["updated_at"] = "2999-01-01T00:00:00.000Z".into();
                objects.insert(STATUS.to_owned(), status.to_string().into_bytes());
                *told.lock().unwrap() = Some(status);
            }
            None
        });
        rig.run().await;
        let told = newer.lock().unwrap().take().unwrap();
        assert_eq!(rig.store.json(STATUS) == told, kept, "{ahead} {run}");
        rig.store.heal();
    }
}

/// When a run first writes this part of the status, another run has written between: the status, changed so, and its page.
fn write_between(
    rig: &Rig,
    part: &'static str,
    page: &'static [u8],
    change: impl Fn(&mut Value) + Send + 'static,
) {
    let objects = Arc::clone(&rig.store.objects);
    let mut is_done = false;
    rig.store.fail(move |act, key| {
        if act == Act::Put && key.ends_with(&format!("status/okta.{part}")) && !is_done {
            is_done = true;
            let mut objects = objects.lock().unwrap();
            let mut status: Value = serde_json::from_slice(&objects[STATUS]).unwrap();
            change(&mut status);
            objects.insert(STATUS.to_owned(), status.to_string().into_bytes());
            objects.insert(PAGE.to_owned(), page.to_vec());
        }
        None
    });
}

#[tokio::test]
async fn a_status_that_a_newer_run_writes_between_reading_and_writing_stays() {
    for (part, sequence, run) in [("json", 9, "0"), ("json", 2, "g"), ("html", 9, "0")] {
        let rig = populated().await;
        rig.run().await;
        rig.org().append_event(Event::new("user.session.start"));
        write_between(&rig, part, b"newer", move |status| {
            status["updated_at"] = "2999-01-01T00:00:00.000Z".into();
            (status["sequence"], status["run"]) = (sequence.into(), run.into());
        });
        assert_eq!(rig.run().await.sequence, 2);
        let status = rig.store.json(STATUS);
        assert_eq!(
            (&status["sequence"], &status["run"]),
            (&json!(sequence), &json!(run)),
            "{part}"
        );
        assert_eq!(rig.store.objects.lock().unwrap()[PAGE], b"newer");
    }
}

#[tokio::test]
async fn a_status_that_an_older_run_writes_between_is_written_again_with_its_page() {
    for part in ["json", "html"] {
        let rig = populated().await;
        rig.run().await;
        rig.org().append_event(Event::new("user.session.start"));
        write_between(&rig, part, b"older", |status| {
            status["updated_at"] = "2020-01-01T00:00:00.000Z".into()
        });
        let report = rig.run().await;
        assert_eq!(rig.store.json(STATUS)["run"], json!(report.run), "{part}");
        assert_ne!(rig.store.objects.lock().unwrap()[PAGE], b"older", "{part}");
    }
}

#[tokio::test]
async fn a_history_that_begins_anew_is_told_though_the_old_status_is_there() {
    let rig = populated().await;
    for _ in 0..3 {
        rig.org().append_event(Event::new("user.session.start"));
        rig.run().await;
    }
    assert_eq!(rig.store.json(STATUS)["sequence"], 3);
    rig.store
        .objects
        .lock()
        .unwrap()
        .retain(|key, _| key.starts_with("okta/status/"));
    rig.run().await;
    assert_eq!(rig.store.json(STATUS)["sequence"], 1);
}

#[tokio::test]
async fn everything_names_the_collector() {
    let rig = populated().await;
    let report = rig.run().await;
    let manifest = rig.store.json("okta/manifests/okta/000000000001.json");
    let (report, status) = (
        serde_json::to_value(&report).unwrap(),
        rig.store.json(STATUS),
    );
    for told in [&report, &status, &manifest] {
        assert_eq!(told["collector"], COLLECTOR);
    }
    let page =
        String::from_utf8(rig.store.objects.lock().unwrap()["okta/status/okta.html"].clone())
            .unwrap();
    assert!(
        page.contains(COLLECTOR) && COLLECTOR.starts_with("okta-authomize/"),
        "{page}"
    );
    // Where the integration's name is all that is known of the secret, too.
    let mut bad = secret();
    bad["owner"] = "nobody".into();
    rig.secrets.put("okta/acme", &bad);
    assert_eq!(rig.ask(json!({})).await.unwrap_err().kind, "SecretInvalid");
    let told = rig.store.json(STATUS);
    assert_eq!(
        (&told["collector"], &told["streams"]),
        (&json!(COLLECTOR), &status["streams"])
    );
}

#[tokio::test]
async fn the_lag_of_the_activity_is_told_where_more_is_known_to_come() {
    let rig = Rig::new().await;
    rig.org()
        .silently(|org| drop(org.create_user(fake_org::NewUser::named("Ada", "Lovelace"))));
    assert_eq!(rig.run().await.activity_lag_seconds, 0);
    for _ in 0..3_000 {
        rig.org().append_event(Event::new("user.session.start"));
    }
    rig.org().options.latency_ms = 700;
    let report = rig
        .ask_within(json!({}), SignedDuration::from_millis(3_000))
        .await
        .unwrap();
    assert_eq!(report.outcome, Outcome::Partial, "{report:#?}");
    let state = rig.read();
    let published = |line: &Value| {
        line["source"]["published"]
            .as_str()
            .unwrap()
            .parse::<Timestamp>()
            .unwrap()
    };
    let newest = state
        .records("activity")
        .values()
        .map(|line| published(&line.record))
        .max()
        .unwrap();
    let age_s = Timestamp::now().duration_since(newest).as_secs();
    assert!(
        report.activity_lag_seconds >= 1 && age_s - report.activity_lag_seconds <= 2,
        "{age_s} {report:#?}"
    );
    rig.org().options.latency_ms = 0;
    assert_eq!(rig.run().await.activity_lag_seconds, 0);
    rig.assert_in_step();
}

#[tokio::test]
async fn batches_that_are_gone_end_the_reading_back_and_double_no_event() {
    for is_broken in [false, true] {
        let rig = populated().await;
        for _ in 0..4 {
            (0..5).for_each(|_| rig.org().append_event(Event::new("user.session.start")));
            rig.run().await;
        }
        let before = rig.read().records("activity").len();
        // The lifecycle has removed what the first two manifests name of the activity.
        for sequence in [1, 2] {
            let manifest = rig
                .store
                .json(&format!("okta/manifests/okta/{sequence:012}.json"));
            let batches = manifest["batches"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|batch| batch["stream"] == "activity");
            for key in batches.map(|batch| batch["key"].as_str().unwrap()) {
                if is_broken {
                    rig.store.write(key, b"no gzip")
                } else {
                    rig.store.remove(key)
                }
            }
        }
        rig.org().expire_cursors();
        rig.org().append_event(Event::new("user.session.end"));
        let report = rig.run().await;
        assert_eq!(
            (report.outcome, report.streams["activity"].upserts),
            (Outcome::Succeeded, 1),
            "{report:#?}"
        );
        let manifest = rig
            .store
            .json(&format!("okta/manifests/okta/{:012}.json", report.sequence));
        let batch = manifest["batches"]
            .as_array()
            .unwrap()
            .iter()
            .find(|batch| batch["stream"] == "activity")
            .unwrap();
        let lines = crate::support::rig::lines(&rig.store, batch["key"].as_str().unwrap());
        assert!(
            before > 20 && lines[0]["source"]["eventType"] == "user.session.end",
            "{before} {lines:?}"
        );
    }
}
