//! The function's two ends: an event → [`Request`], a run → [`Report`].

use std::collections::BTreeMap;

#[cfg(feature = "schemas")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An event's wishes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// How to collect.
    pub mode: Mode,
    /// Secret to use instead of the setting's.
    pub secret_id: Option<String>,
    /// Secret that a message of a fleet's queue names. It counts where the settings name none.
    pub message_secret_id: Option<String>,
    /// Streams that a snapshot or check is narrowed to; `None` is all.
    pub streams: Option<Vec<String>>,
    /// Streams whose held snapshot may complete though it shrank.
    pub accept_shrink: Vec<String>,
}

/// How a run collects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// New activity, the objects that it names, and each snapshot that is due or unfinished.
    #[default]
    Incremental,
    /// A snapshot of the named streams is due now.
    Full,
    /// Token, scopes and one request per stream; nothing is collected.
    Check,
}

impl Mode {
    /// The word of events, manifests and reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Incremental => "incremental",
            Self::Full => "full",
            Self::Check => "check",
        }
    }
}

impl Request {
    /// Reads an event: an EventBridge one (told by its `detail-type`) and a queue's messages (told by `Records`) ask for
    /// an incremental run, whatever they hold; a manual one says what it wants. Of a message that comes alone the secret of
    /// a fleet's org is read beside. `streams` are the names an event may hold.
    /// <https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html>
    /// <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>
    ///
    /// # Errors
    /// One sentence per problem: unknown keys, wrong types, unknown modes and streams.
    pub fn parse(event: &Value, streams: &[&str]) -> Result<Self, Vec<String>> {
        let Value::Object(fields) = event else {
            return match event {
                Value::Null => Ok(Self::default()),
                _ => Err(vec![
                    r#"the event must be a JSON object, such as {"mode": "incremental"}"#
                        .to_owned(),
                ]),
            };
        };
        if fields.contains_key("detail-type") || fields.contains_key("Records") {
            return Ok(Self {
                message_secret_id: fields.get("Records").and_then(secret_of_message),
                ..Self::default()
            });
        }
        let mut request = Self::default();
        let mut problems = Vec::new();
        for (key, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            let taken = match key.as_str() {
                "mode" => parse_mode(value).map(|mode| request.mode = mode),
                "secret_id" => parse_text(value).map(|id| request.secret_id = Some(id)),
                "streams" => {
                    parse_streams(value, streams).map(|names| request.streams = Some(names))
                }
                "accept_shrink" => {
                    parse_streams(value, streams).map(|names| request.accept_shrink = names)
                }
                _ => Err(
                    "is unknown; the keys are mode, secret_id, streams, accept_shrink".to_owned(),
                ),
            };
            if let Err(problem) = taken {
                problems.push(format!("{key} {problem}"));
            }
        }
        if problems.is_empty() {
            Ok(request)
        } else {
            Err(problems)
        }
    }

    /// Whether the event's `streams` take this stream in.
    #[must_use]
    pub fn names(&self, stream: &str) -> bool {
        self.streams
            .as_ref()
            .is_none_or(|names| names.iter().any(|name| name == stream))
    }
}

/// The secret that a message names. Of several messages none is believed: each would be another org's run.
fn secret_of_message(records: &Value) -> Option<String> {
    let [record] = records.as_array()?.as_slice() else {
        return None;
    };
    let body: Value = serde_json::from_str(record.get("body")?.as_str()?).ok()?;
    parse_text(body.get("secret_id")?).ok()
}

/// A value that an event holds instead, cut to the length of a sentence.
fn shown(value: &Value) -> String {
    const LONGEST: usize = 200;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

fn parse_mode(value: &Value) -> Result<Mode, String> {
    match value.as_str() {
        Some("incremental") => Ok(Mode::Incremental),
        Some("full") => Ok(Mode::Full),
        Some("check") => Ok(Mode::Check),
        _ => Err(format!(
            "must be \"incremental\", \"full\" or \"check\", not {}",
            shown(value)
        )),
    }
}

fn parse_text(value: &Value) -> Result<String, String> {
    let text = value
        .as_str()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    text.map(str::to_owned)
        .ok_or_else(|| format!("must be a non-empty string, not {}", shown(value)))
}

fn parse_streams(value: &Value, known: &[&str]) -> Result<Vec<String>, String> {
    let rule = || {
        format!(
            "must be a list of stream names, not {}; the streams are {}",
            shown(value),
            known.join(", ")
        )
    };
    let items = value
        .as_array()
        .filter(|items| !items.is_empty())
        .ok_or_else(rule)?;
    let name = |item: &Value| {
        item.as_str()
            .filter(|name| known.contains(name))
            .map(str::to_owned)
    };
    items
        .iter()
        .map(|item| name(item).ok_or_else(rule))
        .collect()
}

/// How a run, or one stream of it, ended; ordered from best to worst.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything that was to be had was collected.
    #[default]
    Succeeded,
    /// The org does not have the feature; harms nothing.
    NotApplicable,
    /// Stopped before the deadline, or waits for a limit.
    Partial,
    /// A shrunken snapshot waits for `accept_shrink` or a better answer.
    Held,
    /// A scope or an admin role is missing.
    Unavailable,
    /// Okta's answers could not be had or understood.
    Failed,
    /// The run as a whole: some streams are held, unavailable or failed.
    Degraded,
    /// Another run committed first.
    Superseded,
}

/// The function's answer.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
pub struct Report {
    /// The integration's slug.
    pub integration: String,
    /// Id of this run.
    pub run: String,
    /// Name and version of the function, such as `okta-authomize/0.1.0`.
    #[cfg_attr(feature = "schemas", schemars(length(min = 1)))]
    pub collector: &'static str,
    /// The worst of the streams' outcomes.
    #[cfg_attr(feature = "schemas", schemars(extend("enum" = ["succeeded", "partial", "degraded", "superseded"])))]
    pub outcome: Outcome,
    /// Another run now would get further.
    #[serde(rename = "continue")]
    pub go_on: bool,
    /// Newest manifest that this run knows of; 0 before the first.
    pub sequence: u64,
    /// Streams by name.
    pub streams: BTreeMap<String, StreamReport>,
    /// Seconds until another run gets further, where a limit says so.
    #[cfg_attr(feature = "schemas", schemars(range(min = 0)))]
    pub retry_after_seconds: Option<i64>,
    /// Age of the newest System Log event that is committed where more is known to come, else 0.
    #[cfg_attr(feature = "schemas", schemars(range(min = 0)))]
    pub activity_lag_seconds: i64,
    /// Changes that no answer has borne out for a day since their event, let go in this run.
    #[serde(skip_serializing_if = "is_zero")]
    pub contradicted: u64,
    /// The requests that the run cost the org.
    pub okta: OktaUse,
    /// Wall time of the run.
    #[cfg_attr(feature = "schemas", schemars(range(min = 0)))]
    pub duration_ms: i64,
    /// The credential's own power; in the report of a check, if that can be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power: Option<Power>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The power of a thief of the collector's credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
pub struct Power {
    /// Admin roles of the app, or of the API token's owner: types, of custom roles labels.
    pub roles: Vec<String>,
    /// Whether they show the client secrets of other apps.
    pub reads_client_secrets: bool,
    /// The way to super admin that was found, in words; null where none was.
    pub super_admin_by: Option<String>,
    /// The records that a thief could read, and the narrower way.
    #[cfg_attr(feature = "schemas", schemars(length(min = 1)))]
    pub advice: String,
}

/// One stream's part of a report; counts are of the run's commits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
pub struct StreamReport {
    /// How it went.
    #[cfg_attr(feature = "schemas", schemars(extend("enum" = ["succeeded", "not_applicable", "partial", "held", "unavailable", "failed"])))]
    pub outcome: Outcome,
    /// Lines with `op: upsert`.
    pub upserts: u64,
    /// Lines with `op: delete`.
    pub deletes: u64,
    /// Objects in the bucket.
    pub batches: u64,
    /// The problem and its remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schemas", schemars(length(min = 1)))]
    pub error: Option<String>,
}

/// Requests sent to the org.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
pub struct OktaUse {
    /// All requests, token requests and repeats included.
    pub requests: u64,
    /// Time spent waiting for rate limits.
    pub throttled_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const STREAMS: [&str; 2] = ["users", "groups"];

    #[test]
    fn an_eventbridge_event_asks_for_an_incremental_run() {
        let event = json!({"version": "0", "detail-type": "Anything", "source": "aws.scheduler", "detail": {"mode": "full"}});
        assert_eq!(
            Request::parse(&event, &STREAMS).unwrap(),
            Request::default()
        );
        assert_eq!(
            Request::parse(&json!({}), &STREAMS).unwrap(),
            Request::default()
        );
    }

    #[test]
    fn a_message_asks_for_an_incremental_run_and_names_at_most_the_org() {
        let parse = |records: Value| Request::parse(&json!({ "Records": records }), &STREAMS);
        let message = json!({"messageId": "m-1", "body": "{\"mode\": \"full\", \"secret_id\": \"okta/acme\", \"streams\": [\"users\"]}"});
        let named = Request {
            message_secret_id: Some("okta/acme".into()),
            ..Request::default()
        };
        assert_eq!(parse(json!([message])).unwrap(), named);
        for nobody in [
            json!([message, message]),
            json!([]),
            json!({}),
            json!(["okta/acme"]),
            json!([{"body": "{\"detail-type\": \"Okta\"}"}]),
            json!([{"body": "{\"secret_id\": 7}"}]),
            json!([{"body": "{"}, {"body": null}]),
        ] {
            assert_eq!(
                parse(nobody.clone()).unwrap(),
                Request::default(),
                "{nobody}"
            );
        }
    }

    #[test]
    fn a_manual_event_says_what_it_wants() {
        let event = json!({"mode": "full", "secret_id": "okta/acme", "streams": ["users"], "accept_shrink": ["groups"]});
        let request = Request::parse(&event, &STREAMS).unwrap();
        assert_eq!(request.mode, Mode::Full);
        assert_eq!(request.secret_id.as_deref(), Some("okta/acme"));
        assert!(request.names("users") && !request.names("groups"));
        assert_eq!(request.accept_shrink, ["groups"]);
    }

    #[test]
    fn every_problem_of_a_manual_event_is_told_at_once() {
        let event = json!({"mode": "all", "secret_id": "", "streams": ["user"], "accept_shrink": [], "stream": "users"});
        let problems = Request::parse(&event, &STREAMS).unwrap_err();
        assert_eq!(problems.len(), 5, "{problems:?}");
        for key in [
            "mode ",
            "secret_id ",
            "streams ",
            "accept_shrink ",
            "stream ",
        ] {
            assert!(
                problems.iter().any(|problem| problem.starts_with(key)),
                "{key}"
            );
        }
        assert!(Request::parse(&json!([]), &STREAMS).is_err());
    }
}
