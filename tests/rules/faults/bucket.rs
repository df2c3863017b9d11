//! S3's bad days, and a status that tells the truth on them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fake_org::{Event, Request};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Deployed, assert_well};
use crate::support::aws::{self, Fate};
use crate::support::moto;
use crate::support::rig::{CLIENT, Rig};
use crate::support::runtime::Answer;

const STATUS: &str = "okta/status/okta.json";

async fn status(deployed: &Deployed) -> Value {
    serde_json::from_slice(&moto::objects(&deployed.bucket).await[STATUS]).unwrap()
}

async fn remove(deployed: &Deployed, key: &str) {
    moto::s3()
        .delete_object()
        .bucket(&deployed.bucket)
        .key(key)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn batches_that_the_lifecycle_has_removed_end_the_reading_back() {
    let rig = Rig::new().await;
    rig.populate(4, 1);
    let mut deployed = Deployed::before(rig).await;
    for _ in 0..3 {
        (0..5).for_each(|_| {
            deployed
                .rig
                .org()
                .append_event(Event::new("user.session.start"))
        });
        assert_well(&deployed.run().await);
    }
    let objects = moto::objects(&deployed.bucket).await;
    let first: Value =
        serde_json::from_slice(&objects["okta/manifests/okta/000000000001.json"]).unwrap();
    for batch in first["batches"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|batch| batch["stream"] == "activity")
    {
        remove(&deployed, batch["key"].as_str().unwrap()).await;
    }
    deployed.rig.org().expire_cursors();
    deployed
        .rig
        .org()
        .append_event(Event::new("user.session.end"));
    let report = deployed.run().await;
    assert_well(&report);
    // The new event, and the token grants of the runs before, each once.
    assert!(
        report["streams"]["activity"]["upserts"]
            .as_u64()
            .is_some_and(|count| (1..=4).contains(&count)),
        "{report:#}"
    );
}

#[tokio::test]
async fn a_history_of_which_the_newest_part_is_gone_is_told_and_never_written_twice() {
    for gone in [&[3][..], &[2, 3], &[1, 2, 3]] {
        let rig = Rig::new().await;
        rig.populate(4, 1);
        let mut deployed = Deployed::before(rig).await;
        for _ in 0..3 {
            deployed
                .rig
                .org()
                .append_event(Event::new("user.session.start"));
            assert_well(&deployed.run().await);
        }
        let key = |sequence: &u64| format!("okta/manifests/okta/{sequence:012}.json");
        for sequence in gone {
            remove(&deployed, &key(sequence)).await;
        }
        for mode in ["incremental", "full"] {
            let (kind, message) = deployed.error(json!({"mode": mode})).await;
            assert_eq!(kind, "ManifestDamaged", "{gone:?}: {message}");
        }
        let objects = moto::objects(&deployed.bucket).await;
        assert!(
            !gone
                .iter()
                .any(|sequence| objects.contains_key(&key(sequence))),
            "{gone:?}: {:?}",
            objects.keys()
        );
        assert_eq!(status(&deployed).await["error"]["type"], "ManifestDamaged");
    }
}

#[tokio::test]
async fn a_service_that_refuses_or_fails_is_told_with_its_remedy_by_a_check() {
    for (status, code, kind, word) in [
        (403, "AccessDenied", "BucketRefused", "s3:PutObject"),
        (503, "SlowDown", "BucketUnreachable", "SlowDown"),
    ] {
        let rig = Rig::new().await;
        rig.populate(4, 1);
        let gate = aws::before_moto(move |request: &Request| {
            (request.method == "PUT" && !aws::is_of_secrets(request))
                .then(|| aws::refused(status, code))
        })
        .await;
        let mut deployed = Deployed::start(rig, &json!({}), &gate.url).await;
        let (told, message) = deployed.error(json!({"mode": "check"})).await;
        assert!(told == kind && message.contains(word), "{told}: {message}");
        assert!(moto::objects(&deployed.bucket).await.is_empty());
    }
}

#[tokio::test]
async fn a_bucket_that_falls_silent_in_mid_run_ends_it_in_time() {
    let rig = Rig::new().await;
    rig.populate(4, 1);
    let is_silent = Arc::new(AtomicBool::new(false));
    let silent = Arc::clone(&is_silent);
    let gate = aws::before_moto(move |request: &Request| {
        let is_of_manifest = request.path.contains("/manifests/") && request.method == "PUT";
        (silent.load(Ordering::Relaxed) && is_of_manifest).then_some(Fate::Silence)
    })
    .await;
    let mut deployed = Deployed::start(rig, &json!({}), &gate.url).await;
    assert_well(&deployed.run().await);
    is_silent.store(true, Ordering::Relaxed);
    deployed
        .rig
        .org()
        .append_event(Event::new("user.session.start"));
    let began = std::time::Instant::now();
    let (kind, message) = deployed.error(json!({})).await;
    assert_eq!(kind, "BucketUnreachable", "{message}");
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    is_silent.store(false, Ordering::Relaxed);
    assert_well(&deployed.run().await);
    deployed.assert_in_step().await;
}

#[tokio::test]
async fn the_rest_of_a_run_bounds_each_call_to_the_bucket() {
    type Silent = fn(&Request) -> bool;
    let kinds: [(&str, Silent); 3] = [
        ("a batch", |request| request.path.contains("/data/")),
        ("a manifest", |request| request.path.contains("/manifests/")),
        ("the cursor", |request| request.path.contains("/cursors/")),
    ];
    for (told, is_meant) in kinds {
        let rig = Rig::new().await;
        rig.populate(4, 1);
        let is_silent = Arc::new(AtomicBool::new(false));
        let silent = Arc::clone(&is_silent);
        let gate = aws::before_moto(move |request: &Request| {
            (silent.load(Ordering::Relaxed) && is_meant(request)).then_some(Fate::Silence)
        })
        .await;
        let mut deployed = Deployed::start(rig, &json!({}), &gate.url).await;
        assert_well(&deployed.run().await);
        is_silent.store(true, Ordering::Relaxed);
        let event = Event::new("user.session.start");
        deployed.rig.org().append_event(event);
        // One call alone may take half a minute.
        let deadline = Timestamp::now() + SignedDuration::from_secs(20);
        let answer = deployed.lambda.invoke_until(json!({}), deadline).await;
        assert!(Timestamp::now() < deadline, "{told}: {answer:?}");
        if let Answer::Error(error) = &answer {
            assert_eq!(error["errorType"], "BucketUnreachable", "{told}");
        }
        is_silent.store(false, Ordering::Relaxed);
        assert_well(&deployed.run().await);
        deployed.assert_in_step().await;
    }
}

#[tokio::test]
async fn a_check_and_a_superseded_run_leave_the_status_as_it_is() {
    let rig = Rig::new().await;
    rig.populate(300, 5);
    rig.org()
        .create_app(fake_org::NewApp::service("Collector", CLIENT));
    let mut deployed = Deployed::before(rig).await;
    assert_well(&deployed.run().await);
    let before = status(&deployed).await;
    let kept = |status: &Value| {
        json!([
            status["last_success_at"],
            status["sequence"],
            status["streams"]["users"]["records"],
            status["streams"]["users"]["snapshot_at"]
        ])
    };
    assert!(before["last_success_at"].is_string() && before["streams"]["users"]["records"] == 300);
    assert_well(&deployed.report(json!({"mode": "check"})).await);
    assert_eq!(kept(&status(&deployed).await), kept(&before));
    // Two functions at once: whoever is told last, the status is that of the newest manifest.
    let settings = [
        ("BUCKET", deployed.bucket.as_str()),
        ("SECRET_ID", &deployed.secret),
        ("OKTA_ENDPOINT_URL", &deployed.rig.url),
        ("RATE_LIMIT_SHARE", "100"),
    ];
    let mut second = crate::support::runtime::Lambda::start(&settings).await;
    deployed.rig.org().options.latency_ms = 20;
    let (one, two) = tokio::join!(
        deployed.lambda.invoke(json!({"mode": "full"})),
        second.invoke(json!({"mode": "full"}))
    );
    let told = format!("{one:?} {two:?}");
    let status = status(&deployed).await;
    let newest = deployed
        .read()
        .await
        .manifests
        .last()
        .map(|manifest| manifest.sequence);
    assert_eq!(status["sequence"].as_u64(), newest, "{told}");
    assert_eq!(status["streams"]["users"]["records"], 300, "{status:#}");
}
