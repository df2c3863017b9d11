//! The bucket and the vault as they are, over HTTP.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fake_org::Event;
use jiff::{SignedDuration, Timestamp};
use okta_authomize::clock::Clock;
use okta_authomize::config::Config;
use okta_authomize::handler::{Failure, Handler, Invocation};
use okta_authomize::invocation::{Outcome, Report};
use okta_authomize::okta::http_client;
use okta_authomize::secret::{SecretError, Secrets, Vault};
use okta_authomize::store::{Bucket, ContentType, Creation, Store, StoreError, Version};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::rig::{CLIENT, PASSWORD, Rig, secret};
use crate::support::runtime::{Answer, Lambda};
use crate::support::{aws, moto};

async fn bucket() -> Bucket {
    Bucket::new(moto::s3(), moto::bucket().await)
}

fn vault() -> Vault {
    Vault::new(moto::secrets())
}

#[tokio::test]
async fn of_sixteen_creations_at_once_one_wins() {
    let bucket = Arc::new(bucket().await);
    let mut racers = JoinSet::new();
    for n in 0..16 {
        let bucket = Arc::clone(&bucket);
        racers.spawn(async move {
            (
                n,
                bucket
                    .create("okta/race.json", n.to_string().into(), ContentType::Json)
                    .await,
            )
        });
    }
    let (mut winners, mut losers) = (Vec::new(), 0);
    while let Some(raced) = racers.join_next().await {
        match raced.unwrap() {
            (n, Ok(Creation::Created)) => winners.push(n.to_string()),
            (_, Ok(Creation::Exists | Creation::Conflict)) => losers += 1,
            (n, Err(error)) => panic!("{n}: {error}"),
        }
    }
    let stored = bucket.get("okta/race.json").await.unwrap().unwrap();
    assert_eq!(
        (winners, losers),
        (vec![String::from_utf8(stored.to_vec()).unwrap()], 15)
    );
}

#[tokio::test]
async fn only_what_was_read_is_replaced() {
    let bucket = bucket().await;
    let replace = async |body: &'static str, read: Option<&Version>| {
        bucket
            .replace(
                "okta/status/okta.json",
                body.into(),
                ContentType::Json,
                read,
            )
            .await
            .unwrap()
    };
    let read = async || bucket.read("okta/status/okta.json").await.unwrap();
    assert_eq!(read().await, None);
    assert_eq!(replace("one", None).await, Creation::Created);
    let (_, one) = read().await.unwrap();
    assert_eq!(
        replace("two", None).await,
        Creation::Exists,
        "somebody was first"
    );
    assert_eq!(replace("two", Some(&one)).await, Creation::Created);
    assert_eq!(
        replace("three", Some(&one)).await,
        Creation::Exists,
        "somebody has written since"
    );
    let (body, two) = read().await.unwrap();
    assert_eq!((&body[..], two == one), (&b"two"[..], false));
}

#[tokio::test]
async fn a_stored_object_is_got_and_a_missing_one_is_none() {
    let bucket = bucket().await;
    assert_eq!(bucket.get("okta/nothing.json").await.unwrap(), None);
    let key = "okta/data/users/integration=okta/date=2026-11-23/run-1.jsonl.gz";
    for body in [&b"one"[..], b"", &[0, 159, 146, 150]] {
        bucket
            .put(key, Bytes::copy_from_slice(body), ContentType::Batch)
            .await
            .unwrap();
        assert_eq!(bucket.get(key).await.unwrap().unwrap(), body);
    }
    let create = bucket
        .create(key, "other".into(), ContentType::Json)
        .await
        .unwrap();
    assert_eq!(
        (create, bucket.get(key).await.unwrap().unwrap().len()),
        (Creation::Exists, 4)
    );
}

#[tokio::test]
async fn an_object_names_its_content_type() {
    let name = moto::bucket().await;
    let bucket = Bucket::new(moto::s3(), name.clone());
    for (kind, expected) in [
        (ContentType::Batch, "application/gzip"),
        (ContentType::Json, "application/json"),
        (ContentType::Html, "text/html; charset=utf-8"),
    ] {
        bucket.put("put", "x".into(), kind).await.unwrap();
        let created = format!("created {kind:?}");
        bucket.create(&created, "x".into(), kind).await.unwrap();
        for key in ["put", &created] {
            let object = moto::s3()
                .head_object()
                .bucket(&name)
                .key(key)
                .send()
                .await
                .unwrap();
            assert_eq!(object.content_type(), Some(expected), "{key}");
        }
    }
}

#[tokio::test]
async fn a_listing_is_in_order_begins_after_a_key_and_has_no_end_at_a_thousand() {
    let bucket = Arc::new(bucket().await);
    let key = |n: usize| format!("okta/manifests/okta/{n:012}.json");
    let mut puts = JoinSet::new();
    for n in 1..=1_003 {
        let bucket = Arc::clone(&bucket);
        puts.spawn(async move {
            bucket
                .put(&key(n), "{}".into(), ContentType::Json)
                .await
                .unwrap()
        });
        if puts.len() == 8 {
            puts.join_next().await.unwrap().unwrap();
        }
    }
    puts.join_all().await;
    bucket
        .put(
            "okta/manifests/okta-eu/000000000001.json",
            "{}".into(),
            ContentType::Json,
        )
        .await
        .unwrap();
    let prefix = "okta/manifests/okta/";
    let all: Vec<_> = (1..=1_003).map(key).collect();
    assert_eq!(bucket.list(prefix, prefix).await.unwrap(), all);
    assert_eq!(
        bucket.list(prefix, &key(1_000)).await.unwrap(),
        all[1_000..]
    );
    assert!(bucket.list(prefix, &key(1_003)).await.unwrap().is_empty());
    assert!(
        bucket
            .list("okta/nothing/", "okta/nothing/")
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_missing_bucket_is_a_refusal_that_names_it() {
    let bucket = Bucket::new(moto::s3(), "no-such-bucket".into());
    let refusals = [
        bucket
            .put("a", "x".into(), ContentType::Json)
            .await
            .unwrap_err(),
        bucket
            .create("a", "x".into(), ContentType::Json)
            .await
            .unwrap_err(),
        bucket.get("a").await.unwrap_err(),
        bucket.list("a", "a").await.unwrap_err(),
    ];
    for error in refusals {
        assert!(
            matches!(&error, StoreError::Refused(text) if text.contains("no-such-bucket")),
            "{error}"
        );
        assert!(error.to_string().contains("BUCKET"), "{error}");
    }
}

#[tokio::test]
async fn a_secret_is_read_in_its_newest_version() {
    let name = moto::secret(&json!({"a": 1})).await;
    let first = vault().read(&name).await.unwrap();
    assert_eq!(first.text.expose_secret(), r#"{"a":1}"#);
    assert_eq!(vault().read(&name).await.unwrap().version, first.version);
    moto::secrets()
        .put_secret_value()
        .secret_id(&name)
        .secret_string("{}")
        .send()
        .await
        .unwrap();
    let second = vault().read(&name).await.unwrap();
    assert_eq!(second.text.expose_secret(), "{}");
    assert_ne!(second.version, first.version);
}

#[tokio::test]
async fn a_binary_secret_is_read_as_text() {
    let name = moto::name("okta/binary");
    let blob = aws_sdk_secretsmanager::primitives::Blob::new("{}");
    moto::secrets()
        .create_secret()
        .name(&name)
        .secret_binary(blob)
        .send()
        .await
        .unwrap();
    assert_eq!(
        vault().read(&name).await.unwrap().text.expose_secret(),
        "{}"
    );
}

#[tokio::test]
async fn a_secret_that_is_missing_or_deleted_is_not_found() {
    let deleted = moto::secret(&json!({})).await;
    moto::secrets()
        .delete_secret()
        .secret_id(&deleted)
        .send()
        .await
        .unwrap();
    for name in ["okta/nobody", &deleted] {
        let error = vault().read(name).await.unwrap_err();
        assert!(
            matches!(&error, SecretError::NotFound { secret_id, .. } if secret_id == name),
            "{error}"
        );
    }
}

/// A rig's function with the real ends to AWS.
struct Deployed {
    handler: Handler<Bucket, Vault>,
    bucket: String,
    secret: String,
}

impl Deployed {
    async fn before(rig: &Rig) -> Self {
        let (bucket, secret) = (moto::bucket().await, moto::secret(&secret()).await);
        let handler = Self::handler(rig, &bucket, &secret);
        Self {
            handler,
            bucket,
            secret,
        }
    }

    fn handler(rig: &Rig, bucket: &str, secret: &str) -> Handler<Bucket, Vault> {
        let settings = |name: &str| match name {
            "BUCKET" => Some(bucket.to_owned()),
            "SECRET_ID" => Some(secret.to_owned()),
            "OKTA_ENDPOINT_URL" => Some(rig.url.clone()),
            _ => None,
        };
        let config = Config::read(settings).unwrap();
        let store = Bucket::new(moto::s3(), bucket.to_owned());
        Handler::new(
            config,
            Clock::new(Timestamp::now),
            http_client().unwrap(),
            store,
            vault(),
            Duration::from_millis(10),
        )
    }

    async fn run(&self, event: Value) -> Result<Report, Failure> {
        let deadline = Timestamp::now() + SignedDuration::from_secs(60);
        self.handler
            .run(
                &event,
                &Invocation {
                    request_id: "r-1".into(),
                    deadline,
                },
            )
            .await
    }
}

#[tokio::test]
async fn a_whole_run_goes_from_the_vault_to_the_bucket() {
    let rig = Rig::new().await;
    rig.populate(30, 4);
    let deployed = Deployed::before(&rig).await;
    let report = deployed.run(json!({})).await.unwrap();
    assert_eq!(
        (report.outcome, report.sequence),
        (Outcome::Succeeded, 1),
        "{report:#?}"
    );
    // An idle run, a change, and a new version of the secret with a new password.
    assert_eq!(deployed.run(json!({})).await.unwrap().sequence, 1);
    rig.org().append_event(Event::new("user.session.start"));
    assert_eq!(deployed.run(json!({})).await.unwrap().sequence, 2);
    rig.org()
        .edit_client(CLIENT, |client| client.secrets = vec!["rotated".into()]);
    rig.org().revoke_access_tokens();
    let rotated = secret().to_string().replace(PASSWORD, "rotated");
    moto::secrets()
        .put_secret_value()
        .secret_id(&deployed.secret)
        .secret_string(rotated)
        .send()
        .await
        .unwrap();
    assert_eq!(
        deployed
            .run(json!({"mode": "full"}))
            .await
            .unwrap()
            .sequence,
        3
    );
    rig.org().append_event(Event::new("user.session.start"));
    deployed.run(json!({})).await.unwrap();
    *rig.store.objects.lock().unwrap() = moto::objects(&deployed.bucket).await;
    rig.assert_in_step();
}

#[tokio::test]
async fn two_functions_at_once_make_one_history_in_one_bucket() {
    let rig = Rig::new().await;
    rig.populate(30, 4);
    let one = Deployed::before(&rig).await;
    let handler = Deployed::handler(&rig, &one.bucket, &one.secret);
    let two = Deployed {
        handler,
        bucket: one.bucket.clone(),
        secret: one.secret.clone(),
    };
    let (first, second) = tokio::join!(one.run(json!({})), two.run(json!({})));
    let outcomes = [first.unwrap().outcome, second.unwrap().outcome];
    assert!(outcomes.contains(&Outcome::Succeeded), "{outcomes:?}");
    rig.org().append_event(Event::new("user.session.start"));
    assert_eq!(
        one.run(json!({})).await.unwrap().outcome,
        Outcome::Succeeded
    );
    *rig.store.objects.lock().unwrap() = moto::objects(&one.bucket).await;
    rig.assert_in_step();
}

#[tokio::test]
async fn a_bucket_that_is_missing_ends_a_run_before_it_asks_the_org() {
    let rig = Rig::new().await;
    let name = moto::secret(&secret()).await;
    let handler = Deployed::handler(&rig, "no-such-bucket", &name);
    let deployed = Deployed {
        handler,
        bucket: String::new(),
        secret: name,
    };
    let failure = deployed.run(json!({})).await.unwrap_err();
    assert_eq!(
        (failure.kind, rig.org().counts().total()),
        ("BucketRefused", 0),
        "{failure}"
    );
}

#[tokio::test]
async fn a_status_that_is_written_meanwhile_by_a_newer_run_stays() {
    let rig = Rig::new().await;
    rig.populate(5, 2);
    let deployed = Deployed::before(&rig).await;
    let status = async || -> Value {
        serde_json::from_slice(&moto::objects(&deployed.bucket).await["okta/status/okta.json"])
            .unwrap()
    };
    deployed.run(json!({})).await.unwrap();
    let mut newer = status().await;
    newer["sequence"] = 9.into();
    newer["run"] = "newer".into();
    newer["updated_at"] = "2999-01-01T00:00:00.000Z".into();
    // Between the reading of the last status and the writing of the next, each of two times.
    let (bucket, newer_text) = (deployed.bucket.clone(), newer.to_string());
    let is_written = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let written = Arc::clone(&is_written);
    let gate = aws::before_moto_after(move |request| {
        let is_of_status = request.method == "PUT" && request.path.ends_with("/status/okta.json");
        let (bucket, text) = (bucket.clone(), newer_text.clone());
        let is_first =
            is_of_status && !written.swap(is_of_status, std::sync::atomic::Ordering::Relaxed);
        async move {
            if is_first {
                let put = moto::s3()
                    .put_object()
                    .bucket(bucket)
                    .key("okta/status/okta.json");
                put.body(text.into_bytes().into()).send().await.unwrap();
            }
        }
    })
    .await;
    let settings = [
        ("BUCKET", deployed.bucket.as_str()),
        ("SECRET_ID", &deployed.secret),
        ("OKTA_ENDPOINT_URL", &rig.url),
        ("AWS_ENDPOINT_URL", &gate.url),
    ];
    let mut lambda = Lambda::start(&settings).await;
    rig.org().append_event(Event::new("user.session.start"));
    let Answer::Report(report) = lambda.invoke(json!({})).await else {
        panic!("{}", lambda.log())
    };
    assert_eq!(report["outcome"], "succeeded", "{report:#}");
    assert!(is_written.load(std::sync::atomic::Ordering::Relaxed));
    assert_eq!(status().await, newer);
}
