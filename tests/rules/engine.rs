//! The engine by itself: no network, no store, no clock.

use jiff::{SignedDuration, Timestamp};
use okta_authomize::engine::{Answer, Ask, Cursor, Engine, Plan, Recalled};
use okta_authomize::ids::Ids;
use okta_authomize::scrub::Rules;
use okta_authomize::streams::STREAMS;
use serde_json::json;

fn plan(streams: &[&str]) -> Plan {
    Plan {
        streams: STREAMS
            .iter()
            .copied()
            .filter(|stream| streams.contains(&stream.name))
            .collect(),
        off: vec![],
        asked: vec![],
        accept_shrink: vec![],
        narrowed: None,
        reads_log: streams.contains(&"activity"),
        own_client: None,
        full_sync_interval: SignedDuration::from_hours(24),
        factors_interval: SignedDuration::from_hours(168),
        swept_at: std::collections::BTreeMap::new(),
        log_lookback: SignedDuration::from_hours(24),
        checkpoint_interval: SignedDuration::from_secs(60),
    }
}

fn now() -> Timestamp {
    "2026-11-23T18:00:00Z".parse().unwrap()
}

/// The engine's next wish beside its ledgers, of which none is stored.
fn ask(engine: &mut Engine, now: Timestamp) -> Ask {
    loop {
        match engine.next(now) {
            Ask::Ledgers => engine.ledgers(&std::collections::BTreeMap::new()),
            other => return other,
        }
    }
}

fn fetch(engine: &mut Engine) -> (u64, String) {
    match ask(engine, now()) {
        Ask::Fetch(fetch) => (fetch.ticket, fetch.path),
        other => panic!("{other:?} where a request was expected"),
    }
}

fn page(items: serde_json::Value, next: Option<&str>) -> Answer {
    Answer::Page {
        body: items.to_string().into(),
        next: next.map(str::to_owned),
    }
}

fn groups(ids: std::ops::Range<usize>) -> serde_json::Value {
    ids.map(|n| json!({"id": format!("00g{n}")})).collect()
}

#[test]
fn a_parent_that_does_not_answer_keeps_no_other_one_waiting() {
    let mut engine = Engine::new(
        plan(&["groups", "group_memberships"]),
        Cursor::default(),
        0,
        now(),
    );
    let (listing, _) = fetch(&mut engine);
    engine.absorb(listing, page(groups(0..3), None), now());
    let requests: Vec<_> = (0..3).map(|_| fetch(&mut engine)).collect();
    assert!(matches!(ask(&mut engine, now()), Ask::Wait));
    let mut ids = Vec::new();
    for (request, user) in [(2, "00u3"), (1, "00u2"), (0, "00u1")] {
        let harvests = engine.absorb(
            requests[request].0,
            page(json!([{"id": user}]), None),
            now(),
        );
        let records = harvests
            .iter()
            .flat_map(|harvest| harvest.records(<&Rules>::default()));
        ids.push(records.map(|record| record.unwrap().id).collect::<Vec<_>>());
    }
    assert_eq!(ids, [["00g2:00u3"], ["00g1:00u2"], ["00g0:00u1"]]);
    assert!(matches!(ask(&mut engine, now()), Ask::Commit));
    assert_eq!(engine.standing().completed().len(), 2);
}

#[test]
fn a_log_whose_events_nobody_keeps_begins_with_the_first_snapshot() {
    let reads = |streams: &[&str]| Plan {
        reads_log: true,
        ..plan(streams)
    };
    let begin = |plan: Plan| fetch(&mut Engine::new(plan, Cursor::default(), 0, now())).1;
    let kept = begin(reads(&["activity", "groups"]));
    assert!(
        kept.starts_with("/api/v1/logs?") && !kept.contains("2026-11-23"),
        "{kept}"
    );
    let unkept = begin(reads(&["groups"]));
    assert!(
        unkept.starts_with("/api/v1/logs?") && unkept.contains("since=2026-11-23T17"),
        "{unkept}"
    );
}

#[test]
fn a_listing_is_read_on_only_when_few_of_its_parts_are_left() {
    let users: Vec<_> = (0..250)
        .map(|n| json!({"id": format!("00u{n}"), "status": "ACTIVE"}))
        .collect();
    for (streams, items) in [
        (&["factors"][..], json!(users)),
        (&["groups", "group_memberships"], groups(0..250)),
    ] {
        let mut engine = Engine::new(plan(streams), Cursor::default(), 0, now());
        let (listing, path) = fetch(&mut engine);
        engine.absorb(
            listing,
            page(
                items,
                Some(&format!("{}&after=250", path.split('&').next().unwrap())),
            ),
            now(),
        );
        let asked: Vec<_> = (0..60).map(|_| fetch(&mut engine).1).collect();
        let first = asked.iter().position(|path| path.contains("after=250"));
        assert!(first.is_some_and(|first| first > 50), "{asked:#?}");
    }
}

#[test]
fn a_listing_that_was_under_way_when_its_snapshots_were_given_up_is_begun_anew() {
    let open = json!({"since_sequence": 1, "started_at": "2026-11-23T17:00:00Z", "lines": 0, "left": ["role_assignees"]});
    let cursor = json!({"version": 2, "streams": {"role_assignments": {"open": open}},
        "jobs": [{"reads": "role_assignees", "scope": "whole"}]});
    let mut engine = Engine::new(
        plan(&["role_assignments"]),
        Cursor::read(&cursor).unwrap(),
        1,
        now(),
    );
    assert!(
        fetch(&mut engine)
            .1
            .starts_with("/api/v1/iam/assignees/users")
    );
}

#[test]
fn what_was_not_absorbed_is_asked_for_again_and_nothing_else() {
    let mut engine = Engine::new(
        plan(&["groups", "group_memberships"]),
        Cursor::default(),
        0,
        now(),
    );
    let (listing, _) = fetch(&mut engine);
    engine.absorb(
        listing,
        page(groups(0..3), Some("/api/v1/groups?after=3")),
        now(),
    );
    let mut asked: Vec<_> = (0..4).map(|_| fetch(&mut engine)).collect();
    let first_members = asked
        .iter()
        .find(|(_, path)| path.contains("00g0"))
        .unwrap()
        .clone();
    let next_listing = asked
        .iter()
        .find(|(_, path)| path.contains("after=3"))
        .unwrap()
        .clone();
    engine.absorb(next_listing.0, page(groups(3..4), None), now());
    engine.absorb(
        first_members.0,
        page(
            json!([{"id": "00u1"}]),
            Some("/api/v1/groups/00g0/users?after=1"),
        ),
        now(),
    );
    engine.stop();
    assert!(matches!(ask(&mut engine, now()), Ask::Commit));
    let cursor = Cursor::read(&serde_json::to_value(engine.cursor()).unwrap()).unwrap();
    let mut resumed = Engine::new(plan(&["groups", "group_memberships"]), cursor, 1, now());
    asked = (0..4).map(|_| fetch(&mut resumed)).collect();
    let paths: Vec<_> = asked.iter().map(|(_, path)| path.as_str()).collect();
    let first = |n: usize| format!("/api/v1/groups/00g{n}/users?limit=1000");
    assert_eq!(
        paths,
        [
            "/api/v1/groups/00g0/users?after=1",
            &first(1),
            &first(2),
            &first(3)
        ]
    );
    assert!(matches!(ask(&mut resumed, now()), Ask::Wait));
}

#[test]
fn a_listing_whose_position_expired_begins_anew_with_a_new_snapshot() {
    let mut engine = Engine::new(plan(&["users"]), Cursor::default(), 4, now());
    let (ticket, first) = fetch(&mut engine);
    engine.absorb(
        ticket,
        page(json!([{"id": "00u1"}]), Some("/api/v1/users?after=1")),
        now(),
    );
    let (ticket, _) = fetch(&mut engine);
    engine.absorb(ticket, Answer::Expired, now());
    assert!(matches!(ask(&mut engine, now()), Ask::Commit));
    engine.committed(5, now());
    let (ticket, again) = fetch(&mut engine);
    assert_eq!(again, first);
    engine.absorb(ticket, page(json!([{"id": "00u1"}]), None), now());
    assert!(matches!(ask(&mut engine, now()), Ask::Commit));
    assert_eq!(engine.standing().completed()[0].since_sequence, 6);
}

#[test]
fn a_function_that_was_off_for_too_long_tells_the_gap_and_reads_everything_again() {
    let mut cursor = Cursor::default();
    cursor.log.next = Some("/api/v1/logs?after=1_1".into());
    cursor.log.read_at = Some(now() - SignedDuration::from_hours(100 * 24));
    let mut engine = Engine::new(plan(&["users", "activity"]), cursor, 4, now());
    let gap = engine.standing().gap().unwrap();
    assert_eq!(gap.to, now() - SignedDuration::from_hours(90 * 24));
    let (ticket, path) = fetch(&mut engine);
    assert!(
        path.contains("since=2026-08-25T18%3A00%3A00.000Z"),
        "{path}"
    );
    engine.absorb(
        ticket,
        page(json!([]), Some("/api/v1/logs?after=2_1&limit=1000")),
        now(),
    );
    let (ticket, path) = fetch(&mut engine);
    assert!(path.starts_with("/api/v1/users"), "{path}");
    engine.absorb(ticket, page(json!([]), None), now());
    assert!(matches!(ask(&mut engine, now()), Ask::Commit));
    engine.committed(5, now());
    assert!(matches!(ask(&mut engine, now()), Ask::Done) && engine.standing().gap().is_none());
}

#[test]
fn a_limit_beyond_the_runs_end_leaves_the_work_for_later() {
    let mut engine = Engine::new(plan(&["users"]), Cursor::default(), 0, now());
    let (ticket, _) = fetch(&mut engine);
    engine.absorb(ticket, Answer::Limited { retry_after_s: 40 }, now());
    assert!(matches!(ask(&mut engine, now()), Ask::Commit));
    engine.committed(1, now());
    assert!(matches!(ask(&mut engine, now()), Ask::Done));
    assert_eq!(
        (engine.standing().retry_after_s(), engine.has_work(now())),
        (Some(40), false)
    );
}

#[test]
fn a_cursor_in_the_middle_of_a_walk_holds_no_secret() {
    let mut engine = Engine::new(plan(&["resource_sets"]), Cursor::default(), 0, now());
    let (listing, _) = fetch(&mut engine);
    let client = json!({"client_id": "c", "client_secret": "hunter2"});
    let set =
        json!([{"id": "iam1", "_links": {}, "protocol": {"credentials": {"client": client}}}]);
    engine.absorb(listing, page(set, None), now());
    engine.stop();
    let cursor = serde_json::to_string(&engine.cursor()).unwrap();
    assert!(
        cursor.contains("client_id") && !cursor.contains("hunter2"),
        "{cursor}"
    );
}

#[test]
fn one_object_that_is_refused_holds_up_nobody() {
    let streams = ["groups", "role_assignments"];
    let mut engine = Engine::new(plan(&streams), Cursor::default(), 0, now());
    let requests: Vec<_> = (0..3).map(|_| fetch(&mut engine)).collect();
    let ticket = |path: &str| {
        requests
            .iter()
            .find(|(_, asked)| asked.contains(path))
            .unwrap()
            .0
    };
    engine.absorb(ticket("/apps"), page(json!([]), None), now());
    engine.absorb(
        ticket("/assignees"),
        page(json!({"value": [{"id": "00u1"}]}), None),
        now(),
    );
    engine.absorb(ticket("/groups"), page(groups(0..3), None), now());
    for _ in 0..4 {
        let (ticket, path) = fetch(&mut engine);
        let is_refused = path.contains("00g1");
        let refusal = Answer::Unavailable {
            error: "no admin role".into(),
        };
        engine.absorb(
            ticket,
            if is_refused {
                refusal
            } else {
                page(json!([]), None)
            },
            now(),
        );
    }
    assert!(matches!(ask(&mut engine, now()), Ask::Commit));
    let completed: Vec<_> = engine
        .standing()
        .completed()
        .iter()
        .map(|done| (done.stream, done.except.clone()))
        .collect();
    assert_eq!(
        completed,
        [
            ("groups", vec![]),
            ("role_assignments", vec!["00g1".to_owned()])
        ]
    );
    engine.committed(1, now());
    assert!(matches!(ask(&mut engine, now()), Ask::Done));
    let mut next = Engine::new(plan(&streams), engine.cursor(), 1, now());
    let (_, path) = fetch(&mut next);
    assert_eq!(path, "/api/v1/groups/00g1/roles");
}

#[test]
fn a_stream_that_is_switched_off_does_not_hold_up_its_listing() {
    let mut engine = Engine::new(
        plan(&["groups", "group_memberships"]),
        Cursor::default(),
        0,
        now(),
    );
    let (ticket, _) = fetch(&mut engine);
    engine.absorb(
        ticket,
        page(groups(0..3), Some("/api/v1/groups?after=3")),
        now(),
    );
    engine.stop();
    assert!(matches!(ask(&mut engine, now()), Ask::Commit));
    let mut resumed = Engine::new(plan(&["groups"]), engine.cursor(), 1, now());
    let (ticket, path) = fetch(&mut resumed);
    assert_eq!(path, "/api/v1/groups?after=3");
    resumed.absorb(ticket, page(groups(3..4), None), now());
    assert!(matches!(ask(&mut resumed, now()), Ask::Commit));
    assert_eq!(resumed.standing().completed()[0].stream, "groups");
}

#[test]
fn what_is_taken_for_committed_is_left_out_of_a_log_that_is_read_again() {
    let mut cursor = Cursor::default();
    cursor.log.next = Some("/api/v1/logs?after=1_1".into());
    cursor.log.newest_published = Some(now());
    let mut engine = Engine::new(plan(&["activity"]), cursor, 4, now());
    let (log, _) = fetch(&mut engine);
    engine.absorb(log, Answer::Expired, now());
    let since = now() - SignedDuration::from_hours(24);
    assert!(
        matches!(ask(&mut engine, now()), Ask::Recall(from) if from == since - SignedDuration::from_mins(5))
    );
    let mut uuids = Ids::default();
    uuids.add("known");
    engine.recalled(Recalled {
        uuids,
        known_until: Some(since + SignedDuration::from_mins(30)),
    });
    let (log, path) = fetch(&mut engine);
    assert!(path.contains("since=2026-11-22T18%3A00"), "{path}");
    let event = |uuid: &str, minutes: i64| {
        let published = since + SignedDuration::from_mins(minutes);
        json!({"uuid": uuid, "eventType": "x", "published": published.to_string()})
    };
    let events =
        json!([event("old", 30), event("new", 31), event("known", 40), {"uuid": "timeless"}]);
    let harvests = engine.absorb(
        log,
        page(events, Some("/api/v1/logs?after=2_1&limit=1000")),
        now(),
    );
    let ids: Vec<_> = harvests
        .iter()
        .flat_map(|h| {
            h.records(<&Rules>::default())
                .map(|r| r.unwrap().id)
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(ids, ["new", "timeless"]);
}

fn events(numbers: std::ops::Range<usize>) -> serde_json::Value {
    numbers
        .map(|n| json!({"uuid": format!("e{n}"), "eventType": "x", "published": now().to_string()}))
        .collect()
}

#[test]
fn a_full_page_whose_link_names_no_limit_is_not_the_last() {
    let mut engine = Engine::new(plan(&["activity"]), Cursor::default(), 0, now());
    let (log, _) = fetch(&mut engine);
    engine.absorb(
        log,
        page(events(0..1_000), Some("/api/v1/logs?after=1_1")),
        now(),
    );
    let (log, path) = fetch(&mut engine);
    assert_eq!(path, "/api/v1/logs?after=1_1");
    engine.absorb(
        log,
        page(events(1_000..1_100), Some("/api/v1/logs?after=2_1")),
        now(),
    );
    let (log, _) = fetch(&mut engine);
    engine.absorb(
        log,
        page(events(1_100..1_199), Some("/api/v1/logs?after=3_1")),
        now(),
    );
    assert!(matches!(ask(&mut engine, now()), Ask::Commit));
}

#[test]
fn events_that_come_without_a_position_are_not_read_twice() {
    let mut engine = Engine::new(plan(&["activity"]), Cursor::default(), 0, now());
    let (log, _) = fetch(&mut engine);
    engine.absorb(log, page(events(0..3), None), now());
    assert!(matches!(ask(&mut engine, now()), Ask::Commit));
    engine.committed(1, now());
    assert!(matches!(ask(&mut engine, now()), Ask::Done));
    let mut engine = Engine::new(plan(&["activity"]), engine.cursor(), 1, now());
    assert!(matches!(ask(&mut engine, now()), Ask::Recall(_)));
    let mut uuids = Ids::default();
    (0..3).for_each(|n| uuids.add(&format!("e{n}")));
    engine.recalled(Recalled {
        uuids,
        known_until: None,
    });
    let (log, path) = fetch(&mut engine);
    assert!(path.contains("since=2026-11-22T18%3A00"), "{path}");
    assert!(
        engine
            .absorb(log, page(events(0..3), None), now())
            .is_empty()
    );
    assert!(matches!(ask(&mut engine, now()), Ask::Done));
}

#[test]
fn an_object_that_waits_for_its_next_answer_when_it_is_time_to_commit_is_not_begun_again() {
    let mut engine = Engine::new(plan(&["roles"]), Cursor::default(), 0, now());
    let (listing, _) = fetch(&mut engine);
    engine.absorb(
        listing,
        page(json!({"roles": [{"id": "cr01"}]}), None),
        now(),
    );
    let (permissions, path) = fetch(&mut engine);
    engine.absorb(
        permissions,
        page(
            json!({"permissions": [{"label": "a"}]}),
            Some("/api/v1/iam/roles/cr01/permissions?after=1"),
        ),
        now(),
    );
    let (waiting, second) = fetch(&mut engine);
    assert_ne!(path, second);
    let commit_by = engine.commit_by(now());
    assert_eq!(commit_by, now() + SignedDuration::from_secs(60));
    engine.absorb(waiting, Answer::Dropped, now());
    assert!(matches!(ask(&mut engine, commit_by), Ask::Commit));
    engine.committed(1, commit_by);
    let Ask::Fetch(again) = ask(&mut engine, commit_by) else {
        panic!("nothing to fetch")
    };
    assert_eq!(again.path, second);
}

/// Answers everything until there is nothing left to do, from a small org; returns the newest manifest's number.
fn settle(engine: &mut Engine, mut sequence: u64) -> u64 {
    loop {
        match ask(engine, now()) {
            Ask::Fetch(fetch) => {
                let objects = match fetch.path.split('?').next().unwrap() {
                    "/api/v1/groups" => groups(0..1),
                    "/api/v1/users" | "/api/v1/groups/00g0/users" => json!([{"id": "00u1"}]),
                    _ => json!([]),
                };
                let next = fetch
                    .path
                    .starts_with("/api/v1/logs")
                    .then_some("/api/v1/logs?after=1_1&limit=1000");
                engine.absorb(fetch.ticket, page(objects, next), now());
            }
            Ask::Commit => {
                sequence += 1;
                engine.committed(sequence, now());
            }
            Ask::Done => return sequence,
            other => panic!("{other:?} where a request was expected"),
        }
    }
}

#[test]
fn an_absence_that_no_deletion_tells_of_takes_nothing_away() {
    let streams = ["users", "groups", "group_memberships", "activity"];
    let mut engine = Engine::new(plan(&streams), Cursor::default(), 0, now());
    let mut sequence = settle(&mut engine, 0);
    let event = json!({"uuid": "e1", "eventType": "user.account.update_profile", "published": now().to_string(),
        "outcome": {"result": "SUCCESS"}, "target": [{"id": "00u1", "type": "User"}]});
    let mut events = json!([event]);
    for look in 0..3 {
        let later = now() + SignedDuration::from_mins(10 * look);
        engine = Engine::new(plan(&streams), engine.cursor(), sequence, later);
        let (log, _) = fetch(&mut engine);
        engine.absorb(
            log,
            page(
                std::mem::replace(&mut events, json!([])),
                Some("/api/v1/logs?after=2_1&limit=1000"),
            ),
            now(),
        );
        let Ask::Fetch(user) = ask(&mut engine, later) else {
            panic!("look {look}: nothing to fetch")
        };
        assert_eq!(user.path, "/api/v1/users/00u1");
        assert!(engine.absorb(user.ticket, Answer::Gone, later).is_empty());
        assert!(matches!(ask(&mut engine, later), Ask::Commit));
        assert_eq!(engine.standing().completed(), []);
        sequence += 1;
        engine.committed(sequence, later);
    }
    let mut engine = Engine::new(plan(&streams), engine.cursor(), sequence, now());
    let (log, _) = fetch(&mut engine);
    engine.absorb(
        log,
        page(json!([]), Some("/api/v1/logs?after=2_1&limit=1000")),
        now(),
    );
    assert!(
        matches!(ask(&mut engine, now()), Ask::Done),
        "it is left to the next snapshot"
    );
}

#[test]
fn so_many_ends_of_objects_are_committed_before_the_log_is_read_on() {
    let streams = ["users", "groups", "group_memberships", "activity"];
    let mut engine = Engine::new(plan(&streams), Cursor::default(), 0, now());
    let mut sequence = settle(&mut engine, 0);
    let mut engine = Engine::new(plan(&streams), engine.cursor(), sequence, now());
    let ends = |page: usize| -> serde_json::Value {
        let end = |n: usize| {
            json!({"uuid": format!("e{page}-{n}"), "eventType": "user.lifecycle.delete.completed",
                "published": now().to_string(), "outcome": {"result": "SUCCESS"},
                "target": [{"id": format!("00u{page}x{n}"), "type": "User"}]})
        };
        (0..1_000).map(end).collect()
    };
    let mut pages_by_manifest = vec![0];
    for number in 0..5 {
        let next = format!("/api/v1/logs?after={number}_2&limit=1000");
        let (log, path) = loop {
            match ask(&mut engine, now()) {
                Ask::Commit => {
                    sequence += 1;
                    engine.committed(sequence, now());
                    pages_by_manifest.push(0);
                }
                Ask::Fetch(fetch) => break (fetch.ticket, fetch.path),
                Ask::Write(_) => {}
                other => panic!("{other:?}"),
            }
        };
        assert!(path.starts_with("/api/v1/logs"), "{path}");
        engine.absorb(log, page(ends(number), Some(&next)), now());
        *pages_by_manifest.last_mut().unwrap() += 1;
    }
    assert_eq!(pages_by_manifest, [2, 2, 1]);
}

#[test]
fn who_can_no_longer_sign_in_is_not_read_by_a_snapshot_that_was_open_before() {
    let streams = ["users", "factors", "activity"];
    let mut engine = Engine::new(plan(&streams), Cursor::default(), 0, now());
    let users = || {
        page(
            json!([{"id": "00u1", "status": "ACTIVE"}, {"id": "00u2", "status": "ACTIVE"}]),
            None,
        )
    };
    for answer in [
        page(json!([]), Some("/api/v1/logs?after=1_1&limit=1000")),
        users(),
        users(),
    ] {
        let (ticket, _) = fetch(&mut engine);
        engine.absorb(ticket, answer, now());
    }
    let (factors, path) = fetch(&mut engine);
    assert_eq!(path, "/api/v1/users/00u1/factors");
    engine.absorb(factors, page(json!([]), None), now());
    engine.stop();
    let mut engine = Engine::new(plan(&streams), engine.cursor(), 1, now());
    let (log, _) = fetch(&mut engine);
    let event = json!({"uuid": "e1", "eventType": "user.lifecycle.deactivate", "published": now().to_string(),
        "outcome": {"result": "SUCCESS"}, "target": [{"id": "00u2", "type": "User"}]});
    engine.absorb(
        log,
        page(json!([event]), Some("/api/v1/logs?after=2_1&limit=1000")),
        now(),
    );
    let (user, path) = fetch(&mut engine);
    assert_eq!(path, "/api/v1/users/00u2");
    let gone = json!({"id": "00u2", "status": "DEPROVISIONED"}).to_string();
    assert_eq!(
        engine
            .absorb(
                user,
                Answer::Page {
                    body: gone.into(),
                    next: None
                },
                now()
            )
            .len(),
        1,
        "the user: no factors of theirs were ever written"
    );
    assert!(matches!(ask(&mut engine, now()), Ask::Commit));
    assert_eq!(
        engine
            .standing()
            .completed()
            .iter()
            .map(|done| done.stream)
            .collect::<Vec<_>>(),
        ["factors"]
    );
}

/// The engine of an org with a million users, of which all is read, at an hour without sweeps.
fn of_a_million_users() -> Engine {
    Engine::new(plan_of_a_million(), cursor_of_a_million(), 1, now())
}

fn plan_of_a_million() -> Plan {
    let streams = [
        "users",
        "factors",
        "groups",
        "group_memberships",
        "applications",
        "application_users",
        "activity",
    ];
    plan(&streams)
}

fn cursor_of_a_million() -> Cursor {
    let complete = |lines: u64, requests: u64| json!({"complete": {"since_sequence": 1, "started_at": "2026-11-23T12:00:00Z", "lines": lines, "requests": requests}});
    let swept = json!({"until": "2026-11-23T17:55:00Z"});
    let cursor = json!({
        "version": 2,
        "log": {"next": "/api/v1/logs?after=0&limit=1000", "newest_published": "2026-11-23T17:55:00Z", "read_at": "2026-11-23T17:55:00Z"},
        "streams": {
            "users": complete(1_000_000, 5_000), "factors": complete(1_000_000, 1_005_000),
            "groups": complete(10_000, 50), "group_memberships": complete(4_000_000, 14_000),
            "applications": complete(1_000, 5), "application_users": complete(3_000_000, 7_000),
        },
        "swept": {"users": swept, "groups": swept, "group_memberships": swept},
        "sizes": {"application_users": {"0oa1": 3_000, "0oa2": 900_000}, "group_memberships": {"00g1": 1_000_000, "00g2": 40}},
    });
    Cursor::read(&cursor).unwrap()
}

/// Pages of the log with so many events, each of another user; `targets` beside the user.
fn pages_of_events(
    kind: &str,
    targets: &serde_json::Value,
    count: usize,
) -> Vec<serde_json::Value> {
    let event = |n: usize| {
        let user = json!({"type": "User", "id": format!("00u{n}"), "alternateId": "a", "displayName": "A"});
        let targets: Vec<_> = targets
            .as_array()
            .unwrap()
            .iter()
            .cloned()
            .chain([user])
            .collect();
        json!({"uuid": format!("e{n}"), "published": "2026-11-23T17:56:00.000Z", "eventType": kind,
            "outcome": {"result": "SUCCESS"}, "actor": {"type": "User", "id": "00uAdmin"}, "target": targets})
    };
    let events: Vec<_> = (0..count).map(event).collect();
    events.chunks(1_000).map(|chunk| json!(chunk)).collect()
}

/// Answers all that is asked until nothing is; gives the paths, ids taken out, with how often each was asked for.
fn requests_for(
    mut engine: Engine,
    events: Vec<serde_json::Value>,
) -> std::collections::BTreeMap<String, usize> {
    run_through(&mut engine, events, "")
}

/// As [`requests_for`], in an org that refuses one of these paths for good.
fn run_through(
    engine: &mut Engine,
    events: Vec<serde_json::Value>,
    refused: &str,
) -> std::collections::BTreeMap<String, usize> {
    let (mut asked, mut sequence) = (std::collections::BTreeMap::new(), 1);
    let mut log = events.into_iter().enumerate();
    for _ in 0..100_000 {
        match ask(engine, now()) {
            Ask::Fetch(fetch) => {
                let path = fetch.path.split('?').next().unwrap().to_owned();
                let (answer, named) = if path == "/api/v1/logs" {
                    let (n, page_of_log) = log.next().unwrap_or((usize::MAX, json!([])));
                    let next = format!("/api/v1/logs?after={}&limit=1000", n.wrapping_add(1));
                    (page(page_of_log, Some(&next)), path)
                } else {
                    let id = path
                        .split('/')
                        .find(|part| part.starts_with("00") || part.starts_with("0oa"));
                    let named = id.map_or(path.clone(), |id| path.replace(id, "{}"));
                    let is_object = path.split('/').count() == 5 && id.is_some();
                    let object = json!({"id": id, "status": "ACTIVE"});
                    (
                        page(if is_object { object } else { json!([]) }, None),
                        named,
                    )
                };
                let error = "an admin role is missing".to_owned();
                let answer = if named == refused {
                    Answer::Unavailable { error }
                } else {
                    answer
                };
                *asked.entry(named).or_default() += 1;
                engine.absorb(fetch.ticket, answer, now());
            }
            Ask::Commit => {
                sequence += 1;
                engine.committed(sequence, now());
            }
            Ask::Write(_) => {}
            Ask::Done => return asked,
            other => panic!("{other:?} after {asked:#?}"),
        }
    }
    panic!("no end: {asked:#?}");
}

#[test]
fn of_a_million_users_only_what_has_changed_is_read() {
    let of = |kind: &str, id: &str| json!([{"type": kind, "id": id, "alternateId": "a", "displayName": "A"}]);
    let asked = |kind: &str, targets: &serde_json::Value, count| {
        let asked = requests_for(of_a_million_users(), pages_of_events(kind, targets, count));
        println!("{count} × {kind}: {asked:?}");
        asked
    };
    let factors = asked("user.mfa.factor.activate", &json!([]), 2_000);
    assert_eq!(
        factors.get("/api/v1/users/{}/factors"),
        Some(&2_000),
        "{factors:?}"
    );
    assert_eq!(
        factors.values().sum::<usize>(),
        2_000 + 3,
        "beside them pages of the log: {factors:?}"
    );
    let assigned = asked(
        "application.user_membership.add",
        &of("AppInstance", "0oa1"),
        2_000,
    );
    let others = assigned
        .keys()
        .any(|path| !["/api/v1/logs", "/api/v1/apps/{}/users"].contains(&path.as_str()));
    assert!(
        !others && assigned["/api/v1/apps/{}/users"] <= 2,
        "one listing, of one page here, and a look: {assigned:?}"
    );
    let everywhere = asked(
        "application.user_membership.add",
        &of("AppInstance", "0oa2"),
        100,
    );
    assert!(
        everywhere.values().sum::<usize>() <= 100 + 2,
        "an app of 900,000 users is not listed: {everywhere:?}"
    );
    let joined = asked("group.user_membership.add", &of("UserGroup", "00g1"), 1);
    assert!(
        joined.values().sum::<usize>() <= 4 + 3,
        "of groups of a million one page at most is looked at, of three at most: {joined:?}"
    );
}

#[test]
fn more_changes_than_a_cursor_should_hold_are_read_piece_by_piece() {
    let asked = requests_for(
        of_a_million_users(),
        pages_of_events("user.mfa.factor.activate", &json!([]), 12_000),
    );
    assert_eq!(
        asked.get("/api/v1/users/{}/factors"),
        Some(&12_000),
        "{asked:?}"
    );
    assert_eq!(asked["/api/v1/logs"], 13);
}

#[test]
fn more_changes_than_a_snapshot_costs_end_with_the_snapshot_however_many() {
    let changed = pages_of_events("user.account.update_profile", &json!([]), 12_000);
    let asked = requests_for(of_a_million_users(), changed);
    // The snapshot is one page here.
    assert!(asked.values().sum::<usize>() < 6_000, "{asked:?}");
    let assigned = pages_of_events("application.user_membership.add", &json!([]), 12_000);
    requests_for(of_a_million_users(), assigned);
}

#[test]
fn changes_of_a_stream_that_is_refused_neither_stop_the_log_nor_fill_the_cursor() {
    let mut engine = of_a_million_users();
    for run in 0..20 {
        let events = pages_of_events("user.mfa.factor.activate", &json!([]), 15_000);
        let asked = run_through(&mut engine, events, "/api/v1/users/{}/factors");
        assert!(asked["/api/v1/logs"] >= 16, "run {run}: {asked:?}");
        let cursor = engine.cursor();
        let bytes = serde_json::to_vec(&cursor).unwrap().len();
        assert!(bytes < 2_000_000, "run {run}: {bytes} bytes");
        engine = Engine::new(plan_of_a_million(), cursor, 2, now());
    }
}
