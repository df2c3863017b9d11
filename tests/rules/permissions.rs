//! The collector's role allows what the built function asks of AWS, and nothing that it does not ask: a proxy before moto
//! enforces the policies of the template.

use fake_org::NewUser;
use serde_json::{Value, json};

use super::lambda::Deployed;
use crate::support::enforcing::Enforcing;
use crate::support::moto;
use crate::support::rig::{Rig, secret};
use crate::support::runtime::{Answer, Lambda};

const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/0a1b-2c3d";
/// Its log is Lambda's to write.
const OF_LAMBDA: [&str; 1] = ["WriteItsOwnLog"];

/// A function whose every request to AWS is enforced.
struct Governed {
    deployed: Deployed,
    proxy: Enforcing,
    arn: String,
}

impl Governed {
    /// `more` are parameters beside those of one org, or of a fleet, whose secret carries `tag`; `without` are statements that
    /// the role is not given.
    async fn with(more: Value, tag: Option<&str>, without: &[&str]) -> Self {
        let rig = Rig::new().await;
        rig.populate(5, 2);
        let (bucket, name) = (moto::bucket().await, moto::secret(&secret()).await);
        let described = moto::secrets()
            .describe_secret()
            .secret_id(&name)
            .send()
            .await
            .unwrap();
        let arn = described.arn.unwrap();
        let mut parameters = match tag {
            Some(_) => json!({"Fleet": "true"}),
            None => json!({ "SecretArn": arn }),
        };
        let more = more.as_object().unwrap().clone();
        parameters.as_object_mut().unwrap().extend(more);
        let tags = tag.map_or(json!({}), |value| json!({ "okta-authomize": value }));
        let given = json!({
            "parameters": parameters,
            "names": {"Bucket": bucket, "Bucket.Arn": format!("arn:aws:s3:::{bucket}")},
            "secrets": {(arn.as_str()): [name, tags]},
            "without": without,
        });
        let proxy = Enforcing::start("Role", &given);
        let settings = [
            ("BUCKET", bucket.as_str()),
            ("SECRET_ID", if tag.is_some() { "" } else { &arn }),
            ("OKTA_ENDPOINT_URL", &rig.url),
            ("RATE_LIMIT_SHARE", "100"),
            ("AWS_ENDPOINT_URL", &proxy.url),
        ];
        let lambda = Lambda::start(&settings).await;
        let deployed = Deployed {
            rig,
            bucket,
            secret: name,
            lambda,
        };
        Self {
            deployed,
            proxy,
            arn,
        }
    }

    async fn ends_as(&mut self, event: Value, wanted: &str) {
        let answer = self.deployed.lambda.invoke(event).await;
        let ended = match &answer {
            Answer::Report(report) => &report["outcome"],
            Answer::Error(error) => &error["errorType"],
            Answer::InitError(error) => error,
        };
        assert_eq!(
            ended,
            wanted,
            "{answer:#?}\n{:#}",
            self.proxy.told()["refused"]
        );
    }

    /// Runs as they come: a first one, changes, a check, a lost copy of the cursor.
    async fn lives(&mut self) {
        self.ends_as(json!({}), "succeeded").await;
        self.deployed
            .rig
            .org()
            .create_user(NewUser::named("Grace", "Hopper"));
        self.ends_as(json!({}), "succeeded").await;
        // It finds no app of its own in this org, and says so.
        self.ends_as(json!({"mode": "check"}), "degraded").await;
        moto::s3()
            .delete_object()
            .bucket(&self.deployed.bucket)
            .key("okta/cursors/okta.json")
            .send()
            .await
            .unwrap();
        self.ends_as(json!({"mode": "full"}), "succeeded").await;
        self.deployed
            .rig
            .org()
            .create_user(NewUser::named("Alan", "Turing"));
        self.ends_as(json!({}), "succeeded").await;
    }
}

#[tokio::test]
async fn one_orgs_function_needs_every_statement_of_its_role_and_nothing_beside() {
    let keys = json!({"SecretKmsKeyArn": KEY, "BucketKmsKeyArn": KEY});
    let mut governed = Governed::with(keys, None, &[]).await;
    governed.lives().await;
    governed.proxy.assert_fits(&OF_LAMBDA);
}

#[tokio::test]
async fn a_function_that_is_bound_to_its_integration_writes_that_one_and_no_other() {
    let mut governed = Governed::with(json!({"Integration": "okta"}), None, &[]).await;
    governed.lives().await;
    governed.proxy.assert_fits(&OF_LAMBDA);
    let mut another = Governed::with(json!({"Integration": "acme"}), None, &[]).await;
    another.ends_as(json!({}), "BucketRefused").await;
}

#[tokio::test]
async fn a_fleets_function_reads_secrets_with_the_tag_and_its_value_alone() {
    let message = |arn: &str| json!({"Records": [{"body": json!({"secret_id": arn}).to_string()}]});
    let mut fleet = Governed::with(json!({}), Some("collect"), &[]).await;
    let event = message(&fleet.arn);
    fleet.ends_as(event, "succeeded").await;
    // Lambda takes the messages.
    fleet.proxy.assert_fits(&["WriteItsOwnLog", "TakeTheOrgs"]);
    let mut paused = Governed::with(json!({}), Some("collect-paused"), &[]).await;
    let event = message(&paused.arn);
    paused.ends_as(event, "SecretRefused").await;
}

#[tokio::test]
async fn without_any_statement_it_is_refused_and_says_so() {
    for (sid, error) in [
        ("ReadTheOneSecret", "SecretRefused"),
        ("WriteWhatIsItsOwn", "BucketRefused"),
        ("ReadWhereItStopped", "BucketRefused"),
        ("ListBelowThePrefix", "BucketRefused"),
    ] {
        let mut governed = Governed::with(json!({}), None, &[sid]).await;
        governed.ends_as(json!({}), error).await;
        assert_ne!(governed.proxy.told()["refused"], json!([]), "{sid}");
    }
}
