//! The loader's role allows what the built function asks of AWS, and nothing that it does not ask.

use serde_json::{Value, json};

use super::enforcing::Enforcing;
use super::lambda::Deployed;
use super::moto;
use super::rig::Rig;
use super::runtime::{Answer, Lambda};

const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/0a1b-2c3d";

async fn governed(more: Value, without: &[&str]) -> (Deployed, Enforcing) {
    let rig = Rig::small(json!({})).await;
    let content = serde_json::from_str(&rig.secret).unwrap();
    let (bucket, secret) = (moto::bucket().await, moto::secret(&content).await);
    let described = moto::secrets()
        .describe_secret()
        .secret_id(&secret)
        .send()
        .await
        .unwrap();
    let arn = described.arn.unwrap();
    let mut parameters = json!({"SecretArn": arn, "AuthomizeSecretArn": arn});
    let more = more.as_object().unwrap().clone();
    parameters.as_object_mut().unwrap().extend(more);
    let given = json!({
        "parameters": parameters,
        "names": {"Bucket": bucket, "Bucket.Arn": format!("arn:aws:s3:::{bucket}")},
        "secrets": {(arn.as_str()): [secret, {}]},
        "without": without,
    });
    let proxy = Enforcing::start("LoaderRole", &given);
    let settings = [
        ("BUCKET", bucket.as_str()),
        ("AUTHOMIZE_SECRET_ID", &arn),
        ("AWS_ENDPOINT_URL", &proxy.url),
    ];
    let lambda = Lambda::start(&settings).await;
    let deployed = Deployed {
        rig,
        bucket,
        lambda,
    };
    deployed.copy().await;
    (deployed, proxy)
}

#[tokio::test]
async fn it_needs_every_statement_of_its_role_and_nothing_beside() {
    let keys = json!({"AuthomizeSecretKmsKeyArn": KEY, "BucketKmsKeyArn": KEY});
    let (mut deployed, proxy) = governed(keys, &[]).await;
    for event in [
        json!({"integration": "okta"}),
        json!({"integration": "okta", "mode": "full"}),
        json!({"detail-type": "Scheduled Event"}),
    ] {
        deployed.report(event).await;
    }
    // Lambda takes the messages and writes the log.
    proxy.assert_fits(&["WriteItsOwnLog", "TakeItsMessages"]);
}

#[tokio::test]
async fn without_a_statement_it_is_refused_and_says_so() {
    for (sid, kind) in [
        ("ReadItsOneSecret", "SecretRefused"),
        ("ReadWhatIsCommitted", "BucketRefused"),
        ("WriteHowFarItIs", "BucketRefused"),
    ] {
        let (mut deployed, _proxy) = governed(json!({}), &[sid]).await;
        let answer = deployed.lambda.invoke(json!({"integration": "okta"})).await;
        let Answer::Error(error) = answer else {
            panic!("{sid}: {answer:#?}")
        };
        assert_eq!(error["errorType"], kind, "{sid}");
    }
}
