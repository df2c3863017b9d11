//! Okta's and S3's bad days: each kind of them by two of its members, on the built function.

mod access;
mod blindness;
mod bucket;
mod events;
mod hosts;
mod listings;
mod objects;
mod waits;
mod written;

use std::collections::BTreeSet;

use fake_org::{Event, Failure, Party};
use jiff::{SignedDuration, Timestamp};
use reader::State;
use serde_json::{Value, json};

use crate::support::moto;
use crate::support::rig::{CLIENT, PASSWORD, Rig, secret};
use crate::support::runtime::{Answer, Lambda};

/// The built function between an org, S3 and Secrets Manager.
struct Deployed {
    rig: Rig,
    bucket: String,
    secret: String,
    lambda: Lambda,
}

impl Deployed {
    /// Deploys the function before an org, or before the gate that the rig has been given.
    async fn before(rig: Rig) -> Self {
        Self::with(rig, &json!({})).await
    }

    /// As [`Deployed::before`], with these members of the secret changed; null takes one away.
    async fn with(rig: Rig, changes: &Value) -> Self {
        Self::start(rig, changes, moto::url()).await
    }

    /// As [`Deployed::with`], with AWS at another place.
    async fn start(rig: Rig, changes: &Value, aws: &str) -> Self {
        let mut content = secret();
        let members = content.as_object_mut().unwrap();
        for (key, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => drop(members.remove(key)),
                value => drop(members.insert(key.clone(), value.clone())),
            }
        }
        rig.secrets.put("okta/acme", &content);
        let (bucket, secret) = (moto::bucket().await, moto::secret(&content).await);
        let settings = [
            ("BUCKET", bucket.as_str()),
            ("SECRET_ID", &secret),
            ("OKTA_ENDPOINT_URL", &rig.url),
            ("RATE_LIMIT_SHARE", "100"),
            ("AWS_ENDPOINT_URL", aws),
        ];
        let lambda = Lambda::start(&settings).await;
        Self {
            rig,
            bucket,
            secret,
            lambda,
        }
    }

    async fn ask(&mut self, event: Value) -> Answer {
        let answer = self
            .lambda
            .invoke_until(event, Timestamp::now() + SignedDuration::from_secs(85))
            .await;
        assert!(!format!("{answer:?}").contains(PASSWORD), "{answer:?}");
        answer
    }

    async fn report(&mut self, event: Value) -> Value {
        let answer = self.ask(event).await;
        let Answer::Report(report) = answer else {
            panic!("{answer:#?}\n{}", self.lambda.log())
        };
        report
    }

    /// Kind and message of the error that a run ends with.
    async fn error(&mut self, event: Value) -> (String, String) {
        let answer = self.ask(event).await;
        let Answer::Error(error) = answer else {
            panic!("{answer:#?}\n{}", self.lambda.log())
        };
        let told = |key: &str| error[key].as_str().unwrap().to_owned();
        (told("errorType"), told("errorMessage"))
    }

    async fn run(&mut self) -> Value {
        self.report(json!({"mode": "incremental"})).await
    }

    async fn full(&mut self) -> Value {
        self.report(json!({"mode": "full"})).await
    }

    /// What a reader of the bucket knows; it has found nothing amiss.
    async fn read(&self) -> State {
        *self.rig.store.objects.lock().unwrap() = moto::objects(&self.bucket).await;
        self.rig.read()
    }

    async fn ids(&self, stream: &str) -> BTreeSet<String> {
        self.read().await.records(stream).keys().cloned().collect()
    }

    async fn record(&self, stream: &str, id: &str) -> Value {
        let state = self.read().await;
        let line = state
            .records(stream)
            .get(id)
            .unwrap_or_else(|| panic!("{stream} has no {id}"));
        line.record.clone()
    }

    async fn assert_in_step(&self) {
        self.read().await;
        self.rig.assert_in_step();
    }

    /// As [`Deployed::assert_in_step`], where what was logged last is the collector's own token grant.
    async fn assert_in_step_after_news(&mut self) {
        self.rig
            .org()
            .append_event(Event::new("user.session.start"));
        assert_well(&self.run().await);
        self.assert_in_step().await;
    }

    /// Paths and queries that were asked for, of this path alone.
    fn asked(&self, path: &str) -> Vec<String> {
        let org = self.rig.org();
        let targets = org.journal().iter().map(|entry| entry.target.clone());
        targets
            .filter(|target| target.split('?').next() == Some(path))
            .collect()
    }

    fn limits(&self, path: &str) -> Vec<u64> {
        let limit = |target: &String| {
            target
                .split(['?', '&'])
                .find_map(|pair| pair.strip_prefix("limit=")?.parse().ok())
        };
        self.asked(path).iter().filter_map(limit).collect()
    }
}

fn outcome<'a>(report: &'a Value, stream: &str) -> &'a str {
    report["streams"][stream]["outcome"]
        .as_str()
        .unwrap_or_else(|| panic!("{stream}: {report:#}"))
}

fn error<'a>(report: &'a Value, stream: &str) -> &'a str {
    report["streams"][stream]["error"]
        .as_str()
        .unwrap_or_default()
}

/// Asserts that every stream succeeded.
fn assert_well(report: &Value) {
    assert_eq!(report["outcome"], "succeeded", "{report:#}");
}

/// Asserts that these streams have this outcome, and all others succeeded.
fn assert_alone(report: &Value, streams: &[&str], expected: &str) {
    for name in report["streams"].as_object().unwrap().keys() {
        let wanted = if streams.contains(&name.as_str()) {
            expected
        } else {
            "succeeded"
        };
        assert_eq!(outcome(report, name), wanted, "{name}: {report:#}");
    }
}

/// Okta's refusal of this status and code.
fn refused(status: u16, code: &str) -> Failure {
    Failure::Status(
        status,
        format!(r#"{{"errorCode":"{code}","errorSummary":"Of no matter","errorCauses":[]}}"#),
    )
}

/// The app that the function signs in as.
fn own_client() -> Party {
    Party::new("PublicClientApp", CLIENT, CLIENT, "Authomize")
}
