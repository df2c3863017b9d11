//! The demo company.

use std::collections::BTreeSet;

use fake_org::{DEMO_CLIENT_ID, DemoOptions, Org, Request};
use jiff::SignedDuration;

const START: &str = "2026-08-03T00:00:00Z";

fn options(now: &str, bursts: &[&str]) -> DemoOptions {
    let bursts = bursts.iter().map(|burst| burst.parse().unwrap()).collect();
    DemoOptions {
        seed: 7,
        people: 60,
        start: START.parse().unwrap(),
        now: now.parse().unwrap(),
        bursts,
    }
}

fn logs(org: &mut Org) -> Vec<u8> {
    let token = org.issue_access_token(DEMO_CLIENT_ID);
    org.answer(
        &Request::get("/api/v1/logs?limit=1000&since=2026-08-03T00:00:00Z")
            .authorized("Bearer", &token),
    )
    .body
}

#[test]
fn the_same_options_make_the_same_org() {
    let (mut one, mut two) = (
        Org::demo(&options("2026-08-06T12:00:00Z", &[])),
        Org::demo(&options("2026-08-06T12:00:00Z", &[])),
    );
    assert_eq!(
        (one.state(), one.event_uuids()),
        (two.state(), two.event_uuids())
    );
    assert_eq!(logs(&mut one), logs(&mut two));
}

#[test]
fn a_later_time_only_appends() {
    let burst = "2026-08-06T12:00:01Z";
    let early = Org::demo(&options("2026-08-06T12:00:00Z", &[]));
    let late = Org::demo(&options("2026-08-10T09:00:00Z", &[burst]));
    assert_eq!(
        late.event_uuids()[..early.state().events],
        early.event_uuids()
    );
    let token = |org: &mut Org| org.issue_access_token(DEMO_CLIENT_ID);
    let (cursor, mut late) = (early.last_cursor(), late);
    let request = Request::get(&format!("/api/v1/logs?limit=1000&after={cursor}"))
        .authorized("Bearer", &token(&mut late));
    let first = late.answer(&request).value()[0]["uuid"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(first, late.event_uuids()[early.state().events]);
}

#[test]
fn an_org_that_lives_on_equals_a_later_one() {
    let mut living = Org::demo(&options("2026-08-06T12:00:00Z", &["2026-08-06T13:00:00Z"]));
    logs(&mut living);
    living.advance(SignedDuration::from_hours(5));
    let later = Org::demo(&options("2026-08-06T17:00:00Z", &["2026-08-06T13:00:00Z"]));
    assert_eq!(living.state(), later.state());
    assert_eq!(
        (living.event_uuids(), living.last_cursor()),
        (later.event_uuids(), later.last_cursor())
    );
}

#[test]
fn token_grants_do_not_move_the_cursors_of_events() {
    let mut asked = Org::demo(&options("2026-08-06T12:00:00Z", &[]));
    let mut request = Request::new("POST", "/oauth2/v1/token").authorized(
        "Basic",
        "MG9hQXV0aG9taXplRGVtbzA2OTc6ZGVtby1zZWNyZXQtb2YtYS1mYWtlLW9yZw==",
    );
    request.body = b"grant_type=client_credentials&scope=okta.logs.read".to_vec();
    assert_eq!(asked.answer(&request).status, 200);
    asked.advance(SignedDuration::from_hours(3));
    let quiet = Org::demo(&options("2026-08-06T15:00:00Z", &[]));
    assert_eq!(asked.last_cursor(), quiet.last_cursor());
    assert_eq!(asked.state().events, quiet.state().events + 1);
}

#[test]
fn a_burst_changes_and_logs_a_handful() {
    let mut org = Org::demo(&options("2026-08-06T12:00:00Z", &[]));
    let (before, events) = (org.state(), org.event_uuids().len());
    org.burst();
    let after = org.state();
    assert_eq!(after.users.len(), before.users.len() + 2);
    assert!(org.event_uuids().len() > events + 15);
}

#[test]
fn the_company_looks_like_one() {
    let mut org = Org::demo(&DemoOptions {
        people: 300,
        ..options("2026-08-17T00:00:00Z", &[])
    });
    let state = org.state();
    let statuses: BTreeSet<&str> = state
        .users
        .iter()
        .map(|id| org.user(id).unwrap()["status"].as_str().unwrap())
        .collect();
    assert!(
        [
            "ACTIVE",
            "DEPROVISIONED",
            "SUSPENDED",
            "STAGED",
            "PROVISIONED"
        ]
        .iter()
        .all(|status| statuses.contains(status)),
        "{statuses:?}"
    );
    let kinds: BTreeSet<&str> = state
        .groups
        .iter()
        .map(|id| org.group(id).unwrap()["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["APP_GROUP", "BUILT_IN", "OKTA_GROUP"].into());
    assert!(
        state.apps.len() >= 40
            && state.idps.len() == 6
            && state.roles.len() == 3
            && !state.idp_users.is_empty()
    );
    let weekdays = 10;
    assert!(
        (500 * weekdays..900 * weekdays).contains(&state.events),
        "{}",
        state.events
    );
    let bytes = logs(&mut org).len();
    assert!((1500..2000).contains(&(bytes / 1000)), "{bytes}");
}

#[test]
fn a_large_company_is_attacked_once_and_a_small_one_never() {
    let attacked = |people: u32| {
        let mut org = Org::demo(&DemoOptions {
            people,
            start: "2026-08-03T00:00:00Z".parse().unwrap(),
            ..options("2026-11-24T00:00:00Z", &[])
        });
        let token = org.issue_access_token(DEMO_CLIENT_ID);
        let path = "/api/v1/logs?limit=1000&since=2026-11-23T10:00:00Z&until=2026-11-23T12:00:00Z";
        let page = org
            .answer(&Request::get(path).authorized("Bearer", &token))
            .value();
        page.as_array()
            .unwrap()
            .iter()
            .filter(|event| event["eventType"] == "security.attack.start")
            .count()
    };
    assert_eq!((attacked(120), attacked(60)), (1, 0));
}
