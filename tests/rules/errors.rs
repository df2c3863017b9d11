//! Every `errorType` of docs/errors.md, as the built function answers with it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use fake_org::{Request, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::aws::{self, Fate, refused, refused_secret};
use crate::support::http::{self, Endpoint};
use crate::support::moto;
use crate::support::rig::{CLIENT, PASSWORD, Rig, secret};
use crate::support::runtime::{Answer, Lambda};

const STATUS: &str = "okta/status/okta.json";

/// The function between an org and AWS behind a gate.
struct Deployed {
    rig: Rig,
    bucket: String,
    secret: String,
    lambda: Lambda,
    _gate: Endpoint,
}

impl Deployed {
    async fn behind(
        decide: impl Fn(&Request) -> Option<Fate> + Send + Sync + 'static,
        content: &Value,
    ) -> Self {
        let rig = Rig::new().await;
        rig.populate(5, 2);
        let (bucket, secret) = (moto::bucket().await, moto::secret(content).await);
        let gate = aws::before_moto(decide).await;
        let lambda = start(&bucket, &secret, &rig.url, &gate.url).await;
        Self {
            rig,
            bucket,
            secret,
            lambda,
            _gate: gate,
        }
    }

    async fn alone(content: &Value) -> Self {
        Self::behind(|_| None, content).await
    }

    /// The error of a run, which the log tells as well.
    async fn error(&mut self, event: Value) -> (String, String) {
        let deadline = Timestamp::now() + SignedDuration::from_secs(120);
        let answer = self.lambda.invoke_until(event, deadline).await;
        let Answer::Error(body) = answer else {
            panic!("{answer:#?}\n{}", self.lambda.log())
        };
        let told = |key: &str| body[key].as_str().unwrap().to_owned();
        let (kind, message) = (told("errorType"), told("errorMessage"));
        assert!(!message.contains(PASSWORD), "{message}");
        (kind, message)
    }

    async fn run(&mut self) -> Value {
        let answer = self.lambda.invoke(json!({})).await;
        let Answer::Report(report) = answer else {
            panic!("{answer:#?}\n{}", self.lambda.log())
        };
        report
    }

    async fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        moto::objects(&self.bucket).await
    }

    async fn put(&self, key: &str, body: &[u8]) {
        let body = aws_sdk_s3::primitives::ByteStream::from(body.to_vec());
        moto::s3()
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .body(body)
            .send()
            .await
            .unwrap();
    }

    async fn remove(&self, key: &str) {
        moto::s3()
            .delete_object()
            .bucket(&self.bucket)
            .key(key)
            .send()
            .await
            .unwrap();
    }
}

async fn start(bucket: &str, secret: &str, org: &str, aws: &str) -> Lambda {
    let settings = [
        ("BUCKET", bucket),
        ("SECRET_ID", secret),
        ("OKTA_ENDPOINT_URL", org),
        ("RATE_LIMIT_SHARE", "100"),
        ("AWS_ENDPOINT_URL", aws),
        ("AWS_LAMBDA_LOG_LEVEL", "TRACE"),
    ];
    Lambda::start(&settings).await
}

fn secret_with(key: &str, value: impl Into<Value>) -> Value {
    let mut content = secret();
    content[key] = value.into();
    content
}

/// Whether the message says what is to be done, by one of its words.
fn assert_told((kind, message): &(String, String), expected: &str, word: &str) {
    assert!(
        kind == expected && message.contains(word),
        "{expected}, {word}: {kind}: {message}"
    );
}

#[tokio::test]
async fn an_event_or_a_secret_that_cannot_be_used_is_told_by_its_type() {
    let mut deployed = Deployed::alone(&secret_with("owner", "nobody")).await;
    assert_told(
        &deployed.error(json!({"mode": "all"})).await,
        "EventInvalid",
        "mode",
    );
    assert_told(
        &deployed.error(json!({"secret_id": "okta/nobody"})).await,
        "SecretNotFound",
        "create it",
    );
    assert_told(&deployed.error(json!({})).await, "SecretInvalid", "owner");
    deployed.lambda = start(&deployed.bucket, "", &deployed.rig.url, moto::url()).await;
    assert_told(
        &deployed.error(json!({})).await,
        "SecretNotNamed",
        "SECRET_ID",
    );
    let mut lambda = Lambda::start(&[("BUCKET", "")]).await;
    let Answer::InitError(body) = lambda.answer().await else {
        panic!("{}", lambda.log())
    };
    assert_eq!(body["errorType"], "InitFailed");
}

#[tokio::test]
async fn secrets_manager_refusing_throttling_or_failing_is_told_by_its_type() {
    for (status, code, kind, word) in [
        (
            400,
            "AccessDeniedException",
            "SecretRefused",
            "secretsmanager:GetSecretValue",
        ),
        (400, "DecryptionFailure", "SecretRefused", "kms:Decrypt"),
        (
            400,
            "ResourceNotFoundException",
            "SecretNotFound",
            "create it",
        ),
        (400, "ValidationException", "SecretNotFound", "secret_id"),
        (
            400,
            "ThrottlingException",
            "SecretsManagerUnreachable",
            "ThrottlingException",
        ),
        (
            500,
            "InternalServiceError",
            "SecretsManagerUnreachable",
            "InternalServiceError",
        ),
    ] {
        let decide = move |request: &Request| {
            aws::is_of_secrets(request).then(|| refused_secret(status, code))
        };
        let mut deployed = Deployed::behind(decide, &secret()).await;
        assert_told(&deployed.error(json!({})).await, kind, word);
        assert_eq!(deployed.rig.org().counts().total(), 0, "{code}");
        assert!(deployed.objects().await.is_empty(), "{code}");
    }
    // What cannot be understood is not repeated: it may hold the secret.
    let decide = |request: &Request| {
        aws::is_of_secrets(request)
            .then(|| Fate::Answer(200, format!("{{\"SecretString\": \"{PASSWORD}\", ")))
    };
    let mut deployed = Deployed::behind(decide, &secret()).await;
    assert_told(
        &deployed.error(json!({})).await,
        "SecretsManagerUnreachable",
        "did not answer",
    );
    assert!(
        !deployed.lambda.log().contains(PASSWORD),
        "{}",
        deployed.lambda.log()
    );
}

#[tokio::test]
async fn okta_refusing_or_not_answering_is_told_by_its_type() {
    let mut deployed = Deployed::alone(&secret()).await;
    deployed
        .rig
        .org()
        .edit_client(CLIENT, |client| client.secrets = vec!["rotated".into()]);
    assert_told(
        &deployed.error(json!({})).await,
        "CredentialsRejected",
        "secret",
    );
    let broken = http::serve(|_| async {
        Response {
            status: 503,
            ..Response::default()
        }
    })
    .await;
    deployed.lambda = start(&deployed.bucket, &deployed.secret, &broken.url, moto::url()).await;
    let error = deployed.error(json!({})).await;
    assert_told(&error, "OktaUnreachable", "cannot be reached");
    let status: Value = serde_json::from_slice(&deployed.objects().await[STATUS]).unwrap();
    assert_eq!(
        (&status["error"]["type"], &status["error"]["message"]),
        (&json!(error.0), &json!(error.1))
    );
}

#[tokio::test]
async fn a_bucket_that_refuses_is_reported_with_the_remedy() {
    let is_put = |request: &Request| request.method == "PUT";
    for (status, code, kind, word) in [
        (403, "AccessDenied", "BucketRefused", "s3:PutObject"),
        (
            400,
            "KMS.DisabledException",
            "BucketRefused",
            "kms:GenerateDataKey",
        ),
        (404, "NoSuchBucket", "BucketRefused", "BUCKET"),
        (503, "SlowDown", "BucketUnreachable", "SlowDown"),
    ] {
        for mode in ["check", "incremental"] {
            let mut deployed = Deployed::behind(
                move |request| is_put(request).then(|| refused(status, code)),
                &secret(),
            )
            .await;
            assert_told(&deployed.error(json!({"mode": mode})).await, kind, word);
            assert!(deployed.objects().await.is_empty(), "{code}");
        }
    }
}

#[tokio::test]
async fn a_history_that_was_damaged_is_told_and_left_alone() {
    let mut deployed = Deployed::alone(&secret()).await;
    deployed.run().await;
    let manifest = "okta/manifests/okta/000000000001.json";
    let sound = deployed.objects().await;
    // The newest manifest is gone, broken, or of a function of tomorrow.
    let of_tomorrow = |name: &str| {
        let mut value: Value = serde_json::from_slice(&sound[manifest]).unwrap();
        value["cursor"][name] = json!(9_999);
        value.to_string().into_bytes()
    };
    for (body, kind, word) in [
        (None, "ManifestDamaged", "restore"),
        (Some(b"{".to_vec()), "ManifestDamaged", "restore"),
        (Some(b"[1, {}]".to_vec()), "ManifestDamaged", "restore"),
        (
            Some(of_tomorrow("version")),
            "CursorUnreadable",
            "deploy the newer function",
        ),
        (
            Some(of_tomorrow("streams")),
            "CursorUnreadable",
            "manifest 1",
        ),
    ] {
        match &body {
            Some(body) => deployed.put(manifest, body).await,
            None => deployed.remove(manifest).await,
        }
        let kept = |objects: BTreeMap<String, Vec<u8>>| -> BTreeMap<_, _> {
            objects
                .into_iter()
                .filter(|(key, _)| !key.starts_with("okta/status/"))
                .collect()
        };
        let before = kept(deployed.objects().await);
        let error = deployed.error(json!({"mode": "full"})).await;
        assert_told(&error, kind, word);
        assert!(kept(deployed.objects().await) == before, "{error:?}");
        let status: Value = serde_json::from_slice(&deployed.objects().await[STATUS]).unwrap();
        assert_eq!(
            (
                &status["error"]["type"],
                status["streams"]["users"]["records"].as_u64()
            ),
            (&json!(kind), Some(5))
        );
    }
    deployed.put(manifest, &sound[manifest]).await;
    assert_eq!(deployed.run().await["outcome"], "succeeded");
}

#[tokio::test]
async fn a_name_that_another_org_has_is_told() {
    let mut deployed = Deployed::alone(&secret()).await;
    deployed.run().await;
    let other = secret_with("domain", "https://other.okta.com").to_string();
    moto::secrets()
        .put_secret_value()
        .secret_id(&deployed.secret)
        .secret_string(other)
        .send()
        .await
        .unwrap();
    assert_told(
        &deployed.error(json!({})).await,
        "IntegrationTaken",
        "integration_name",
    );
}

/// Takes half a minute: that is the limit.
#[tokio::test]
async fn a_service_that_does_not_answer_ends_a_run_in_half_a_minute() {
    let of_secrets = |request: &Request| aws::is_of_secrets(request).then_some(Fate::Silence);
    let of_reads = |request: &Request| {
        (!aws::is_of_secrets(request) && request.method == "GET").then_some(Fate::Silence)
    };
    let mut vault = Deployed::behind(of_secrets, &secret()).await;
    let mut bucket = Deployed::behind(of_reads, &secret()).await;
    let began = Instant::now();
    let (one, other) = tokio::join!(vault.error(json!({})), bucket.error(json!({})));
    assert_told(&one, "SecretsManagerUnreachable", "did not answer");
    assert_told(&other, "BucketUnreachable", "cannot be reached");
    // The status cannot be read either, which takes as long again.
    let took = began.elapsed();
    assert!(
        (Duration::from_secs(25)..Duration::from_secs(75)).contains(&took),
        "{took:?}"
    );
}

/// The types that the tests of this file produce, and the one that needs a bug.
#[test]
fn every_error_type_of_the_document_is_produced_by_a_test() {
    let document = include_str!("../../docs/errors.md");
    let table = document
        .split("| `errorType` |")
        .nth(1)
        .unwrap()
        .split("\n\n")
        .next()
        .unwrap();
    let kinds: BTreeSet<_> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    let tests = [
        include_str!("errors.rs"),
        include_str!("secrecy.rs"),
        include_str!("meaning.rs"),
    ]
    .concat();
    assert!(kinds.len() > 10);
    for kind in kinds {
        assert!(tests.contains(&format!("\"{kind}\"")), "{kind}");
    }
}
