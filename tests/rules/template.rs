//! The template's parts about single streams are generated from their table.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use okta_authomize::head::grows;
use okta_authomize::streams::change::{ENDS, is_read};
use okta_authomize::streams::{STREAMS, names};
use serde_json::{Value, json};

use crate::support::template::{of_type, template};

/// A pattern of EventBridge has at most so many characters.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html>
const LONGEST_PATTERN: usize = 2_048;

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("template.yaml")
}

/// A rule of the bucket's lifecycle for each stream.
fn retention() -> String {
    let mut text = String::new();
    for name in names() {
        let (condition, days) = if grows(name) {
            ("EventsExpire", "EventExpirationDays")
        } else {
            ("DataExpires", "DataExpirationDays")
        };
        let _ = writeln!(text, "          - Id: expire-{name}");
        let _ = writeln!(
            text,
            "            Status: !If [{condition}, Enabled, Disabled]"
        );
        let _ = writeln!(
            text,
            "            Prefix: !Sub \"${{Prefix}}/data/{name}/\""
        );
        let _ = writeln!(
            text,
            "            ExpirationInDays: !If [{condition}, !Ref {days}, 9999]"
        );
    }
    text
}

/// The values that a rule of EventBridge compares an event's type with: a text, or the beginning of one.
fn event_types() -> Vec<Value> {
    let triggers = STREAMS
        .iter()
        .flat_map(|stream| stream.changed_by)
        .chain(ENDS);
    let types: BTreeSet<&str> = triggers
        .flat_map(|trigger| trigger.events.iter().copied())
        .collect();
    let is_covered = |name: &str| {
        types
            .iter()
            .any(|other| *other != name && other.ends_with('.') && name.starts_with(*other))
    };
    let types = types
        .iter()
        .filter(|name| !is_read(name) && !is_covered(name));
    types
        .map(|name| {
            if name.ends_with('.') {
                json!({"prefix": name})
            } else {
                json!(name)
            }
        })
        .collect()
}

fn pattern(types: &[Value]) -> String {
    json!({"source": [{"prefix": "aws.partner/okta.com"}], "detail": {"eventType": types}})
        .to_string()
}

/// As few rules as hold all event types.
fn wake_rules() -> String {
    let mut rules: Vec<Vec<Value>> = vec![Vec::new()];
    for kind in event_types() {
        let last = rules.last_mut().unwrap();
        last.push(kind.clone());
        if pattern(last).len() > LONGEST_PATTERN {
            last.pop();
            rules.push(vec![kind]);
        }
    }
    let mut text = String::new();
    for (n, types) in rules.iter().enumerate() {
        let _ = writeln!(text, "  WakeRule{}:", n + 1);
        text.push_str("    Type: AWS::Events::Rule\n    Condition: HasEventBus\n    Properties:\n");
        text.push_str("      Description: Wakes the collector when Okta tells of what may have changed a record\n");
        text.push_str("      EventBusName: !Ref OktaEventBusName\n");
        text.push_str("      EventPattern:\n        source: [{prefix: aws.partner/okta.com}]\n");
        text.push_str("        detail:\n          eventType:\n");
        for kind in types {
            let shown = kind.as_str().map_or_else(
                || format!("{{prefix: {}}}", kind["prefix"].as_str().unwrap()),
                str::to_owned,
            );
            let _ = writeln!(text, "            - {shown}");
        }
        text.push_str(
            "      Targets:\n        - Id: queue\n          Arn: !GetAtt WakeQueue.Arn\n",
        );
        text.push_str("          Input: '{\"detail-type\": \"Okta\"}'\n\n");
    }
    text
}

/// The template with `text` in the generated place of this name.
fn with(template: &str, name: &str, text: &str) -> String {
    let begin = format!(
        "# Generated from the table of streams ({name}): UPDATE_TEMPLATE=1 cargo test --test rules template\n"
    );
    let end = format!("# End of what is generated ({name}).");
    let from = template
        .find(&begin)
        .unwrap_or_else(|| panic!("there is no place for {name}"))
        + begin.len();
    let until = template
        .find(&end)
        .unwrap_or_else(|| panic!("the place for {name} does not end"));
    let until = template[..until].rfind('\n').unwrap() + 1;
    format!("{}{text}{}", &template[..from], &template[until..])
}

#[test]
fn the_templates_streams_are_generated_from_their_table() {
    let there = fs::read_to_string(file()).unwrap();
    let generated = with(
        &with(&there, "retention", &retention()),
        "events",
        &wake_rules(),
    );
    if std::env::var_os("UPDATE_TEMPLATE").is_some_and(|wanted| wanted == "1") {
        fs::write(file(), &generated).unwrap();
        return;
    }
    assert!(
        there == generated,
        "template.yaml is not what the streams generate; UPDATE_TEMPLATE=1 cargo test --test rules template rewrites it"
    );
}

/// Whether one of the template's rules takes events of this type.
fn wakes(rules: &[(&str, &Value)], kind: &str) -> bool {
    let types = rules.iter().flat_map(|(_, rule)| {
        rule["EventPattern"]["detail"]["eventType"]
            .as_array()
            .unwrap()
    });
    let mut types = types.filter(|one| match one.as_str() {
        Some(exact) => exact == kind,
        None => kind.starts_with(one["prefix"].as_str().unwrap()),
    });
    types.next().is_some()
}

#[test]
fn whatever_may_change_a_record_wakes_the_collector_and_a_sign_in_does_not() {
    let template = template("template.yaml");
    let rules: Vec<_> = of_type(&template, "AWS::Events::Rule")
        .into_iter()
        .filter(|(name, _)| name.starts_with("WakeRule"))
        .collect();
    for stream in STREAMS {
        for kind in stream
            .changed_by
            .iter()
            .chain(ENDS)
            .flat_map(|trigger| trigger.events)
        {
            let kind = if kind.ends_with('.') {
                format!("{kind}anything")
            } else {
                (*kind).to_owned()
            };
            assert!(
                wakes(&rules, &kind) || is_read(&kind),
                "{}: {kind}",
                stream.name
            );
        }
    }
    for kind in [
        "user.session.start",
        "user.authentication.sso",
        "app.oauth2.token.grant.access_token",
        "policy.evaluate_sign_on",
    ] {
        assert!(!wakes(&rules, kind), "{kind}");
    }
    for (name, rule) in rules {
        assert!(
            rule["EventPattern"].to_string().len() <= LONGEST_PATTERN,
            "{name}"
        );
        // Nothing of the event is passed on.
        assert_eq!(
            rule["Targets"][0]["Input"], "{\"detail-type\": \"Okta\"}",
            "{name}"
        );
    }
}
