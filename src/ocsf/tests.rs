//! Rules of the whole event.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{VERSION, event};

/// Event types, and the class, activity and name that each has on purpose. The first are those that
/// mark a change of what the collector reads.
const EVENT_TYPES: &str = include_str!("../../conformance/ocsf_event_types.tsv");
/// Events of every class and of odd shapes.
const EVENTS: &str = include_str!("../../conformance/ocsf_events.jsonl");

fn made(source: &Value) -> Value {
    serde_json::to_value(event(&crate::json::Json::from(source))).unwrap()
}

fn sample(event_type: &str) -> Value {
    let events = EVENTS
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    events
        .into_iter()
        .find(|event| event["eventType"] == event_type)
        .unwrap()
}

#[test]
fn an_event_type_has_the_class_that_the_list_says() {
    for line in EVENT_TYPES.lines() {
        let [event_type, type_uid, type_name] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let made = made(&json!({"eventType": event_type}));
        assert_eq!(
            (
                made["type_uid"].to_string().as_str(),
                made["type_name"].as_str()
            ),
            (type_uid, Some(type_name)),
            "{line}"
        );
    }
}

/// Attributes that the schema requires of every class, and of each.
fn required(class_uid: u64) -> &'static [&'static str] {
    match class_uid {
        2004 => &["finding_info"],
        3001 => &["user"],
        3002 => &["user", "service"],
        3004 => &["entity"],
        3005 => &["user", "privileges"],
        3006 => &["group"],
        6003 => &["actor", "api", "src_endpoint"],
        _ => &[],
    }
}

fn assert_complete(source: &Value) {
    let made = made(source);
    let uid = |key: &str| {
        made[key]
            .as_u64()
            .unwrap_or_else(|| panic!("{key} of {made}"))
    };
    assert_eq!(uid("type_uid"), uid("class_uid") * 100 + uid("activity_id"));
    assert_eq!(uid("category_uid"), uid("class_uid") / 1000);
    assert!(
        made["time"].is_i64() && made["severity_id"].is_u64() && made["status_id"].is_u64(),
        "{made}"
    );
    assert_eq!(
        (
            &made["metadata"]["version"],
            &made["metadata"]["product"]["name"]
        ),
        (&json!(VERSION), &json!("Okta"))
    );
    for key in required(uid("class_uid")) {
        assert!(made.get(key).is_some(), "{key} of {made}");
    }
    assert_no_blank(&made, source);
}

/// Absent is left out: no null, no empty text, no object without a member.
fn assert_no_blank(value: &Value, source: &Value) {
    match value {
        Value::Null => panic!("null of {source}"),
        Value::String(text) => assert!(!text.is_empty(), "empty text of {source}"),
        Value::Array(items) => {
            assert!(!items.is_empty(), "empty list of {source}");
            for item in items {
                assert_no_blank(item, source);
            }
        }
        Value::Object(object) => {
            assert!(!object.is_empty(), "empty object of {source}");
            for member in object.values() {
                assert_no_blank(member, source);
            }
        }
        Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn every_sample_is_a_complete_event() {
    EVENTS
        .lines()
        .for_each(|line| assert_complete(&serde_json::from_str(line).unwrap()));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(vec![
            "unknown",
            "",
            "User",
            "203.0.113.9",
            "é@ü.de",
            "WEB",
            "level="
        ])
        .prop_map(Value::from),
    ];
    let key = prop_oneof![
        any::<String>(),
        prop::sample::select(KEYS.to_vec()).prop_map(str::to_owned)
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        let member = (key.clone(), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Value::from),
            prop::collection::vec(member, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

const KEYS: [&str; 20] = [
    "eventType",
    "published",
    "actor",
    "target",
    "client",
    "outcome",
    "debugContext",
    "debugData",
    "id",
    "type",
    "displayName",
    "alternateId",
    "ipAddress",
    "geographicalContext",
    "securityContext",
    "transaction",
    "request",
    "ipChain",
    "device",
    "severity",
];

/// Puts `odd` in the place of the `index`-th value below `value`.
fn replace(value: &mut Value, index: &mut usize, odd: &Value) {
    let members: Vec<&mut Value> = match value {
        Value::Object(object) => object.values_mut().collect(),
        Value::Array(items) => items.iter_mut().collect(),
        _ => Vec::new(),
    };
    for member in members {
        if *index == 0 {
            *member = odd.clone();
            return *index = usize::MAX;
        }
        *index -= 1;
        replace(member, index, odd);
    }
}

proptest! {
    #[test]
    fn any_json_becomes_a_complete_event(source in any_json()) {
        assert_complete(&source);
    }

    #[test]
    fn an_event_with_anything_in_any_place_becomes_a_complete_event(
        line in 0..EVENTS.lines().count(),
        event_type in 0..EVENT_TYPES.lines().count(),
        mut place in 0..90_usize,
        odd in any_json(),
    ) {
        let mut source: Value = serde_json::from_str(EVENTS.lines().nth(line).unwrap()).unwrap();
        if let (Value::Object(event), Some(event_type)) = (&mut source, EVENT_TYPES.lines().nth(event_type)) {
            event.insert("eventType".to_owned(), event_type.split('\t').next().into());
        }
        replace(&mut source, &mut place, &odd);
        assert_complete(&source);
    }
}

#[test]
fn a_sign_in_says_who_where_how_and_at_which_risk() {
    let made = made(&sample("user.session.start"));
    let user = json!({"uid": "00uSample00000000002", "name": "Bob Builder", "type_id": 1, "type": "User", "email_addr": "bob@example.com"});
    assert_eq!((&made["user"], &made["actor"]["user"]), (&user, &user));
    assert_eq!(
        made["service"],
        json!({"uid": "0oaSampleApp000000001", "name": "Payroll"})
    );
    assert_eq!(
        (
            &made["is_mfa"],
            &made["logon_type_id"],
            &made["risk_level_id"]
        ),
        (&json!(true), &json!(3), &json!(2))
    );
    assert_eq!(
        made["metadata"]["profiles"],
        json!(["host", "security_control"])
    );
    assert_eq!(made["time"], json!(1_793_582_101_120_u64));
    let location = json!({"city": "Haifa", "region": "Haifa District", "country": "Israel", "lat": 32.8184, "long": 34.9885});
    assert_eq!(made["src_endpoint"]["location"], location);
}

#[test]
fn the_user_of_a_change_is_its_target_and_not_its_actor() {
    for event_type in [
        "user.lifecycle.create",
        "user.account.privilege.grant",
        "group.user_membership.add",
        "user.session.clear",
    ] {
        let made = made(&sample(event_type));
        assert_ne!(
            made["user"]["uid"], made["actor"]["user"]["uid"],
            "{event_type}"
        );
    }
}

#[test]
fn a_change_without_target_is_about_its_actor_and_one_with_another_target_is_not() {
    let actor = json!({"id": "00u1", "type": "User", "displayName": "Bob"});
    let user_uid = |target| {
        made(&json!({"eventType": "user.account.lock", "actor": actor, "target": target}))["user"]["uid"].clone()
    };
    assert_eq!(user_uid(Value::Null), "00u1");
    assert_eq!(
        user_uid(json!([{"id": "00p1", "type": "PolicyEntity"}])),
        Value::Null
    );
}

#[test]
fn a_grant_names_its_privileges_and_what_they_are_on() {
    let grant = made(&sample("user.account.privilege.grant"));
    assert_eq!(
        grant["privileges"],
        json!(["Help desk administrator", "Read-only administrator"])
    );
    let binding = made(&sample("iam.resourceset.bindings.add"));
    assert_eq!(
        (&binding["privileges"], &binding["resources"][0]["name"]),
        (&json!(["Group readers"]), &json!("Finance set"))
    );
    let membership = made(&sample("application.user_membership.add"));
    assert_eq!(
        (
            &membership["privileges"],
            &membership["resources"][0]["uid"]
        ),
        (&json!(["access"]), &json!("0oaSampleApp000000001"))
    );
}

#[test]
fn a_decision_of_a_control_is_an_action() {
    let made = made(&sample("policy.evaluate_sign_on"));
    assert_eq!(
        (&made["status_id"], &made["status"], &made["status_code"]),
        (&json!(99), &json!("CHALLENGE"), &json!("CHALLENGE"))
    );
    assert_eq!(
        (&made["action_id"], &made["disposition_id"]),
        (&json!(99), &json!(23))
    );
}

#[test]
fn a_threat_is_a_finding_with_its_evidence_and_without_the_link_that_was_asked_for() {
    let made = made(&sample("security.threat.detected"));
    assert_eq!(
        (&made["is_alert"], &made["severity_id"], &made["status"]),
        (&json!(true), &json!(3), &json!("New"))
    );
    assert!(made["evidences"][0]["src_endpoint"]["ip"].is_string());
    assert!(!made.to_string().contains("one-time-word"));
}

#[test]
fn what_has_no_class_is_a_base_event() {
    for source in [
        Value::Null,
        json!(1),
        json!([]),
        json!({}),
        json!({"eventType": 3}),
    ] {
        let made = made(&source);
        assert_eq!(
            (&made["class_uid"], &made["activity_id"], &made["time"]),
            (&json!(0), &json!(0), &json!(0))
        );
    }
    let made = made(&sample("brand.new.event_type"));
    assert_eq!(
        (&made["type_uid"], &made["activity_name"]),
        (&json!(99), &json!("brand.new.event_type"))
    );
}
