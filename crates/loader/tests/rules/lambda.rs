//! The loader as Lambda runs it: the program itself, between the Runtime API, S3, Secrets Manager and Authomize.

use aws_sdk_s3::primitives::ByteStream;
use serde_json::{Value, json};

use super::moto;
use super::rig::Rig;
use super::runtime::{Answer, Lambda};

pub struct Deployed {
    pub rig: Rig,
    pub bucket: String,
    pub lambda: Lambda,
}

impl Deployed {
    pub async fn small() -> Self {
        let rig = Rig::small(json!({})).await;
        let (bucket, secret) = (
            moto::bucket().await,
            moto::secret(&serde_json::from_str(&rig.secret).unwrap()).await,
        );
        let settings = [
            ("BUCKET", bucket.as_str()),
            ("AUTHOMIZE_SECRET_ID", &secret),
        ];
        let lambda = Lambda::start(&settings).await;
        let deployed = Self {
            rig,
            bucket,
            lambda,
        };
        deployed.copy().await;
        deployed
    }

    /// Puts the ledger's objects into the bucket.
    pub async fn copy(&self) {
        let objects = self.rig.ledger.objects.lock().unwrap().clone();
        for (key, body) in objects {
            let put = moto::s3()
                .put_object()
                .bucket(&self.bucket)
                .key(key)
                .body(ByteStream::from(body));
            put.send().await.unwrap();
        }
    }

    pub async fn report(&mut self, event: Value) -> Value {
        let answer = self.lambda.invoke(event).await;
        let Answer::Report(report) = answer else {
            panic!("{answer:#?}\n{}", self.lambda.log())
        };
        report
    }
}

fn created(key: &str) -> Value {
    json!({"source": "aws.s3", "detail-type": "Object Created", "detail": {"bucket": {"name": "b"}, "object": {"key": key}}})
}

#[tokio::test]
async fn a_new_manifest_wakes_a_load_through_the_queue_and_unusable_messages_stay_in_it() {
    let mut deployed = Deployed::small().await;
    let wake = created("okta/manifests/okta/000000000001.json").to_string();
    let event = json!({"Records": [{"messageId": "good", "body": wake.clone()}, {"messageId": "same", "body": wake},
        {"messageId": "bad", "body": "{"},
        {"messageId": "unknown", "body": created("okta/manifests/nobody/000000000001.json").to_string()}]});
    let answer = deployed.report(event).await;
    let failed: Vec<_> = answer["batchItemFailures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["itemIdentifier"].clone())
        .collect();
    assert_eq!(failed, [json!("bad"), json!("unknown")], "{answer:#}");
    assert_eq!(
        (
            answer["loads"].as_array().unwrap().len(),
            &answer["loads"][0]["outcome"]
        ),
        (1, &json!("succeeded"))
    );
    deployed.rig.assert_equal().await;

    let requests = deployed.rig.fake.requests().await;
    let before = moto::objects(&deployed.bucket).await;
    let idle = deployed
        .report(json!({"detail-type": "Scheduled Event"}))
        .await;
    assert_eq!(idle["loads"][0]["load"], "none", "{idle:#}");
    assert_eq!(
        (
            deployed.rig.fake.requests().await,
            moto::objects(&deployed.bucket).await
        ),
        (requests, before)
    );
    assert!(!deployed.lambda.log().contains(super::fake::TOKEN));
}

#[tokio::test]
async fn an_s3_event_and_a_manual_one_are_answered_with_a_report() {
    let mut deployed = Deployed::small().await;
    let plan = deployed
        .report(json!({"integration": "okta", "mode": "plan"}))
        .await;
    assert_eq!(
        (&plan["items"]["users"], deployed.rig.fake.sent().await),
        (&json!(3), 0)
    );
    let report = deployed
        .report(created("okta/manifests/okta/000000000001.json"))
        .await;
    assert_eq!(
        (&report["outcome"], &report["swept"], &report["continue"]),
        (&json!("succeeded"), &json!(true), &json!(false))
    );
    for key in [
        "integration",
        "app_id",
        "sequence",
        "items",
        "refused",
        "requests",
        "duration_ms",
    ] {
        assert!(report.get(key).is_some(), "{key}: {report:#}");
    }
}

#[tokio::test]
async fn errors_are_told_to_lambda_by_their_kind() {
    let mut deployed = Deployed::small().await;
    let Answer::Error(body) = deployed
        .lambda
        .invoke(json!({"integration": "Okta!"}))
        .await
    else {
        panic!()
    };
    assert_eq!(body["errorType"], "EventInvalid");
    deployed
        .rig
        .fake
        .set(json!({"faults": [{"status": 401}]}))
        .await;
    let Answer::Error(body) = deployed.lambda.invoke(json!({"integration": "okta"})).await else {
        panic!()
    };
    assert_eq!(body["errorType"], "TokenRefused");
    let mut lambda = Lambda::start(&[("FULL_LOAD_INTERVAL_HOURS", "0")]).await;
    let Answer::InitError(body) = lambda.answer().await else {
        panic!("{}", lambda.log())
    };
    for name in ["BUCKET", "AUTHOMIZE_SECRET_ID", "FULL_LOAD_INTERVAL_HOURS"] {
        assert!(
            body["errorMessage"].as_str().unwrap().contains(name),
            "{body}"
        );
    }
}

#[tokio::test]
async fn an_api_that_answers_too_late_does_not_make_a_load_miss_its_deadline() {
    let mut deployed = Deployed::small().await;
    deployed.rig.fake.set(json!({"item_seconds": 2.0})).await;
    let deadline = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(4);
    let answer = deployed
        .lambda
        .invoke_until(json!({"integration": "okta"}), deadline)
        .await;
    assert!(jiff::Timestamp::now() < deadline);
    let Answer::Report(report) = answer else {
        panic!("{answer:#?}")
    };
    assert_eq!(
        (&report["outcome"], &report["continue"]),
        (&json!("partial"), &json!(true)),
        "{report:#}"
    );
    deployed.rig.fake.set(json!({"item_seconds": 0})).await;
    assert_eq!(
        deployed.report(json!({"integration": "okta"})).await["outcome"],
        "succeeded"
    );
    deployed.rig.assert_equal().await;
}
