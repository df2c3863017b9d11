//! How an event ended and how grave it is.

use crate::json::Json;
use serde::Serialize;
use serde_with::skip_serializing_none;

use super::class::Class;
use super::read::{at, text};
use super::shape::{Choice, UNKNOWN};
use super::table::EventKind;

/// Okta's severity, and the schema's.
static SEVERITIES: [(&str, Choice<'static>); 4] = [
    ("DEBUG", (1, "Informational")),
    ("INFO", (1, "Informational")),
    ("WARN", (3, "Medium")),
    ("ERROR", (4, "High")),
];

/// Okta's `outcome.result`, and the schema's status. Any other result is its own status, 99.
static STATUSES: [(&str, Choice<'static>); 6] = [
    ("SUCCESS", SUCCESS),
    ("ALLOW", SUCCESS),
    ("FAILURE", FAILURE),
    ("DENY", FAILURE),
    ("RATE_LIMIT", FAILURE),
    ("UNANSWERED", FAILURE),
];
const SUCCESS: Choice<'static> = (1, "Success");
const FAILURE: Choice<'static> = (2, "Failure");

/// Status of a finding, which is that of the work on it, by activity. Of an update Okta does not say it.
static FINDING_STATUSES: [(&str, Choice<'static>); 3] = [
    ("Create", (1, "New")),
    ("Update", (0, UNKNOWN)),
    ("Close", (4, "Resolved")),
];

/// Okta's `outcome.result` where a control decided, and the schema's action and disposition.
static DECISIONS: [(&str, Choice<'static>, Choice<'static>); 4] = [
    ("ALLOW", (1, "Allowed"), (1, "Allowed")),
    ("DENY", (2, "Denied"), (2, "Blocked")),
    ("RATE_LIMIT", (2, "Denied"), (2, "Blocked")),
    ("CHALLENGE", (99, "CHALLENGE"), (23, "Challenge")),
];

/// Okta's risk level, and the schema's.
static RISK_LEVELS: [(&str, Choice<'static>); 3] = [
    ("LOW", (1, "Low")),
    ("MEDIUM", (2, "Medium")),
    ("HIGH", (3, "High")),
];

/// A control's decision, and the risk that led to it: attributes of the `security_control` profile, but
/// that a finding has a risk of its own.
#[skip_serializing_none]
#[derive(Debug, Default, Serialize)]
pub(super) struct Control {
    action_id: Option<u32>,
    action: Option<&'static str>,
    disposition_id: Option<u32>,
    disposition: Option<&'static str>,
    risk_level_id: Option<u32>,
    risk_level: Option<&'static str>,
}

impl Control {
    pub(super) fn needs_profile(&self, is_finding: bool) -> bool {
        self.action_id.is_some() || self.risk_level_id.is_some() && !is_finding
    }
}

pub(super) fn control(event: &Json<'_>) -> Control {
    let decision =
        result(event).and_then(|result| DECISIONS.iter().find(|(name, ..)| *name == result));
    let risk = risk(event);
    Control {
        action_id: decision.map(|(_, action, _)| action.0),
        action: decision.map(|(_, action, _)| action.1),
        disposition_id: decision.map(|(.., disposition)| disposition.0),
        disposition: decision.map(|(.., disposition)| disposition.1),
        risk_level_id: risk.map(|(id, _)| id),
        risk_level: risk.map(|(_, caption)| caption),
    }
}

pub(super) fn severity<'a>(event: &'a Json<'a>) -> Choice<'a> {
    choose(&SEVERITIES, text(event, &["severity"]))
}

pub(super) fn status<'a>(event: &'a Json<'a>, kind: &EventKind) -> Choice<'a> {
    match kind.class {
        Class::Finding => choose(&FINDING_STATUSES, Some(kind.activity)),
        _ => choose(&STATUSES, result(event)),
    }
}

/// How it ended, in Okta's word.
pub(super) fn result<'a>(event: &'a Json<'a>) -> Option<&'a str> {
    text(event, &["outcome", "result"])
}

/// Why it ended so, in Okta's words.
pub(super) fn reason<'a>(event: &'a Json<'a>) -> Option<&'a str> {
    text(event, &["outcome", "reason"])
}

/// The risk that Okta computed: `risk` of the debug data, which is `{level=HIGH, reasons=…}`, or else that of
/// `logOnlySecurityData`, which is JSON in a text: `{"risk":{"level":"HIGH",…},…}`.
/// <https://help.okta.com/en-us/content/topics/security/security_risk_scoring.htm>
fn risk(event: &Json<'_>) -> Option<Choice<'static>> {
    let data = at(event, &["debugContext", "debugData"])?;
    let own = data.get("risk").and_then(level_of);
    own.or_else(|| {
        let told = data.get("logOnlySecurityData")?;
        match told.as_str() {
            Some(text) => Json::parse(text).ok()?.get("risk").and_then(level_of),
            None => told.get("risk").and_then(level_of),
        }
    })
}

/// The level that a risk names: as a word, in Okta's brackets, in JSON, or in JSON in a text.
fn level_of(risk: &Json<'_>) -> Option<Choice<'static>> {
    let Some(text) = risk.as_str() else {
        return risk.get("level").and_then(level_of);
    };
    let level = text
        .split_once("level=")
        .map_or(text, |(_, rest)| rest)
        .trim_start();
    let starts = |name: &str| {
        level
            .get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    let named = RISK_LEVELS
        .iter()
        .find(|(name, _)| starts(name))
        .map(|(_, choice)| *choice);
    let in_json = || {
        Json::parse(text)
            .ok()
            .filter(Json::is_object)?
            .get("level")
            .and_then(level_of)
    };
    named.or_else(|| text.trim_start().starts_with('{').then(in_json).flatten())
}

fn choose<'a>(table: &[(&str, Choice<'static>)], word: Option<&'a str>) -> Choice<'a> {
    let Some(word) = word else {
        return (0, UNKNOWN);
    };
    table
        .iter()
        .find(|(name, _)| *name == word)
        .map_or((99, word), |(_, choice)| *choice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn level(data: &Value) -> Option<u32> {
        risk(&Json::from(&json!({"debugContext": {"debugData": data}}))).map(|(id, _)| id)
    }

    #[test]
    fn the_risk_is_read_wherever_okta_puts_it() {
        for (data, expected) in [
            (
                json!({"risk": "{level=HIGH, reasons=Anomalous Location}"}),
                Some(3),
            ),
            (json!({"risk": "{reasons=x, level=MEDIUM}"}), Some(2)),
            (json!({"risk": "LOW"}), Some(1)),
            (json!({"risk": {"level": "HIGH"}}), Some(3)),
            (json!({"risk": r#"{"level": "high"}"#}), Some(3)),
            (
                json!({"logOnlySecurityData": r#"{"risk":{"level":"HIGH"},"behaviors":{}}"#}),
                Some(3),
            ),
            (
                json!({"logOnlySecurityData": r#"{"behaviors":{},"risk":{"reasons":"x","level":"MEDIUM"}}"#}),
                Some(2),
            ),
            (
                json!({"logOnlySecurityData": {"risk": {"level": "LOW"}}}),
                Some(1),
            ),
            (
                json!({"risk": "{}", "logOnlySecurityData": r#"{"risk":{"level":"LOW"}}"#}),
                Some(1),
            ),
            (
                json!({"risk": "{level=LOW}", "logOnlySecurityData": r#"{"risk":{"level":"HIGH"}}"#}),
                Some(1),
            ),
        ] {
            assert_eq!(level(&data), expected, "{data}");
        }
    }

    #[test]
    fn a_risk_that_cannot_be_read_is_none() {
        for data in [
            json!({}),
            json!({"risk": null}),
            json!({"risk": []}),
            json!({"logOnlySecurityData": "{\"risk\":{\"level\":"}),
            json!({"logOnlySecurityData": r#"{"risk":"NONE"}"#}),
            json!({"logOnlySecurityData": "[[[["}),
            json!({"risk": "{level="}),
        ] {
            assert_eq!(level(&data), None, "{data}");
        }
    }
}
