//! The System Log.

use crate::support::{CLIENT, get, next_target, org};
use fake_org::{Event, NewUser, Org, Request};
use jiff::SignedDuration;
use serde_json::json;

fn types(org: &mut Org, target: &str) -> Vec<String> {
    let events = get(org, target).value();
    events
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["eventType"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn polling_gives_every_event_in_persistence_order_and_always_a_next_link() {
    let mut org = org();
    let hour = SignedDuration::from_hours(1);
    org.append_event(Event::new("a"));
    org.append_event(Event::new("b"));
    org.advance(hour);
    org.append_event(Event::new("late").published_at(org.now() - hour * 3));
    assert_eq!(types(&mut org, "/api/v1/logs"), ["a", "b", "late"]);
    let first = get(&mut org, "/api/v1/logs?limit=2&since=2026-11-23T00:00:00Z");
    let next = next_target(&first).unwrap();
    assert!(
        next.contains("after=1795456800000_2") && next.contains("since=2026"),
        "{next}"
    );
    let second = get(&mut org, &next);
    assert_eq!(second.value().as_array().unwrap().len(), 1);
    let next = next_target(&second).unwrap();
    let empty = get(&mut org, &next);
    assert_eq!(
        (empty.value(), next_target(&empty).unwrap()),
        (json!([]), next)
    );
}

#[test]
fn bounded_queries_follow_published_and_end() {
    let mut org = org();
    let minute = SignedDuration::from_mins(1);
    let now = org.now();
    org.append_event(Event::new("second").published_at(now - minute));
    org.append_event(Event::new("first").published_at(now - minute * 2));
    org.append_event(Event::new("outside").published_at(now));
    let target = "/api/v1/logs?since=2026-11-23T00:00:00Z&until=2026-11-23T18:00:00Z";
    assert_eq!(types(&mut org, target), ["first", "second"]);
    assert_eq!(next_target(&get(&mut org, target)), None);
    let page = get(&mut org, &format!("{target}&limit=1"));
    assert_eq!(types(&mut org, &next_target(&page).unwrap()), ["second"]);
    assert_eq!(
        types(&mut org, &format!("{target}&sortOrder=DESCENDING")),
        ["second", "first"]
    );
}

#[test]
fn old_events_are_gone_and_older_queries_refused() {
    let mut org = org();
    let day = SignedDuration::from_hours(24);
    org.append_event(Event::new("old"));
    org.advance(day * 89);
    assert_eq!(
        types(&mut org, "/api/v1/logs?since=2026-11-01T00:00:00Z"),
        ["old"]
    );
    org.advance(day * 2);
    assert!(types(&mut org, "/api/v1/logs?since=2026-11-01T00:00:00Z").is_empty());
    org.advance(day * 120);
    assert_eq!(
        get(&mut org, "/api/v1/logs?since=2026-11-01T00:00:00Z").value()["errorCode"],
        "E0000053"
    );
    assert_eq!(
        get(&mut org, "/api/v1/logs?since=yesterday").value()["errorCode"],
        "E0000030"
    );
}

#[test]
fn filters_and_limits_work() {
    let mut org = org();
    let ada = org.create_user(NewUser::named("Ada", "Lovelace"));
    org.sign_in(&ada);
    let filter =
        format!("/api/v1/logs?filter=target.id+eq+%22{ada}%22+and+eventType+sw+%22user.session%22");
    assert_eq!(types(&mut org, &filter), ["user.session.start"]);
    assert!(types(&mut org, "/api/v1/logs?limit=0").is_empty());
    assert_eq!(
        get(&mut org, "/api/v1/logs?filter=nonsense").value()["errorCode"],
        "E0000031"
    );
    assert_eq!(types(&mut org, "/api/v1/logs?q=lovelace").len(), 3);
}

#[test]
fn events_have_the_shape_of_okta() {
    let mut org = org();
    let (ada, group) = (
        org.create_user(NewUser::named("Ada", "Lovelace")),
        org.create_group("Engineers"),
    );
    org.add_member(&group, &ada);
    let event = get(&mut org, "/api/v1/logs").value()[3].clone();
    assert_eq!(event["eventType"], "group.user_membership.add");
    assert_eq!(
        (&event["target"][0]["type"], &event["target"][0]["id"]),
        (&json!("User"), &json!(ada))
    );
    assert_eq!(
        (&event["target"][1]["type"], &event["target"][1]["id"]),
        (&json!("UserGroup"), &json!(group))
    );
    assert_eq!(event["outcome"]["result"], "SUCCESS");
    assert_eq!(event["published"], "2026-11-23T18:00:00.000Z");
    assert_eq!(event["uuid"].as_str().unwrap().len(), 36);
}

#[test]
fn silent_changes_and_token_grants_are_told_apart() {
    let mut org = org();
    org.silently(|org| org.create_user(NewUser::named("Ada", "Lovelace")));
    assert!(org.event_uuids().is_empty());
    let basic = "MG9hVGVzdENsaWVudDAwMDA2OTc6c2VjcmV0";
    let mut request = Request::new("POST", "/oauth2/v1/token").authorized("Basic", basic);
    request.body = b"grant_type=client_credentials&scope=okta.logs.read".to_vec();
    assert_eq!(org.answer(&request).status, 200);
    let event = get(&mut org, "/api/v1/logs").value()[0].clone();
    assert_eq!(
        (&event["actor"]["type"], &event["actor"]["id"]),
        (&json!("PublicClientApp"), &json!(CLIENT))
    );
}
