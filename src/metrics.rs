//! One line per run in CloudWatch's embedded metric format: alarms and dashboards are made of it.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
//!
//! Members beside the metrics cost nothing and can be asked by Logs Insights, so a stream's or a class's figures
//! stand there.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::authomize::rfc3339;
use crate::invocation::{Outcome, Report};
use crate::okta::Use;
use crate::status::Status;

/// The namespace of all metrics.
pub const NAMESPACE: &str = "OktaAuthomize";

/// Every metric with its unit, in the order of the line.
pub const METRICS: [(&str, &str); 15] = [
    ("records", "Count"),
    ("deletes", "Count"),
    ("requests", "Count"),
    ("throttled_ms", "Milliseconds"),
    ("duration_ms", "Milliseconds"),
    ("unavailable", "Count"),
    ("held", "Count"),
    ("failed", "Count"),
    ("except", "Count"),
    ("partial", "Count"),
    ("errors", "Count"),
    ("activity_lag_seconds", "Seconds"),
    ("freshness_seconds", "Seconds"),
    ("state_age_seconds", "Seconds"),
    ("load_lag_seconds", "Seconds"),
];

/// The names under which metrics are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dimensions {
    /// The CloudFormation stack.
    pub stack: String,
    /// Whether each integration has metrics of its own beside the stack's: each costs as much as the stack's.
    pub per_integration: bool,
}

/// Figures of a run that could go on, beside its status.
#[derive(Debug, Clone)]
pub struct Figures<'a> {
    /// The run's report.
    pub report: &'a Report,
    /// Objects that the newest complete snapshots leave out.
    pub excepted: usize,
    /// When the oldest of the newest complete snapshots began, those of streams that are off included.
    pub oldest_state_at: Option<Timestamp>,
    /// Requests by class of path.
    pub used: &'a Use,
}

/// A run that has ended and written its status.
#[derive(Debug, Clone)]
pub struct Ended<'a> {
    /// The status that it wrote.
    pub status: &'a Status,
    /// The secret that named its org, by name or ARN: a fleet knows its orgs by their secrets.
    pub secret_id: &'a str,
    /// `None` where it could not go on.
    pub figures: Option<&'a Figures<'a>>,
    /// When the oldest manifest was committed that the loader has not loaded; `None` if none waits, or if it cannot be read.
    pub waits_since: Option<Timestamp>,
    /// When the run began.
    pub began_at: Timestamp,
}

/// The line of a run. Unknown values have no metric.
#[must_use]
pub fn line(dimensions: &Dimensions, ended: &Ended<'_>, now: Timestamp) -> Value {
    let status = ended.status;
    let mut line = Map::new();
    line.insert("timestamp".into(), rfc3339(now).into());
    line.insert("level".into(), "INFO".into());
    line.insert("message".into(), "metrics".into());
    line.insert("stack".into(), dimensions.stack.clone().into());
    for (name, value) in [
        ("secret", &ended.secret_id.to_owned()),
        ("integration", &status.integration),
        ("run", &status.run),
        ("request_id", &status.request_id),
        ("mode", &status.mode),
        ("outcome", &status.outcome),
    ] {
        line.insert(name.into(), value.clone().into());
    }
    if let Some(error) = &status.error {
        line.insert("errorType".into(), error.kind.clone().into());
    }
    of_the_status(&mut line, ended, now);
    if let Some(figures) = ended.figures {
        of_the_figures(&mut line, figures, now);
    }
    let directive = directive(dimensions, &line, now);
    line.insert("_aws".into(), directive);
    Value::Object(line)
}

fn of_the_status(line: &mut Map<String, Value>, ended: &Ended<'_>, now: Timestamp) {
    let (status, began_at) = (ended.status, ended.began_at);
    let since = |time: &Option<String>| {
        let time: Timestamp = time.as_deref()?.parse().ok()?;
        Some(seconds(now.duration_since(time)))
    };
    line.insert(
        "duration_ms".into(),
        whole(now.duration_since(began_at).as_millis()).into(),
    );
    line.insert(
        "partial".into(),
        u64::from(status.outcome == "partial").into(),
    );
    line.insert("errors".into(), u64::from(status.error.is_some()).into());
    if let Some(age) = since(&status.last_success_at) {
        line.insert("freshness_seconds".into(), age.into());
    }
    if let Some(loads) = &status.loads {
        // A loader may be at rest for days; only waiting manifests make it late.
        let lag = if loads.sequence < status.sequence {
            ended
                .waits_since
                .map(|time| seconds(now.duration_since(time)))
        } else {
            Some(0)
        };
        line.extend(lag.map(|lag| ("load_lag_seconds".to_owned(), lag.into())));
        line.insert("load_outcome".into(), loads.outcome.clone().into());
    }
}

fn of_the_figures(line: &mut Map<String, Value>, figures: &Figures<'_>, now: Timestamp) {
    let Figures {
        report,
        excepted,
        oldest_state_at,
        used,
    } = figures;
    let streams = || report.streams.values();
    let ended_as = |outcome| streams().filter(|stream| stream.outcome == outcome).count();
    line.insert(
        "records".into(),
        streams().map(|stream| stream.upserts).sum::<u64>().into(),
    );
    line.insert(
        "deletes".into(),
        streams().map(|stream| stream.deletes).sum::<u64>().into(),
    );
    line.insert("continue".into(), report.go_on.into());
    line.insert(
        "retry_after_seconds".into(),
        report.retry_after_seconds.into(),
    );
    line.insert("requests".into(), used.requests.into());
    line.insert("throttled_ms".into(), used.throttled_ms.into());
    line.insert("unavailable".into(), ended_as(Outcome::Unavailable).into());
    line.insert("held".into(), ended_as(Outcome::Held).into());
    line.insert("failed".into(), ended_as(Outcome::Failed).into());
    line.insert("except".into(), (*excepted).into());
    line.insert(
        "activity_lag_seconds".into(),
        report.activity_lag_seconds.max(0).into(),
    );
    if let Some(oldest) = oldest_state_at {
        line.insert(
            "state_age_seconds".into(),
            seconds(now.duration_since(*oldest)).into(),
        );
    }
    line.insert("streams".into(), by_stream(report));
    line.insert("classes".into(), by_class(used));
}

fn by_stream(report: &Report) -> Value {
    let stream = |(name, told): (&String, &crate::invocation::StreamReport)| {
        let told =
            json!({"outcome": told.outcome, "records": told.upserts, "deletes": told.deletes});
        (name.clone(), told)
    };
    let streams = report.streams.iter().map(stream);
    streams.collect::<Map<_, _>>().into()
}

fn by_class(used: &Use) -> Value {
    let class = |(name, used): (&&'static str, &crate::okta::ClassUse)| {
        (
            (*name).to_owned(),
            json!({"requests": used.requests, "throttled_ms": used.throttled_ms}),
        )
    };
    let classes = used.by_class.iter().map(class);
    classes.collect::<Map<_, _>>().into()
}

/// Names the members that are metrics, and their dimensions, for CloudWatch.
fn directive(dimensions: &Dimensions, line: &Map<String, Value>, now: Timestamp) -> Value {
    let known = METRICS.iter().filter(|(name, _)| line.contains_key(*name));
    let metrics: Vec<Value> = known
        .map(|(name, unit)| json!({"Name": name, "Unit": unit}))
        .collect();
    let mut sets = vec![json!(["stack"])];
    // A secret that cannot be read names no integration, and a dimension has to have a value.
    if dimensions.per_integration && line["integration"] != "" {
        sets.push(json!(["stack", "integration"]));
    }
    json!({
        "Timestamp": now.as_millisecond(),
        "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": sets, "Metrics": metrics}],
    })
}

fn seconds(age: SignedDuration) -> u64 {
    age.as_secs().try_into().unwrap_or(0)
}

fn whole(ms: i128) -> u64 {
    ms.try_into().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{Loads, Trouble};

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn made(status: &Status, per_integration: bool) -> Value {
        let dimensions = Dimensions {
            stack: "acme".into(),
            per_integration,
        };
        let ended = Ended {
            status,
            secret_id: "okta/acme",
            figures: None,
            waits_since: Some(at("2026-11-23T17:50:02Z")),
            began_at: at("2026-11-23T18:00:00Z"),
        };
        line(&dimensions, &ended, at("2026-11-23T18:00:02Z"))
    }

    #[test]
    fn a_run_that_could_not_go_on_tells_how_old_the_last_good_one_is_and_nothing_that_it_does_not_know()
     {
        let status = Status {
            integration: "okta".into(),
            outcome: "error".into(),
            error: Some(Trouble {
                kind: "CredentialsRejected".into(),
                message: "…".into(),
            }),
            last_success_at: Some("2026-11-23T12:00:02Z".into()),
            ..Status::default()
        };
        let line = made(&status, true);
        assert_eq!(
            (
                &line["freshness_seconds"],
                &line["errors"],
                &line["duration_ms"]
            ),
            (&json!(21_600), &json!(1), &json!(2_000))
        );
        assert_eq!(line["errorType"], "CredentialsRejected");
        let told = line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
            .as_array()
            .unwrap();
        assert!(
            told.iter()
                .all(|metric| line[metric["Name"].as_str().unwrap()].is_u64()),
            "{line:#}"
        );
        assert!(
            line.get("records").is_none() && !told.iter().any(|metric| metric["Name"] == "records")
        );
    }

    #[test]
    fn a_stack_may_have_one_set_of_metrics_for_all_its_integrations() {
        let sets = |per_integration| {
            let status = Status {
                integration: "okta".into(),
                ..Status::default()
            };
            made(&status, per_integration)["_aws"]["CloudWatchMetrics"][0]["Dimensions"].clone()
        };
        let unnamed = made(&Status::default(), true);
        assert_eq!(
            unnamed["_aws"]["CloudWatchMetrics"][0]["Dimensions"],
            json!([["stack"]])
        );
        assert_eq!(unnamed["secret"], "okta/acme");
        assert_eq!(sets(false), json!([["stack"]]));
        assert_eq!(sets(true), json!([["stack"], ["stack", "integration"]]));
    }

    #[test]
    fn a_loader_that_has_loaded_everything_does_not_lag_however_long_ago_it_was() {
        let loads = Loads {
            sequence: 7,
            loaded_at: Some("2026-11-20T18:00:02Z".into()),
            ..Loads::default()
        };
        let status = |sequence| Status {
            sequence,
            loads: Some(loads.clone()),
            ..Status::default()
        };
        assert_eq!(made(&status(7), false)["load_lag_seconds"], 0);
        // The oldest commit that waits is ten minutes old, the last load three days.
        assert_eq!(made(&status(8), false)["load_lag_seconds"], 600);
        assert!(
            made(&Status::default(), false)
                .get("load_lag_seconds")
                .is_none()
        );
    }
}
