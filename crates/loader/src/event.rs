//! Events → loads.
//!
//! An S3 event is a wake-up: of it only the integration's name is believed.

use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::purge::Wishes;

/// The load that an event asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Changes since the last load, and a full load where one is due.
    #[default]
    Incremental,
    /// Everything, now.
    Full,
    /// Nothing is sent; the report counts the items.
    Plan,
}

/// One integration to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The integration's slug.
    pub integration: String,
    /// How.
    pub mode: Mode,
    /// Items that a full load may purge nevertheless.
    pub wishes: Wishes,
}

impl Request {
    /// An incremental load, as a wake-up asks for it.
    #[must_use]
    pub fn wake(integration: String) -> Self {
        Self {
            integration,
            mode: Mode::Incremental,
            wishes: Wishes::default(),
        }
    }
}

/// An event, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// One load; its report is the answer.
    One(Request),
    /// Every integration that has a status: the schedule's event.
    Every,
    /// Messages of a queue: each one's id, and the integration that it names. `Err` has the reason for none.
    Queue(Vec<(String, Result<String, String>)>),
}

/// Understands an event.
///
/// # Errors
/// `EventInvalid`, with every problem.
pub fn parse(event: &Value, prefix: &str) -> Result<Event, Failure> {
    let invalid = |problem: String| {
        Failure::new(
            "EventInvalid",
            format!("the event is not usable: {problem}"),
        )
    };
    let Some(object) = event.as_object() else {
        return Err(invalid("it must be a JSON object".to_owned()));
    };
    if let Some(records) = object.get("Records").and_then(Value::as_array) {
        return Ok(Event::Queue(
            records
                .iter()
                .map(|record| message(record, prefix))
                .collect(),
        ));
    }
    if object.contains_key("detail-type") {
        return match object["detail-type"] == "Object Created" {
            true => integration_of(event, prefix)
                .map(|name| Event::One(Request::wake(name)))
                .map_err(invalid),
            false => Ok(Event::Every),
        };
    }
    manual(object)
        .map(Event::One)
        .map_err(|problems| invalid(problems.join("; ")))
}

fn message(record: &Value, prefix: &str) -> (String, Result<String, String>) {
    let id = record["messageId"].as_str().unwrap_or_default().to_owned();
    let body = record["body"].as_str().unwrap_or_default();
    let event: Result<Value, _> = serde_json::from_str(body);
    let name = event.map_err(|error| format!("its body is no JSON: {error}"));
    (id, name.and_then(|event| integration_of(&event, prefix)))
}

/// The integration whose manifest an `Object Created` event is about.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>
fn integration_of(event: &Value, prefix: &str) -> Result<String, String> {
    let key = event["detail"]["object"]["key"]
        .as_str()
        .ok_or("it names no object (detail.object.key)")?;
    let below = key
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix("/manifests/"));
    let name = below
        .and_then(|below| below.split_once('/'))
        .map(|(name, _)| name);
    let name = name.ok_or_else(|| format!("{key:?} is no manifest's key below {prefix:?}"))?;
    slug(name).ok_or_else(|| format!("{name:?} is no integration's name"))
}

/// Names are parts of keys: nothing but the characters of a slug.
fn slug(name: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (!name.is_empty() && name.len() <= 200 && name.chars().all(fits)).then(|| name.to_owned())
}

fn manual(object: &Map<String, Value>) -> Result<Request, Vec<String>> {
    const KEYS: [&str; 4] = ["integration", "mode", "accept_shrink", "adopt"];
    let mut problems = Vec::new();
    for key in object.keys().filter(|key| !KEYS.contains(&key.as_str())) {
        problems.push(format!(
            "unknown key {key:?}; the keys are {}",
            KEYS.join(", ")
        ));
    }
    let integration = object
        .get("integration")
        .and_then(Value::as_str)
        .and_then(slug)
        .unwrap_or_else(|| {
            problems.push(
                "integration must be an integration's name as it stands in object keys".to_owned(),
            );
            String::new()
        });
    let mode = match object.get("mode").map(Value::as_str) {
        None | Some(Some("incremental")) => Mode::Incremental,
        Some(Some("full")) => Mode::Full,
        Some(Some("plan")) => Mode::Plan,
        Some(_) => {
            problems.push("mode must be incremental, full or plan".to_owned());
            Mode::Plan
        }
    };
    let mut flag = |key: &str| match object.get(key) {
        None => false,
        Some(Value::Bool(set)) => *set,
        Some(_) => {
            problems.push(format!("{key} must be true or false"));
            false
        }
    };
    let wishes = Wishes {
        accept_shrink: flag("accept_shrink"),
        adopt: flag("adopt"),
    };
    if problems.is_empty() {
        Ok(Request {
            integration,
            mode,
            wishes,
        })
    } else {
        Err(problems)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn created(key: &str) -> Value {
        json!({"source": "aws.s3", "detail-type": "Object Created", "detail": {"bucket": {"name": "b"}, "object": {"key": key}}})
    }

    #[test]
    fn a_wake_up_names_an_integration_directly_or_through_a_queue() {
        let event = created("okta/manifests/acme-eu/000000000001.json");
        assert_eq!(
            parse(&event, "okta").unwrap(),
            Event::One(Request::wake("acme-eu".into()))
        );
        let queued = json!({"Records": [
            {"messageId": "1", "body": event.to_string()}, {"messageId": "2", "body": "{"},
            {"messageId": "3", "body": created("other/manifests/acme/1.json").to_string()}]});
        let Event::Queue(messages) = parse(&queued, "okta").unwrap() else {
            panic!()
        };
        assert_eq!(messages[0], ("1".into(), Ok("acme-eu".into())));
        assert!(messages[1].1.is_err() && messages[2].1.is_err());
    }

    #[test]
    fn a_manual_event_is_read_strictly() {
        let request = Request {
            integration: "okta".into(),
            mode: Mode::Full,
            wishes: Wishes {
                accept_shrink: true,
                adopt: true,
            },
        };
        let event =
            json!({"integration": "okta", "mode": "full", "accept_shrink": true, "adopt": true});
        assert_eq!(parse(&event, "okta").unwrap(), Event::One(request));
        for bad in [
            json!({"integration": "../x"}),
            json!({"mode": "full"}),
            json!({"integration": "okta", "mode": "all"}),
            json!({"integration": "okta", "accept_shrink": "yes"}),
            json!({"integration": "okta", "adopt": 1}),
            json!({"integration": "okta", "modes": "full"}),
            json!([]),
            created("okta/data/x"),
            created("okta/manifests/A B/1.json"),
        ] {
            assert_eq!(
                parse(&bad, "okta").unwrap_err().kind,
                "EventInvalid",
                "{bad}"
            );
        }
        assert_eq!(
            parse(&json!({"detail-type": "Scheduled Event"}), "okta").unwrap(),
            Event::Every
        );
    }
}
