//! The function as Lambda runs it: the program itself, between the Runtime API, S3, Secrets Manager and an org.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use fake_org::{Limits, NewUser};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::moto;
use crate::support::rig::{CLIENT, PASSWORD, Rig, secret};
use crate::support::runtime::{Answer, Lambda};

/// A deployed function with its org and its bucket.
pub struct Deployed {
    pub rig: Rig,
    pub bucket: String,
    pub secret: String,
    pub lambda: Lambda,
}

impl Deployed {
    async fn before(rig: Rig) -> Self {
        Self::with_settings(rig, &[]).await
    }

    /// As [`Self::before`], with more settings.
    pub async fn with_settings(rig: Rig, more: &[(&str, &str)]) -> Self {
        let (bucket, secret) = (moto::bucket().await, moto::secret(&secret()).await);
        let mut settings = vec![
            ("BUCKET", bucket.as_str()),
            ("SECRET_ID", &secret),
            ("OKTA_ENDPOINT_URL", &rig.url),
            ("RATE_LIMIT_SHARE", "100"),
        ];
        settings.extend(more);
        let lambda = Lambda::start(&settings).await;
        Self {
            rig,
            bucket,
            secret,
            lambda,
        }
    }

    pub async fn with_people(people: usize, groups: usize) -> Self {
        let rig = Rig::new().await;
        rig.populate(people, groups);
        Self::before(rig).await
    }

    async fn report(&mut self, event: Value) -> Value {
        let answer = self.lambda.invoke(event).await;
        let Answer::Report(report) = answer else {
            panic!("{answer:#?}\n{}", self.lambda.log())
        };
        report
    }

    async fn assert_in_step(&self) {
        *self.rig.store.objects.lock().unwrap() = moto::objects(&self.bucket).await;
        self.rig.assert_in_step();
    }
}

fn scheduled() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("events/scheduled.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

fn assert_is_report(report: &Value) {
    let expected = [
        "integration",
        "run",
        "collector",
        "outcome",
        "continue",
        "sequence",
        "streams",
        "retry_after_seconds",
        "activity_lag_seconds",
        "okta",
        "duration_ms",
    ];
    assert_eq!(keys(report), BTreeSet::from(expected));
    assert!(
        report["integration"] == "okta"
            && report["run"].is_string()
            && report["continue"].is_boolean()
    );
    assert!(report["retry_after_seconds"].is_null() || report["retry_after_seconds"].is_u64());
    assert_eq!(
        keys(&report["okta"]),
        BTreeSet::from(["requests", "throttled_ms"])
    );
    for number in [
        &report["sequence"],
        &report["duration_ms"],
        &report["okta"]["requests"],
        &report["okta"]["throttled_ms"],
    ] {
        assert!(number.is_u64(), "{report:#}");
    }
    for (name, stream) in report["streams"].as_object().unwrap() {
        assert!(
            okta_authomize::streams::by_name(name).is_some() && stream["outcome"].is_string(),
            "{name}: {stream}"
        );
        assert!(
            ["upserts", "deletes", "batches"]
                .iter()
                .all(|count| stream[count].is_u64()),
            "{name}: {stream}"
        );
    }
}

/// Asserts that `key` is one of the places that objects have.
fn assert_is_place(key: &str, run: &str, date: &str) {
    let rest = key.strip_prefix("okta/").unwrap();
    let batch = || {
        let (stream, rest) = rest.strip_prefix("data/")?.split_once('/')?;
        let number = rest
            .strip_prefix(&format!("integration=okta/date={date}/{run}-"))?
            .strip_suffix(".jsonl.gz")?;
        Some(okta_authomize::streams::by_name(stream).is_some() && number.parse::<u64>().is_ok())
    };
    let is_ledger = rest.starts_with("ledgers/okta/") && rest.ends_with(".json.gz");
    let fixed = [
        "manifests/okta/000000000001.json",
        "cursors/okta.json",
        "heads/okta.json",
    ];
    let places = [&fixed[..], &["status/okta.json", "status/okta.html"]].concat();
    assert!(
        places.contains(&rest) || is_ledger || batch() == Some(true),
        "{key}"
    );
}

fn assert_is_manifest(manifest: &Value, report: &Value) {
    let expected = [
        "schema",
        "collector",
        "sequence",
        "previous_sha256",
        "integration",
        "org",
        "owner",
        "run",
        "request_id",
        "committed_at",
        "mode",
        "batches",
        "snapshots",
        "ledger",
        "gap",
        "cursor",
    ];
    assert_eq!(keys(manifest), BTreeSet::from(expected));
    assert_eq!(
        (&manifest["schema"], &manifest["sequence"], &manifest["org"]),
        (&json!(1), &json!(1), &json!("https://acme.okta.com"))
    );
    assert_eq!(
        (&manifest["run"], &manifest["mode"]),
        (&report["run"], &json!("incremental"))
    );
    assert!(
        manifest["previous_sha256"].is_null()
            && manifest["gap"].is_null()
            && manifest["cursor"].is_object()
    );
    for batch in manifest["batches"].as_array().unwrap() {
        assert_eq!(
            keys(batch),
            BTreeSet::from(["stream", "key", "records", "bytes", "sha256"])
        );
    }
}

#[tokio::test]
async fn a_scheduled_event_brings_the_org_to_the_bucket_and_a_second_one_nothing() {
    let mut deployed = Deployed::with_people(30, 4).await;
    let report = deployed.report(scheduled()).await;
    assert_is_report(&report);
    assert_eq!(
        (&report["outcome"], &report["continue"], &report["sequence"]),
        (&json!("succeeded"), &json!(false), &json!(1))
    );
    assert_eq!(report["streams"]["users"]["upserts"], 30);
    let objects = moto::objects(&deployed.bucket).await;
    let manifest: Value =
        serde_json::from_slice(&objects["okta/manifests/okta/000000000001.json"]).unwrap();
    let date = manifest["committed_at"].as_str().unwrap()[..10].to_owned();
    objects
        .keys()
        .for_each(|key| assert_is_place(key, report["run"].as_str().unwrap(), &date));
    assert_is_manifest(&manifest, &report);
    deployed.assert_in_step().await;

    let idle = deployed.report(scheduled()).await;
    assert_is_report(&idle);
    assert_eq!(
        (&idle["sequence"], &idle["okta"]["requests"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(moto::objects(&deployed.bucket).await, objects);
}

#[tokio::test]
async fn a_bad_event_is_an_error_that_alarms_can_match() {
    let mut deployed = Deployed::with_people(1, 0).await;
    let answer = deployed.lambda.invoke(json!({"mode": "everything"})).await;
    let Answer::Error(body) = answer else {
        panic!("{answer:#?}")
    };
    assert_eq!(body["errorType"], "EventInvalid");
    assert!(
        body["errorMessage"].as_str().unwrap().contains("mode"),
        "{body}"
    );
    // The same process goes on.
    assert_eq!(deployed.report(scheduled()).await["outcome"], "succeeded");
}

#[tokio::test]
async fn rejected_credentials_are_an_error_until_the_secret_is_mended() {
    let mut deployed = Deployed::with_people(3, 1).await;
    deployed
        .rig
        .org()
        .edit_client(CLIENT, |client| client.secrets = vec!["rotated".into()]);
    let answer = deployed.lambda.invoke(scheduled()).await;
    let Answer::Error(body) = answer else {
        panic!("{answer:#?}")
    };
    assert_eq!(body["errorType"], "CredentialsRejected", "{body}");
    let told: Value =
        serde_json::from_slice(&moto::objects(&deployed.bucket).await["okta/status/okta.json"])
            .unwrap();
    assert_eq!(
        (&told["error"]["type"], &told["error"]["message"]),
        (&body["errorType"], &body["errorMessage"])
    );
    let mended = secret().to_string().replace(PASSWORD, "rotated");
    moto::secrets()
        .put_secret_value()
        .secret_id(&deployed.secret)
        .secret_string(mended)
        .send()
        .await
        .unwrap();
    assert_eq!(deployed.report(scheduled()).await["outcome"], "succeeded");
    for hush in [PASSWORD, "rotated", "eyJraWQiOiJmYWtlIn0"] {
        assert!(
            !deployed.lambda.log().contains(hush),
            "{hush} is in the log:\n{}",
            deployed.lambda.log()
        );
    }
}

#[tokio::test]
async fn bad_settings_end_the_start_and_are_told_by_name() {
    let mut lambda = Lambda::start(&[("RATE_LIMIT_SHARE", "0")]).await;
    let Answer::InitError(body) = lambda.answer().await else {
        panic!("{}", lambda.log())
    };
    assert!(
        body["errorType"]
            .as_str()
            .is_some_and(|kind| !kind.is_empty()),
        "{body}"
    );
    for name in ["BUCKET", "RATE_LIMIT_SHARE"] {
        assert!(
            body["errorMessage"].as_str().unwrap().contains(name),
            "{body}"
        );
    }
    let status = lambda.ended().await;
    assert!(!status.success() && status.code().is_some(), "{status}");
}

#[tokio::test]
async fn a_deadline_of_1970_is_not_believed() {
    let mut deployed = Deployed::with_people(30, 4).await;
    let answer = deployed
        .lambda
        .invoke_until(
            scheduled(),
            Timestamp::UNIX_EPOCH + SignedDuration::from_secs(60),
        )
        .await;
    let Answer::Report(report) = answer else {
        panic!("{answer:#?}")
    };
    assert_eq!(report["outcome"], "succeeded");
    deployed.assert_in_step().await;
}

/// As many requests as there are groups.
async fn rig_of_groups(groups: usize) -> Rig {
    let rig = Rig::new().await;
    let ada = rig.org().create_user(NewUser::named("Ada", "Lovelace"));
    rig.org().silently(|org| {
        for n in 0..groups {
            let group = org.create_group(&format!("Group {n}"));
            org.add_member(&group, &ada);
        }
    });
    rig
}

#[tokio::test]
async fn a_slow_org_does_not_make_a_run_miss_its_deadline() {
    let rig = rig_of_groups(150).await;
    rig.org().options.latency_ms = 200;
    let mut deployed = Deployed::before(rig).await;
    let deadline = Timestamp::now() + SignedDuration::from_secs(3);
    let answer = deployed.lambda.invoke_until(scheduled(), deadline).await;
    assert!(Timestamp::now() < deadline);
    let Answer::Report(report) = answer else {
        panic!("{answer:#?}")
    };
    assert_is_report(&report);
    assert_eq!(
        (&report["outcome"], &report["continue"]),
        (&json!("partial"), &json!(true))
    );
    assert!(
        report["streams"]["users"]["upserts"] == 1 && report["sequence"] != 0,
        "{report:#}"
    );
    deployed.rig.org().options.latency_ms = 0;
    assert_eq!(deployed.report(scheduled()).await["outcome"], "succeeded");
    deployed.assert_in_step().await;
}

#[tokio::test]
async fn a_limit_beyond_the_deadline_is_told_in_seconds() {
    let rig = rig_of_groups(20).await;
    rig.org().options.limits = Limits::workforce().set(fake_org::Class::Groups, 8);
    let mut deployed = Deployed::before(rig).await;
    let deadline = Timestamp::now() + SignedDuration::from_secs(6);
    let answer = deployed.lambda.invoke_until(scheduled(), deadline).await;
    assert!(Timestamp::now() < deadline);
    let Answer::Report(report) = answer else {
        panic!("{answer:#?}")
    };
    assert_eq!(
        (&report["outcome"], &report["continue"]),
        (&json!("partial"), &json!(false)),
        "{report:#}"
    );
    let seconds = report["retry_after_seconds"].as_u64().unwrap();
    assert!((1..=61).contains(&seconds), "{report:#}");
}
