//! Collecting: everything arrives, once, and an idle run is silent.

use std::sync::{Arc, Mutex};

use fake_org::{Denial, Event, Failure, NewApp, NewUser, Targets};
use jiff::SignedDuration;
use okta_authomize::invocation::Outcome;
use serde_json::json;

use crate::support::memory::{Act, Fault};
use crate::support::rig::{CLIENT, PASSWORD, Rig, outcome};
use crate::support::time;

#[tokio::test]
async fn a_first_run_brings_the_whole_org() {
    let rig = Rig::new().await;
    let (people, _) = rig.populate(450, 12);
    rig.org().deactivate_user(&people[3]);
    let report = rig.run().await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
    assert!(!report.go_on);
    assert_eq!((report.sequence, report.streams["users"].upserts), (1, 450));
    rig.assert_in_step();
    let manifest = rig.store.json("okta/manifests/okta/000000000001.json");
    let complete: Vec<_> = manifest["snapshots"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["stream"].as_str().unwrap())
        .collect();
    assert_eq!(complete.len(), 12, "{complete:?}");
    assert_eq!(
        rig.read().streams["users"].records[&people[3]].record["source"]["status"],
        "DEPROVISIONED"
    );
}

#[tokio::test]
async fn an_idle_run_writes_nothing_and_costs_one_request() {
    let rig = Rig::new().await;
    rig.populate(3, 1);
    rig.run().await;
    let before = rig.store.objects.lock().unwrap().clone();
    rig.org().reset_counts();
    for _ in 0..3 {
        let report = rig.run().await;
        assert_eq!(
            (report.outcome, report.sequence, report.go_on),
            (Outcome::Succeeded, 1, false)
        );
        assert_eq!(report.okta.requests, 1);
    }
    assert_eq!(rig.requests().len(), 1, "{:?}", rig.requests());
    assert_eq!(*rig.store.objects.lock().unwrap(), before);
}

#[tokio::test]
async fn the_collectors_own_token_grants_are_no_news_until_there_is_some() {
    let mut rig = Rig::new().await;
    rig.populate(1, 0);
    rig.run().await;
    for _ in 0..3 {
        // A cold start asks for a token anew, which Okta logs.
        rig.restart(&[]);
        assert_eq!(rig.run().await.sequence, 1);
    }
    rig.org().append_event(Event::new("user.session.start"));
    assert_eq!(rig.run().await.streams["activity"].upserts, 4);
    rig.assert_in_step();
}

#[tokio::test]
async fn an_event_that_is_stored_late_is_read_once() {
    let rig = Rig::new().await;
    rig.populate(2, 1);
    rig.run().await;
    let late = rig.org().now() - SignedDuration::from_hours(5);
    rig.org().append_event(Event::new("user.session.start"));
    rig.run().await;
    rig.org()
        .append_event(Event::new("user.session.end").published_at(late));
    assert_eq!(rig.run().await.streams["activity"].upserts, 1);
    rig.assert_in_step();
}

#[tokio::test]
async fn a_log_of_many_pages_is_read_without_an_empty_poll() {
    let rig = Rig::new().await;
    for _ in 0..2_500 {
        rig.org().append_event(Event::new("user.session.start"));
    }
    rig.run().await;
    assert_eq!(rig.requests()["GET /api/v1/logs"], 3);
    rig.assert_in_step();
}

#[tokio::test]
async fn an_empty_group_costs_no_request_for_its_members() {
    let rig = Rig::new().await;
    rig.populate(1, 1);
    for n in 0..5 {
        rig.org().create_group(&format!("Empty {n}"));
    }
    rig.run().await;
    assert_eq!(rig.requests()["GET /api/v1/groups/{id}/users"], 1);
    rig.assert_in_step();
}

#[tokio::test]
async fn a_full_snapshot_forgets_objects_that_are_gone_without_an_event() {
    let rig = Rig::new().await;
    let (people, groups) = rig.populate(20, 4);
    rig.run().await;
    rig.org().silently(|org| {
        org.delete_user(&people[2]);
        org.delete_group(&groups[1]);
        org.remove_member(&groups[0], &people[5]);
        org.create_user(NewUser::named("New", "Comer"));
    });
    let report = rig.ask(json!({"mode": "full"})).await.unwrap();
    assert_eq!((report.outcome, report.sequence), (Outcome::Succeeded, 2));
    rig.assert_in_step();
}

#[tokio::test]
async fn streams_narrow_a_full_snapshot() {
    let rig = Rig::new().await;
    rig.populate(20, 4);
    rig.run().await;
    rig.org().reset_counts();
    let report = rig
        .ask(json!({"mode": "full", "streams": ["groups"]}))
        .await
        .unwrap();
    assert_eq!(
        (
            report.streams["groups"].upserts,
            report.streams["users"].upserts
        ),
        (4, 0)
    );
    assert_eq!(report.streams["group_memberships"].upserts, 0);
    assert!(!rig.requests().contains_key("GET /api/v1/users"));
    rig.assert_in_step();
}

#[tokio::test]
async fn a_run_stops_before_its_deadline_and_the_next_one_goes_on() {
    let rig = Rig::new().await;
    rig.populate(800, 80);
    rig.without(&["factors"]);
    rig.org().options.latency_ms = 150;
    let mut reports = Vec::new();
    for _ in 0..20 {
        let began = std::time::Instant::now();
        let report = rig
            .ask_within(json!({}), SignedDuration::from_millis(2_500))
            .await
            .unwrap();
        assert!(began.elapsed().as_millis() < 2_500, "{report:#?}");
        let done = !report.go_on;
        reports.push(report);
        if done {
            break;
        }
    }
    assert!(reports.len() > 2, "one run was enough: {reports:#?}");
    assert_eq!(
        (reports[0].outcome, reports[0].go_on),
        (Outcome::Partial, true)
    );
    assert_eq!(reports.last().unwrap().outcome, Outcome::Succeeded);
    rig.assert_in_step();
    let listings = rig.requests()["GET /api/v1/users"];
    assert!(
        listings <= 10 + reports.len() as u64,
        "{listings} pages of users in {} runs",
        reports.len()
    );
}

#[tokio::test]
async fn every_passing_fault_is_ridden_out() {
    for failure in [
        Failure::Status(503, "{}".into()),
        Failure::Status(500, r#"{"errorCode":"E0000009"}"#.into()),
        Failure::Reset,
        Failure::Truncate,
        Failure::Html(502),
        Failure::NotJson,
        Failure::RateLimited {
            limit: 0,
            reset_in_seconds: 60,
        },
        Failure::RateLimited {
            limit: 600,
            reset_in_seconds: 1,
        },
    ] {
        let rig = Rig::new().await;
        rig.populate(10, 2);
        for path in [
            "POST /oauth2/v1/token",
            "GET /api/v1/users",
            "GET /api/v1/groups/*/users",
            "GET /api/v1/logs",
        ] {
            rig.org().fail(path, 1, failure.clone());
        }
        let report = rig.run().await;
        assert_eq!(
            report.outcome,
            Outcome::Succeeded,
            "{failure:?}: {report:#?}"
        );
        rig.assert_in_step();
    }
}

#[tokio::test]
async fn a_fault_that_lasts_costs_one_stream_and_loses_nothing() {
    let rig = Rig::new().await;
    rig.populate(10, 3);
    rig.org().fail(
        "GET /api/v1/groups/*/users",
        1_000,
        Failure::Status(503, "{}".into()),
    );
    let report = rig.run().await;
    assert_eq!(report.outcome, Outcome::Degraded);
    assert_eq!(outcome(&report, "group_memberships"), Outcome::Failed);
    assert!(
        report.streams["group_memberships"]
            .error
            .as_ref()
            .unwrap()
            .contains("503")
    );
    assert_eq!(outcome(&report, "users"), Outcome::Succeeded);
    rig.org().heal();
    assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
    rig.assert_in_step();
}

#[tokio::test]
async fn one_group_that_cannot_be_read_costs_the_others_nothing() {
    let rig = Rig::new().await;
    let (_, groups) = rig.populate(10, 8);
    let path = format!("GET /api/v1/groups/{}/users", groups[2]);
    rig.org()
        .fail(path.as_str(), 1_000, Failure::Status(500, "{}".into()));
    let report = rig.run().await;
    assert_eq!(outcome(&report, "group_memberships"), Outcome::Failed);
    let missing = rig
        .org()
        .state()
        .memberships
        .iter()
        .filter(|id| id.starts_with(&groups[2]))
        .count();
    assert_eq!(
        rig.ids("group_memberships").len(),
        rig.org().state().memberships.len() - missing
    );
    rig.org().heal();
    rig.run().await;
    rig.assert_in_step();
}

#[tokio::test]
async fn a_group_that_is_deleted_between_listing_and_members_is_no_error() {
    let rig = Rig::new().await;
    let (_, groups) = rig.populate(10, 3);
    let gone = r#"{"errorCode":"E0000007","errorSummary":"Not found: Resource not found"}"#;
    rig.org().fail(
        format!("GET /api/v1/groups/{}/users", groups[1]).as_str(),
        1,
        Failure::Status(404, gone.into()),
    );
    let report = rig.run().await;
    assert_eq!(report.outcome, Outcome::Succeeded);
}

#[tokio::test]
async fn a_crash_between_batch_and_manifest_leaves_nothing_for_a_reader() {
    let rig = Rig::new().await;
    rig.populate(10, 3);
    rig.store.fail(|act, key| {
        (act == Act::Create && key.contains("/manifests/")).then_some(Fault::Refused)
    });
    let failure = rig.ask(json!({})).await.unwrap_err();
    assert_eq!(failure.kind, "BucketRefused");
    assert!(
        rig.store.keys("okta/manifests/").is_empty() && !rig.store.keys("okta/data/").is_empty()
    );
    rig.store.heal();
    rig.run().await;
    rig.assert_in_step();
}

#[tokio::test]
async fn a_crash_between_manifest_and_cursor_copy_is_rolled_forward() {
    let rig = Rig::new().await;
    rig.populate(10, 3);
    rig.run().await;
    rig.populate(3, 1);
    rig.store
        .fail(|act, key| (act == Act::Put && key.contains("/cursors/")).then_some(Fault::Refused));
    rig.ask(json!({"mode": "full"})).await.unwrap();
    assert_eq!(rig.store.json("okta/cursors/okta.json")["sequence"], 1);
    rig.store.heal();
    assert_eq!(rig.run().await.sequence, 2);
    assert_eq!(rig.store.json("okta/cursors/okta.json")["sequence"], 2);
    rig.assert_in_step();
}

#[tokio::test]
async fn a_batch_that_cannot_be_stored_commits_nothing() {
    let rig = Rig::new().await;
    rig.populate(10, 3);
    rig.store.fail(|act, key| {
        (act == Act::Put && key.contains("/data/groups/")).then_some(Fault::Refused)
    });
    assert_eq!(rig.ask(json!({})).await.unwrap_err().kind, "BucketRefused");
    assert!(rig.store.keys("okta/manifests/").is_empty());
    rig.store.heal();
    rig.run().await;
    rig.assert_in_step();
}

#[tokio::test]
async fn two_runs_at_once_make_one_history() {
    let rig = Rig::new().await;
    rig.populate(300, 5);
    let (one, two) = tokio::join!(rig.ask(json!({})), rig.ask(json!({})));
    let outcomes = [one.unwrap().outcome, two.unwrap().outcome];
    assert!(
        outcomes.contains(&Outcome::Superseded) && outcomes.contains(&Outcome::Succeeded),
        "{outcomes:?}"
    );
    rig.assert_in_step();
    assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
    rig.assert_in_step();
}

/// Every text in the bucket, batches unpacked.
fn texts(rig: &Rig) -> Vec<String> {
    let text = |body: &Vec<u8>| {
        let mut text = String::new();
        let unpacked =
            std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&body[..]), &mut text);
        unpacked.map_or_else(|_| String::from_utf8_lossy(body).into_owned(), |_| text)
    };
    rig.store
        .objects
        .lock()
        .unwrap()
        .values()
        .map(text)
        .collect()
}

#[tokio::test]
async fn nothing_secret_is_written_not_even_into_a_cursor() {
    let rig = Rig::new().await;
    rig.populate(10, 2);

    for n in 0..30 {
        rig.org().create_idp("OIDC", &format!("IdP {n}"));
        rig.org()
            .create_resource_set(&format!("Set {n}"), &["/api/v1/users"]);
    }
    rig.org().options.latency_ms = 120;
    let mut runs = 0;
    while rig
        .ask_within(json!({}), SignedDuration::from_millis(2_200))
        .await
        .unwrap()
        .go_on
    {
        runs += 1;
        assert!(runs < 30);
    }
    assert!(runs > 0, "the run was not cut");
    let texts = texts(&rig);
    assert!(
        texts
            .iter()
            .any(|text| text.contains("\"is_part\":true") || text.contains("\"lists\":{")),
        "no cursor was cut in a walk"
    );
    for secret in [PASSWORD, "never-to-be-written", "\"_links\""] {
        assert!(texts.iter().all(|text| !text.contains(secret)), "{secret}");
    }
    rig.assert_in_step();
}

#[tokio::test]
async fn a_log_position_that_okta_forgot_costs_and_doubles_no_event() {
    let rig = Rig::new().await;
    rig.populate(5, 1);
    for hours in [100, 30, 3, 1] {
        let published = rig.org().now() - SignedDuration::from_hours(hours);
        rig.org()
            .append_event(Event::new("user.session.start").published_at(published));
    }
    rig.run().await;
    for _ in 0..3 {
        rig.org().append_event(Event::new("user.session.start"));
    }
    let forgotten = r#"{"errorCode":"E0000031","errorSummary":"Invalid search criteria."}"#;
    rig.org().fail(
        "GET /api/v1/logs",
        1,
        Failure::Status(400, forgotten.into()),
    );
    let report = rig.run().await;
    assert_eq!(
        (report.outcome, report.streams["activity"].upserts),
        (Outcome::Succeeded, 3),
        "{report:#?}"
    );
    rig.assert_in_step();
    rig.org().append_event(Event::new("user.session.start"));
    rig.org().reset_counts();
    assert_eq!(rig.run().await.streams["activity"].upserts, 1);
    assert_eq!(rig.requests()["GET /api/v1/logs"], 1);
    rig.assert_in_step();
}

#[tokio::test]
async fn of_a_long_history_only_the_newest_events_are_read_back() {
    let mut rig = Rig::new().await;
    time::stop(&mut rig, &[]);
    for _ in 0..4 {
        rig.org().advance(SignedDuration::from_hours(24));
        rig.org().append_event(Event::new("user.session.start"));
        time::ask(&rig, json!({}), SignedDuration::from_mins(5)).await;
    }
    let late = rig.org().now() - SignedDuration::from_hours(60);
    rig.org()
        .append_event(Event::new("user.session.start").published_at(late));
    time::ask(&rig, json!({}), SignedDuration::from_mins(5)).await;
    let read_back = Arc::<Mutex<u32>>::default();
    let count = Arc::clone(&read_back);
    rig.store.fail(move |act, key| {
        *count.lock().unwrap() += u32::from(act == Act::Get && key.contains("/data/"));
        None
    });
    rig.org().advance(SignedDuration::from_mins(90));
    let forgotten = r#"{"errorCode":"E0000031","errorSummary":"Invalid search criteria."}"#;
    rig.org().fail(
        "GET /api/v1/logs",
        2,
        Failure::Status(400, forgotten.into()),
    );
    rig.org()
        .append_event(Event::new("user.session.start").published_at(late));
    time::ask(&rig, json!({}), SignedDuration::from_mins(5)).await;
    rig.assert_in_step();
    assert_eq!(
        *read_back.lock().unwrap(),
        4,
        "batches since as long ago as the latest event was late"
    );
}

#[tokio::test]
async fn a_role_type_that_okta_does_not_document_becomes_a_role_once_seen() {
    let rig = Rig::new().await;
    let (people, _) = rig.populate(3, 1);
    rig.org()
        .assign_role(&people[0], "MOBILE_ADMIN", &Targets::default())
        .unwrap();
    rig.run().await;
    assert!(rig.ids("roles").contains("MOBILE_ADMIN"));
    rig.ask(json!({"mode": "full", "streams": ["roles"]}))
        .await
        .unwrap();
    assert!(rig.ids("roles").contains("MOBILE_ADMIN"));
    rig.assert_in_step();
}

#[tokio::test]
async fn only_direct_role_assignments_are_records() {
    let rig = Rig::new().await;
    let (people, groups) = rig.populate(4, 1);
    let empty = rig.org().create_group("Empty");
    rig.org()
        .assign_role(&groups[0], "READ_ONLY_ADMIN", &Targets::default())
        .unwrap();
    rig.org()
        .assign_role(&empty, "REPORT_ADMIN", &Targets::default())
        .unwrap();
    let scope = Targets {
        groups: vec![groups[0].clone()],
        ..Targets::default()
    };
    rig.org()
        .assign_role(&people[1], "HELP_DESK_ADMIN", &scope)
        .unwrap();
    rig.run().await;
    rig.assert_in_step();
    assert_eq!(rig.ids("role_assignments").len(), 3);
}

#[tokio::test]
async fn a_check_sends_one_request_a_stream_and_writes_nothing_but_the_status() {
    let rig = Rig::new().await;
    rig.populate(3, 2);
    rig.org().create_idp("OIDC", "Partner");
    rig.org().create_app(NewApp::service("Collector", CLIENT));
    let report = rig.ask(json!({"mode": "check"})).await.unwrap();
    assert_eq!((report.outcome, report.sequence), (Outcome::Succeeded, 0));
    // Usage needs no request; a token needs one.
    let streams = report.streams.len() as u64;
    // What the credential itself gives: its own roles.
    let power = 1;
    assert_eq!(
        report.okta.requests,
        streams + power,
        "{:#?}",
        rig.requests()
    );
    assert!(rig.requests().values().all(|count| *count <= 2));
    assert_eq!(rig.store.keys("").len(), 2, "{:?}", rig.store.keys(""));
    rig.org().deny("/api/v1/idps/**", Denial::AdminRole);
    let report = rig
        .ask(json!({"mode": "check", "streams": ["idps", "users"]}))
        .await
        .unwrap();
    assert_eq!(
        (report.outcome, outcome(&report, "idps")),
        (Outcome::Degraded, Outcome::Unavailable)
    );
    assert_eq!(report.streams.len(), 2);
}

#[tokio::test]
async fn a_feature_that_the_org_lacks_alarms_nobody_and_is_not_asked_for_at_every_run() {
    let rig = Rig::new().await;
    rig.populate(2, 1);
    rig.org()
        .deny("/api/v1/iam/resource-sets/**", Denial::Feature);
    rig.org().deny("/api/v1/iam/resource-sets", Denial::Feature);
    for run in 0..3 {
        rig.org().reset_counts();
        let report = rig.run().await;
        assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
        assert_eq!(outcome(&report, "resource_sets"), Outcome::NotApplicable);
        assert!(
            report.streams["resource_sets"]
                .error
                .as_ref()
                .unwrap()
                .contains("E0000015")
        );
        assert!(run == 0 || report.okta.requests == 1, "{report:#?}");
    }
    rig.org().allow_all();
    let report = rig
        .ask(json!({"mode": "full", "streams": ["resource_sets"]}))
        .await
        .unwrap();
    assert_eq!(outcome(&report, "resource_sets"), Outcome::Succeeded);
    rig.assert_in_step();
}

#[tokio::test]
async fn a_forbidden_stream_is_unavailable_and_never_empty() {
    let rig = Rig::new().await;
    let (people, _) = rig.populate(4, 2);
    rig.org()
        .assign_role(&people[0], "SUPER_ADMIN", &Targets::default())
        .unwrap();
    rig.run().await;
    rig.org().deny("/api/v1/users/*/roles", Denial::AdminRole);
    let report = rig
        .ask(json!({"mode": "full", "streams": ["role_assignments"]}))
        .await
        .unwrap();
    assert_eq!(
        (report.outcome, outcome(&report, "role_assignments")),
        (Outcome::Degraded, Outcome::Unavailable)
    );
    assert!(
        report.streams["role_assignments"]
            .error
            .as_ref()
            .unwrap()
            .contains("admin role")
    );
    assert_eq!(rig.ids("role_assignments").len(), 1);
    rig.org().allow_all();
    assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
    rig.assert_in_step();
}

#[tokio::test]
async fn a_list_that_shrank_is_held_until_it_is_accepted() {
    let rig = Rig::new().await;
    rig.populate(300, 0);
    rig.run().await;
    rig.org().deny("/api/v1/users", Denial::Short(50));
    let report = rig
        .ask(json!({"mode": "full", "streams": ["users"]}))
        .await
        .unwrap();
    assert_eq!(
        (report.outcome, outcome(&report, "users")),
        (Outcome::Degraded, Outcome::Held)
    );
    assert_eq!(rig.ids("users").len(), 300);
    assert_eq!(outcome(&rig.run().await, "users"), Outcome::Held);
    let report = rig.ask(json!({"accept_shrink": ["users"]})).await.unwrap();
    assert_eq!(outcome(&report, "users"), Outcome::Succeeded);
    assert_eq!(rig.ids("users").len(), 50);
}

#[tokio::test]
async fn a_small_stream_is_read_again_when_an_event_says_that_it_has_changed() {
    let rig = Rig::new().await;
    rig.populate(30, 5);
    let old = rig.org().create_idp("OIDC", "Old");
    rig.run().await;
    rig.org().reset_counts();
    let new = rig.org().create_idp("SAML2", "New");
    rig.org().delete_idp(&old);
    let role = rig
        .org()
        .create_custom_role("Auditor", &["okta.users.read"]);
    let report = rig.run().await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
    assert!(
        rig.ids("idps").contains(&new)
            && !rig.ids("idps").contains(&old)
            && rig.ids("roles").contains(&role)
    );
    rig.assert_in_step();
    // The log, the IdPs and their keys, the roles and their permissions: nothing else.
    assert_eq!(report.okta.requests, 5, "{:#?}", rig.requests());
    assert_eq!(rig.run().await.okta.requests, 1);
}

#[tokio::test]
async fn one_group_that_is_refused_or_odd_costs_the_others_nothing() {
    let refused = r#"{"errorCode":"E0000006","errorSummary":"You do not have permission"}"#;
    for (status, body, expected) in [
        (403, refused, Outcome::Unavailable),
        (200, r#"{"odd": 1}"#, Outcome::Failed),
    ] {
        let rig = Rig::new().await;
        let (_, groups) = rig.populate(10, 8);
        let path = format!("GET /api/v1/groups/{}/users", groups[4]);
        rig.org()
            .fail(path.as_str(), 1_000, Failure::Status(status, body.into()));
        let report = rig.run().await;
        assert_eq!(
            (report.outcome, outcome(&report, "group_memberships")),
            (Outcome::Degraded, expected)
        );
        assert!(
            report.streams["group_memberships"]
                .error
                .as_ref()
                .unwrap()
                .contains(&groups[4]),
            "{report:#?}"
        );
        let others = rig
            .org()
            .state()
            .memberships
            .iter()
            .filter(|id| !id.starts_with(&groups[4]))
            .count();
        assert_eq!(rig.ids("group_memberships").len(), others);
        rig.org().heal();
        assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
        rig.assert_in_step();
    }
}
