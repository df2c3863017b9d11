//! Watching the function: every alarm and every graph is made of a line that the built function really wrote.

use std::time::Duration;

use fake_org::{Class, Denial, Event, Failure, Limits, NewUser};
use jiff::{SignedDuration, Timestamp};
use okta_authomize::metrics::{METRICS, NAMESPACE};
use serde_json::{Value, json};

use super::fleet::assert_recorded;
use super::lambda::Deployed;
use crate::support::moto;
use crate::support::rig::{CLIENT, Rig, secret};
use crate::support::runtime::Answer;
use crate::support::template::{lines, of_type, template};

const STACK: &str = "acme-okta";
const LONG_AGO: &str = "2026-01-01T00:00:00.000Z";

/// A function that writes metrics.
pub struct Watched(pub Deployed);

impl Watched {
    async fn around(rig: Rig) -> Self {
        Self::with_settings(rig, &[]).await
    }

    /// As [`Self::around`], with more settings.
    pub async fn with_settings(rig: Rig, more: &[(&str, &str)]) -> Self {
        let settings = [&[("STACK_NAME", STACK)], more].concat();
        Self(Deployed::with_settings(rig, &settings).await)
    }

    pub async fn of(people: usize, groups: usize) -> Self {
        let rig = Rig::new().await;
        rig.populate(people, groups);
        Self::around(rig).await
    }

    /// Runs once; gives the line of metrics that this run wrote, and the only one.
    pub async fn run(&mut self, event: Value) -> Value {
        self.run_for(event, SignedDuration::from_secs(60)).await
    }

    pub async fn run_for(&mut self, event: Value, time: SignedDuration) -> Value {
        let before = self.written().len();
        let answer = self
            .0
            .lambda
            .invoke_until(event, Timestamp::now() + time)
            .await;
        assert!(
            matches!(answer, Answer::Report(_) | Answer::Error(_)),
            "{answer:#?}"
        );
        // The answer may be here before the log is.
        let mut written = self.written();
        for _ in 0..200 {
            if written.len() > before {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
            written = self.written();
        }
        assert_eq!(
            written.len(),
            before + 1,
            "one line a run: {}",
            self.0.lambda.log()
        );
        written.pop().unwrap()
    }

    fn written(&self) -> Vec<Value> {
        lines(&self.0.lambda.log())
            .into_iter()
            .filter(|line| line.get("_aws").is_some())
            .collect()
    }

    async fn put(&self, key: &str, body: &Value) {
        moto::s3()
            .put_object()
            .bucket(&self.0.bucket)
            .key(key)
            .body(body.to_string().into_bytes().into())
            .send()
            .await
            .unwrap();
    }

    async fn get(&self, key: &str) -> Value {
        serde_json::from_slice(&moto::objects(&self.0.bucket).await[key]).unwrap()
    }
}

/// What CloudWatch makes of a line: the value of a metric of this stack, if the line has it.
fn metric(line: &Value, name: &str) -> Option<f64> {
    let directive = &line["_aws"]["CloudWatchMetrics"][0];
    let has = |list: &str, wanted: &Value| directive[list].as_array().unwrap().contains(wanted);
    let is_named = directive["Metrics"]
        .as_array()
        .unwrap()
        .iter()
        .any(|metric| metric["Name"] == name);
    let is_of_the_stack = has("Dimensions", &json!(["stack"])) && line["stack"] == STACK;
    (directive["Namespace"] == NAMESPACE && is_named && is_of_the_stack)
        .then(|| line[name].as_f64())
        .flatten()
}

/// Whether the line alone is a reason for the alarm.
fn alarms(alarm: &Value, line: &Value) -> bool {
    assert_eq!(
        alarm["Dimensions"],
        json!([{"Name": "stack", "Value": {"Ref": "AWS::StackName"}}])
    );
    assert_eq!(alarm["ComparisonOperator"], "GreaterThanOrEqualToThreshold");
    let threshold = alarm["Threshold"].as_f64().unwrap();
    metric(line, alarm["MetricName"].as_str().unwrap()).is_some_and(|value| value >= threshold)
}

/// The alarms of the template that are made of the function's metrics, by name.
fn own_alarms(template: &Value) -> Vec<(&str, &Value)> {
    of_type(template, "AWS::CloudWatch::Alarm")
        .into_iter()
        .filter(|(_, alarm)| alarm["Namespace"] == NAMESPACE && alarm["Dimensions"].is_array())
        .collect()
}

/// Asserts that a line is a reason for these alarms and for no other.
fn assert_alarms(line: &Value, wanted: &[&str]) {
    let template = template("template.yaml");
    let raised: Vec<_> = own_alarms(&template)
        .into_iter()
        .filter(|(_, alarm)| alarms(alarm, line))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(raised, wanted, "{line:#}");
}

#[tokio::test]
async fn a_run_that_went_well_is_one_line_with_every_metric_and_no_reason_for_an_alarm() {
    let mut watched = Watched::of(30, 4).await;
    watched
        .put(
            "okta/loads/okta.json",
            &json!({"sequence": 99, "loaded_at": LONG_AGO, "outcome": "succeeded"}),
        )
        .await;
    let line = watched.run(json!({})).await;
    for (name, _) in METRICS {
        assert!(metric(&line, name).is_some(), "{name}: {line:#}");
    }
    assert_eq!(
        (
            &line["streams"]["users"]["records"],
            &line["classes"]["users"]["requests"].is_u64()
        ),
        (&json!(30), &true)
    );
    assert_eq!(
        (
            &line["integration"],
            &line["level"],
            &line["freshness_seconds"]
        ),
        (&json!("okta"), &json!("INFO"), &json!(0))
    );
    assert!(
        line["timestamp"].is_string(),
        "Lambda filters lines by timestamp and level"
    );
    assert_alarms(&line, &[]);
    assert_recorded("well", &line);
    let idle = watched.run(json!({})).await;
    assert_eq!(
        (metric(&idle, "records"), metric(&idle, "requests")),
        (Some(0.0), Some(1.0))
    );
    assert_alarms(&idle, &[]);
    assert_recorded("idle", &idle);
}

#[tokio::test]
async fn a_check_is_no_run_and_without_a_stack_there_are_no_metrics() {
    let mut watched = Watched::of(3, 1).await;
    watched.0.lambda.invoke(json!({"mode": "check"})).await;
    assert!(watched.written().is_empty());
    let mut silent = Deployed::with_people(3, 1).await;
    silent.lambda.invoke(json!({})).await;
    assert!(!silent.lambda.log().contains("_aws"));
}

#[tokio::test]
async fn runs_that_end_as_errors_make_the_last_good_one_old() {
    let mut watched = Watched::of(3, 1).await;
    watched
        .put(
            "okta/status/okta.json",
            &json!({"integration": "okta", "last_success_at": LONG_AGO}),
        )
        .await;
    watched
        .0
        .rig
        .org()
        .edit_client(CLIENT, |client| client.secrets = vec!["rotated".into()]);
    let line = watched.run(json!({})).await;
    assert_eq!(
        (&line["errors"], &line["errorType"]),
        (&json!(1), &json!("CredentialsRejected"))
    );
    assert_alarms(&line, &["FreshnessAlarm"]);
    assert_recorded("rejected", &line);
}

#[tokio::test]
async fn a_missing_admin_role_alarms() {
    let mut watched = Watched::of(3, 1).await;
    watched.0.rig.org().create_idp("OIDC", "Partner");
    watched
        .0
        .rig
        .org()
        .deny("/api/v1/idps/**", Denial::AdminRole);
    watched.0.rig.org().deny("/api/v1/idps", Denial::AdminRole);
    watched.run(json!({})).await;
    let line = watched.run(json!({})).await;
    assert_alarms(&line, &["UnavailableAlarm"]);
    assert_recorded("unavailable", &line);
}

#[tokio::test]
async fn a_held_snapshot_alarms_until_it_is_accepted() {
    let mut watched = Watched::of(300, 0).await;
    watched.run(json!({})).await;
    watched.0.rig.org().deny("/api/v1/users", Denial::Short(50));
    watched
        .run(json!({"mode": "full", "streams": ["users"]}))
        .await;
    let line = watched.run(json!({})).await;
    assert_alarms(&line, &["HeldAlarm"]);
    assert_recorded("held", &line);
    assert_alarms(&watched.run(json!({"accept_shrink": ["users"]})).await, &[]);
}

#[tokio::test]
async fn objects_that_okta_does_not_answer_properly_alarm_and_so_does_a_snapshot_without_them() {
    let rig = Rig::new().await;
    let bad = rig.org().silently(|org| {
        let ada = org.create_user(NewUser::named("Ada", "Lovelace"));
        let groups: Vec<_> = (0..8)
            .map(|n| org.create_group(&format!("Group {n}")))
            .collect();
        groups
            .iter()
            .for_each(|group| assert!(org.add_member(group, &ada)));
        groups[0].clone()
    });
    let path = format!("/api/v1/groups/{bad}/users");
    rig.org().fail(
        path.as_str(),
        1_000,
        Failure::Status(500, r#"{"errorCode":"E0000009"}"#.into()),
    );
    let mut watched = Watched::around(rig).await;
    let line = watched.run(json!({})).await;
    assert_eq!(metric(&line, "except"), Some(1.0), "{line:#}");
    assert_alarms(&line, &["FailedAlarm", "ExceptAlarm"]);
    assert_recorded("failed", &line);
}

#[tokio::test]
async fn a_run_that_has_too_much_to_do_alarms_and_so_does_a_log_that_it_does_not_catch_up_with() {
    let rig = Rig::new().await;
    rig.org()
        .silently(|org| drop(org.create_user(NewUser::named("Ada", "Lovelace"))));
    let mut watched = Watched::around(rig).await;
    let two_hours_ago = Timestamp::now() - SignedDuration::from_hours(2);
    for _ in 0..3_000 {
        watched
            .0
            .rig
            .org()
            .append_event(Event::new("user.session.start").published_at(two_hours_ago));
    }
    // A page or two, and then the limit is further off than the deadline.
    watched.0.rig.org().options.limits = Limits::workforce().set(Class::Logs, 3);
    let line = watched
        .run_for(json!({}), SignedDuration::from_secs(10))
        .await;
    assert_alarms(&line, &["LagAlarm", "PartialAlarm"]);
    assert_recorded("lagging", &line);
}

#[tokio::test]
async fn a_state_that_is_about_to_expire_alarms_although_its_stream_is_off() {
    let mut watched = Watched::of(3, 1).await;
    watched.run(json!({})).await;
    let key = "okta/manifests/okta/000000000001.json";
    let mut manifest = watched.get(key).await;
    let started = manifest["cursor"]["streams"]["idps"]
        .pointer_mut("/complete/started_at")
        .expect("a complete snapshot");
    *started = LONG_AGO.into();
    watched.put(key, &manifest).await;
    moto::s3()
        .delete_object()
        .bucket(&watched.0.bucket)
        .key("okta/cursors/okta.json")
        .send()
        .await
        .unwrap();
    let mut off = secret();
    off["streams_off"] = json!(["idps", "idp_users"]);
    moto::secrets()
        .put_secret_value()
        .secret_id(&watched.0.secret)
        .secret_string(off.to_string())
        .send()
        .await
        .unwrap();
    let line = watched.run(json!({})).await;
    assert_alarms(&line, &["StaleStateAlarm"]);
    assert_recorded("stale", &line);
}

#[tokio::test]
async fn a_loader_that_falls_behind_alarms_by_the_oldest_commit_that_waits_for_it() {
    let mut watched = Watched::of(3, 1).await;
    let loaded =
        |sequence: u64| json!({"sequence": sequence, "loaded_at": LONG_AGO, "outcome": "partial"});
    watched.put("okta/loads/okta.json", &loaded(0)).await;
    // A commit of this moment waits for a loader that was last at work long ago: it does not lag.
    let line = watched.run(json!({})).await;
    assert_eq!(line["load_lag_seconds"], 0, "{line:#}");
    assert_alarms(&line, &[]);
    let key = "okta/manifests/okta/000000000001.json";
    let mut manifest = watched.get(key).await;
    manifest["committed_at"] = LONG_AGO.into();
    watched.put(key, &manifest).await;
    // The copy of the cursor names the manifest that was changed.
    let copy = watched.0.bucket.clone();
    moto::s3()
        .delete_object()
        .bucket(copy)
        .key("okta/cursors/okta.json")
        .send()
        .await
        .unwrap();
    watched
        .0
        .rig
        .org()
        .create_user(NewUser::named("Grace", "Hopper"));
    let line = watched.run(json!({})).await;
    assert_alarms(&line, &["LoaderLagAlarm"]);
    assert_recorded("not-loaded", &line);
    // What was loaded waits no more; the next one does, since now.
    watched.put("okta/loads/okta.json", &loaded(1)).await;
    watched
        .0
        .rig
        .org()
        .create_user(NewUser::named("Alan", "Turing"));
    assert_alarms(&watched.run(json!({})).await, &[]);
}

#[test]
fn every_alarm_is_tried_and_begins_with_a_first_step() {
    let template = template("template.yaml");
    let source = include_str!("watch.rs");
    let tried = |name: &str| source.matches(&format!("\"{name}\"")).count() > 0;
    for (name, alarm) in of_type(&template, "AWS::CloudWatch::Alarm") {
        assert!(
            alarm["AlarmDescription"]
                .as_str()
                .unwrap()
                .contains(" First: "),
            "{name}"
        );
        let is_own = alarm["Namespace"] == NAMESPACE && alarm["Dimensions"].is_array();
        assert!(
            !is_own || tried(name),
            "{name} is made of no line that a rule provokes"
        );
    }
    for (name, alarm) in own_alarms(&template) {
        let known = METRICS
            .iter()
            .any(|(metric, _)| alarm["MetricName"] == *metric);
        assert!(known, "{name}");
    }
}

#[tokio::test]
async fn every_graph_of_the_dashboard_shows_metrics_of_a_run() {
    let mut watched = Watched::of(30, 4).await;
    let line = watched.run(json!({})).await;
    let template = template("template.yaml");
    let (_, dashboard) = of_type(&template, "AWS::CloudWatch::Dashboard")[0];
    let body: Value =
        serde_json::from_str(dashboard["DashboardBody"]["Fn::Sub"].as_str().unwrap()).unwrap();
    let mut asked = Vec::new();
    for widget in body["widgets"].as_array().unwrap() {
        for shown in widget["properties"]["metrics"]
            .as_array()
            .into_iter()
            .flatten()
        {
            assert_eq!(
                (&shown[0], &shown[2], &shown[3]),
                (
                    &json!(NAMESPACE),
                    &json!("stack"),
                    &json!("${AWS::StackName}")
                )
            );
            assert!(
                metric(&line, shown[1].as_str().unwrap()).is_some(),
                "{shown}"
            );
        }
        asked.extend(widget["properties"]["query"].as_str());
    }
    let asked = asked.join(" ");
    assert!(line["message"] == "metrics" && asked.contains("message = 'metrics'"));
    for stream in line["streams"].as_object().unwrap().keys() {
        assert!(
            asked.contains(&format!("sum(streams.{stream}.records)")),
            "{stream}"
        );
    }
    for class in line["classes"].as_object().unwrap().keys() {
        assert!(
            asked.contains(&format!("sum(`classes.{class}.requests`)")),
            "{class}"
        );
        assert!(
            asked.contains(&format!("sum(`classes.{class}.throttled_ms`)")),
            "{class}"
        );
    }
}
