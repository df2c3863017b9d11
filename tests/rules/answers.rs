//! Answers that are not what they seem: each costs what it has to do with, and nothing is forgotten for it.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use fake_org::{Class, Client, Event, Failure, Limits, Matcher, NewApp, Request, Response};
use jiff::SignedDuration;
use okta_authomize::invocation::{Outcome, Report};
use serde_json::{Value, json};

use crate::support::rig::{CLIENT, PASSWORD, Rig, outcome, secret};
use crate::support::{gate, time};

const TOKEN: &str = "POST /oauth2/v1/token";

fn code(code: &str) -> String {
    format!(r#"{{"errorCode":"{code}","errorSummary":"Of no matter"}}"#)
}

/// A person, a group and an app that have to do with each other.
struct Known {
    person: String,
    group: String,
    app: String,
}

async fn rig_of_ties() -> (Rig, Known) {
    let rig = Rig::new().await;
    let (people, groups) = rig.populate(12, 3);
    let app = {
        let mut org = rig.org();
        let app = org.create_app(NewApp::new("oidc_client", "Payroll", "OPENID_CONNECT"));
        people
            .iter()
            .for_each(|person| assert!(org.assign_user(&app, person)));
        assert!(org.assign_group(&app, &groups[0]));
        app
    };
    assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
    rig.assert_in_step();
    (
        rig,
        Known {
            person: people[3].clone(),
            group: groups[0].clone(),
            app,
        },
    )
}

fn everything(rig: &Rig) -> Vec<(String, usize)> {
    [
        "users",
        "groups",
        "group_memberships",
        "applications",
        "application_users",
        "application_groups",
    ]
    .map(|stream| (stream.to_owned(), rig.ids(stream).len()))
    .to_vec()
}

/// How often a path was asked for, whatever its query.
fn asked(rig: &Rig, path: &str) -> Vec<String> {
    let org = rig.org();
    let targets = org.journal().iter().map(|entry| entry.target.clone());
    targets
        .filter(|target| target.split('?').next() == Some(path))
        .collect()
}

fn limits(rig: &Rig, path: &str) -> Vec<u64> {
    let limit = |target: &String| {
        target
            .split(['?', '&'])
            .find_map(|pair| pair.strip_prefix("limit=")?.parse().ok())
    };
    asked(rig, path).iter().filter_map(limit).collect()
}

/// Asserts that all streams but `stream` succeeded.
fn assert_alone(report: &Report, stream: &str, expected: Outcome) {
    for (name, one) in &report.streams {
        let wanted = if name == stream {
            expected
        } else {
            Outcome::Succeeded
        };
        assert_eq!(one.outcome, wanted, "{name}: {report:#?}");
    }
}

/// Asserts that the reader is in step after something else than the collector's own token grants was logged.
async fn assert_in_step_after_news(rig: &Rig) {
    rig.org().append_event(Event::new("user.session.start"));
    assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
    rig.assert_in_step();
}

#[tokio::test]
async fn an_absence_that_is_not_oktas_own_word_forgets_nothing() {
    let absences = [
        Failure::Html(404),
        Failure::Status(404, r#"{"status":404,"message":"Not Found"}"#.into()),
        Failure::Status(404, String::new()),
    ];
    for absence in absences {
        let (rig, known) = rig_of_ties().await;
        let before = everything(&rig);
        {
            let mut org = rig.org();
            let path = format!("GET /api/v1/users/{}", known.person);
            org.fail(path.as_str(), 1_000, absence.clone());
            org.fail("GET /api/v1/users?lastUpdated", 1_000, absence.clone());
            org.fail("GET /api/v1/groups/*/users", 1_000, absence.clone());
            org.fail("GET /api/v1/apps/*/users", 1_000, absence.clone());
            org.fail("GET /api/v1/apps/*/groups", 1_000, absence.clone());
            org.update_user(&known.person, |profile| {
                drop(profile.insert("title".into(), "Countess".into()))
            });
        }
        let report = rig.ask(json!({"mode": "full"})).await.unwrap();
        assert_eq!(report.outcome, Outcome::Degraded, "{report:#?}");
        assert_eq!(everything(&rig), before, "{absence:?}");
        assert!(
            rig.ids("application_users")
                .iter()
                .any(|id| id.starts_with(&known.app))
        );
        assert!(
            rig.ids("group_memberships")
                .iter()
                .any(|id| id.starts_with(&known.group))
        );
        rig.org().heal();
        assert_eq!(
            rig.ask(json!({"mode": "full"})).await.unwrap().outcome,
            Outcome::Succeeded
        );
        rig.assert_in_step();
    }
}

#[tokio::test]
async fn a_forbidden_page_that_is_not_forbidden_again_costs_nothing() {
    for (failure, tokens) in [
        (Failure::Status(403, code("E0000005")), 2),
        (Failure::Status(403, code("E0000006")), 1),
        (Failure::Html(403), 1),
        (
            Failure::Answer(
                401,
                vec![(
                    "WWW-Authenticate".into(),
                    "Bearer error=\"invalid_token\"".into(),
                )],
                String::new(),
            ),
            2,
        ),
    ] {
        let rig = Rig::new().await;
        rig.populate(500, 1);
        rig.org()
            .fail("GET /api/v1/users?after=", 1, failure.clone());
        let report = rig.run().await;
        assert_eq!(
            report.outcome,
            Outcome::Succeeded,
            "{failure:?}: {report:#?}"
        );
        assert_eq!(rig.org().counts().of(TOKEN), tokens, "{failure:?}");
        assert_in_step_after_news(&rig).await;
    }
}

#[tokio::test]
async fn a_session_that_is_refused_in_mid_listing_goes_on_at_its_page() {
    for failure in [Failure::Status(403, code("E0000005")), Failure::Html(403)] {
        let rig = Rig::new().await;
        rig.without(&["factors"]);
        rig.populate(500, 1);
        rig.org()
            .fail("GET /api/v1/users?after=", 1_000, failure.clone());
        let report = rig.run().await;
        assert_eq!(outcome(&report, "users"), Outcome::Failed, "{report:#?}");
        assert!(rig.org().counts().of(TOKEN) <= 2);
        rig.org().heal();
        rig.org().reset_counts();
        assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
        assert_eq!(
            rig.requests()["GET /api/v1/users"],
            2,
            "the first page was read again"
        );
        rig.assert_in_step();
    }
}

#[tokio::test]
async fn only_a_position_that_is_refused_twice_by_name_is_lost() {
    let dpop = "DPoP algs=\"ES256\", error=\"invalid_dpop_proof\", error_description=\"x\"";
    for (failure, times, since) in [
        (
            Failure::Answer(
                400,
                vec![("WWW-Authenticate".into(), dpop.into())],
                String::new(),
            ),
            1,
            1,
        ),
        (Failure::Status(400, code("E0000031")), 1, 1),
        (Failure::Status(400, code("E0000029")), 1, 1),
        (Failure::Status(400, code("E0000029")), 2, 2),
    ] {
        let rig = Rig::new().await;
        rig.without(&["factors"]);
        rig.populate(500, 1);
        rig.org()
            .fail("GET /api/v1/users?after=", times, failure.clone());
        assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
        let firsts = asked(&rig, "/api/v1/users")
            .iter()
            .filter(|target| !target.contains("after="))
            .count();
        assert_eq!(
            firsts, since,
            "{failure:?} {times}: how often the listing began"
        );
        assert_in_step_after_news(&rig).await;
    }
}

#[tokio::test]
async fn a_question_that_is_refused_in_mid_listing_keeps_its_position() {
    let rig = Rig::new().await;
    rig.without(&["factors"]);
    rig.populate(500, 1);
    rig.org().fail(
        "GET /api/v1/users?after=",
        1_000,
        Failure::Status(400, String::new()),
    );
    assert_eq!(outcome(&rig.run().await, "users"), Outcome::Failed);
    rig.org().heal();
    rig.org().reset_counts();
    assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
    assert_eq!(rig.requests()["GET /api/v1/users"], 2);
    rig.assert_in_step();
}

#[tokio::test]
async fn an_endpoint_that_does_not_take_the_token_costs_its_streams_alone() {
    let refused = r#"{"errorCode":"E0000011","errorSummary":"Invalid token provided"}"#;
    for (path, stream) in [
        ("GET /api/v1/iam/resource-sets", "resource_sets"),
        ("GET /api/v1/idps/*/users", "idp_users"),
        ("GET /api/v1/apps/*/groups", "application_groups"),
    ] {
        for by_token in [false, true] {
            let (rig, _) = rig_of_ties().await;
            let idp = rig.org().create_idp("OIDC", "Partners");
            assert!(!idp.is_empty());
            if by_token {
                rig.org().add_api_token("00api-token");
                let mut content = secret();
                content["token"] = "00api-token".into();
                content
                    .as_object_mut()
                    .unwrap()
                    .retain(|key, _| !key.starts_with("client_"));
                rig.secrets.put("okta/acme", &content);
            }
            rig.org().reset_counts();
            rig.org()
                .fail(path, 1_000, Failure::Status(401, refused.into()));
            let report = rig.ask(json!({"mode": "full"})).await.unwrap();
            assert_alone(&report, stream, Outcome::Unavailable);
            assert!(
                report.streams[stream]
                    .error
                    .as_ref()
                    .unwrap()
                    .contains("this endpoint alone"),
                "{report:#?}"
            );
            assert!(rig.org().counts().of(TOKEN) <= 1);
            rig.org().heal();
            assert_eq!(
                rig.ask(json!({"mode": "full"})).await.unwrap().outcome,
                Outcome::Succeeded
            );
            rig.assert_in_step();
        }
    }
}

#[tokio::test]
async fn decoration_that_is_refused_is_left_out() {
    for (status, body) in [
        (400, code("E0000021")),
        (415, String::new()),
        (400, String::new()),
    ] {
        let mut rig = Rig::new().await;
        rig.populate(450, 3);
        let refuse = move |request: &Request, response: &mut Response| {
            let media = request.header_value("content-type").unwrap_or_default();
            if request.method == "GET"
                && (media.contains("okta-response") || request.query.contains("expand=stats"))
            {
                *response = Response {
                    status,
                    body: body.clone().into_bytes(),
                    ..Response::default()
                };
            }
        };
        let _gate = gate::before(&mut rig, |_| (), refuse).await;
        rig.restart(&[]);
        let report = rig.run().await;
        assert_eq!(report.outcome, Outcome::Succeeded, "{status}: {report:#?}");
        rig.assert_in_step();
        // Two listings of three pages: one refusal each at most.
        assert!(
            rig.requests()["GET /api/v1/users"] <= 8,
            "{:?}",
            rig.requests()
        );
    }
}

#[tokio::test]
async fn decoration_that_breaks_every_answer_is_left_out() {
    let rig = Rig::new().await;
    rig.populate(450, 250);
    rig.org().fail(
        "GET /api/v1/groups?expand=stats",
        1_000,
        Failure::Status(500, code("E0000009")),
    );
    let report = rig.run().await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
    rig.assert_in_step();
    // Down to the floor with it, then whole pages without.
    assert_eq!(
        limits(&rig, "/api/v1/groups")[..7],
        [200, 200, 100, 50, 25, 12, 10]
    );
    assert_eq!(limits(&rig, "/api/v1/groups")[7..], [200, 200]);
}

#[tokio::test]
async fn the_list_of_a_body_is_the_one_that_its_path_names() {
    let mut rig = Rig::new().await;
    let (people, _) = rig.populate(4, 1);
    {
        let mut org = rig.org();
        for n in 0..3 {
            let role = org.create_custom_role(&format!("Role {n}"), &["okta.users.read"]);
            let set = org.create_resource_set(
                &format!("Set {n}"),
                &[&format!("/api/v1/users/{}", people[0])],
            );
            assert!(org.assign_custom_role(&people[n], &role, &set).is_some());
        }
    }
    let wrap = |request: &Request, response: &mut Response| {
        if let (200, Value::Object(body)) = (response.status, response.value())
            && request.path.starts_with("/api/v1/iam/")
            && body.values().any(Value::is_array)
        {
            let mut odd = json!({"_embedded": [], "errors": [], "warnings": [{"id": "odd"}]});
            odd.as_object_mut().unwrap().extend(body);
            response.body = odd.to_string().into_bytes();
        }
    };
    let _gate = gate::before(&mut rig, |_| (), wrap).await;
    rig.restart(&[]);
    assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
    rig.assert_in_step();
    assert_eq!(rig.ids("resource_sets").len(), 3);
}

#[tokio::test]
async fn a_body_of_another_shape_fails_in_words_and_ends_no_listing() {
    for (path, stream, body) in [
        (
            "/api/v1/iam/resource-sets",
            "resource_sets",
            json!({"resource-sets": {"0": {}}}),
        ),
        (
            "/api/v1/iam/resource-sets",
            "resource_sets",
            json!({"resource-sets": [], "_links": {"next": {"url": "/x"}}}),
        ),
        ("/api/v1/iam/roles", "roles", json!({"items": []})),
        ("/api/v1/idps", "idps", json!({"value": []})),
        ("/api/v1/idps", "idps", json!("soon")),
    ] {
        let (mut rig, _) = rig_of_ties().await;
        let text = body.to_string();
        let change = move |request: &Request, response: &mut Response| {
            if request.path == path {
                response.body = text.clone().into_bytes();
            }
        };
        let before = rig.ids(stream);
        let _gate = gate::before(&mut rig, |_| (), change).await;
        rig.restart(&[]);
        let report = rig.ask(json!({"mode": "full"})).await.unwrap();
        assert_eq!(
            outcome(&report, stream),
            Outcome::Failed,
            "{path} {body}: {report:#?}"
        );
        assert!(report.streams[stream].error.is_some());
        assert_eq!(rig.ids(stream), before, "{path} {body}");
    }
}

/// A JSON list of so many MiB of blanks, compressed.
fn blanks(mib: usize) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let piece = vec![b' '; 1 << 20];
    (0..mib).for_each(|_| encoder.write_all(&piece).unwrap());
    encoder.write_all(b"[]").unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_body_without_measure_is_asked_for_in_smaller_pieces() {
    let mut rig = Rig::new().await;
    rig.without(&["factors"]);
    rig.populate(130, 2);
    let large = blanks(300);
    let swell = move |request: &Request, response: &mut Response| {
        let limit = request
            .query
            .split('&')
            .find_map(|pair| pair.strip_prefix("limit=")?.parse().ok());
        if request.path == "/api/v1/users" && limit.is_some_and(|limit: u64| limit > 50) {
            response.body.clone_from(&large);
            response
                .headers
                .push(("Content-Encoding".into(), "gzip".into()));
        }
    };
    let _gate = gate::before(&mut rig, |_| (), swell).await;
    rig.restart(&[]);
    let report = rig.run().await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
    assert_eq!(limits(&rig, "/api/v1/users"), [200, 100, 50, 50, 50]);
    rig.assert_in_step();
}

#[tokio::test]
async fn a_body_without_measure_and_without_pages_costs_its_object_alone() {
    let (mut rig, known) = rig_of_ties().await;
    let (large, path) = (
        blanks(65),
        format!("/api/v1/users/{}/factors", known.person),
    );
    let sent = std::sync::Arc::new(AtomicU64::new(0));
    let counted = std::sync::Arc::clone(&sent);
    let swell = move |request: &Request, response: &mut Response| {
        if request.path == path {
            counted.fetch_add(1, Ordering::Relaxed);
            response.body.clone_from(&large);
            response
                .headers
                .push(("Content-Encoding".into(), "gzip".into()));
        }
    };
    let _gate = gate::before(&mut rig, |_| (), swell).await;
    rig.restart(&[]);
    let report = rig.ask(json!({"mode": "full"})).await.unwrap();
    assert_alone(&report, "factors", Outcome::Failed);
    assert!(
        report.streams["factors"]
            .error
            .as_ref()
            .unwrap()
            .contains("8 MiB"),
        "{report:#?}"
    );
    assert_eq!(
        sent.load(Ordering::Relaxed),
        1,
        "what is too large stays so"
    );
}

#[tokio::test]
async fn a_page_that_is_too_much_is_halved_until_it_answers() {
    for (path, target, floor, failure) in [
        (
            "/api/v1/groups/{group}/users",
            "members",
            200,
            Failure::Status(504, String::new()),
        ),
        (
            "/api/v1/users",
            "users",
            50,
            Failure::Status(500, code("E0000009")),
        ),
        (
            "/api/v1/apps/{app}/users",
            "app users",
            100,
            Failure::Truncate,
        ),
        (
            "/api/v1/logs",
            "log",
            300,
            Failure::Status(500, code("E0000009")),
        ),
    ] {
        let rig = Rig::new().await;
        let (people, groups) = rig.populate(700, 1);
        let app = {
            let mut org = rig.org();
            let app = org.create_app(NewApp::new("oidc_client", "Payroll", "OPENID_CONNECT"));
            people
                .iter()
                .for_each(|person| assert!(org.assign_user(&app, person)));
            app
        };
        let path = path.replace("{group}", &groups[0]).replace("{app}", &app);
        rig.without(&["factors"]);
        let matcher = Matcher::from(format!("GET {path}").as_str()).asking_for_more_than(floor);
        rig.org().fail(matcher, 1_000, failure);
        let mut report = rig.run().await;
        for _ in 0..20 {
            if report.outcome == Outcome::Succeeded
                && rig.ids("activity").len() == rig.org().event_uuids().len()
            {
                break;
            }
            report = rig.run().await;
        }
        assert_eq!(report.outcome, Outcome::Succeeded, "{target}: {report:#?}");
        rig.assert_in_step();
        let limits = limits(&rig, &path);
        let worked = limits.iter().position(|limit| *limit <= floor).unwrap();
        assert!((2..=5).contains(&worked), "{target}: {limits:?}");
        if target != "log" {
            assert!(
                limits[worked..]
                    .iter()
                    .all(|limit| *limit == limits[worked]),
                "{target}: {limits:?}"
            );
        }
    }
}

#[tokio::test]
async fn one_failure_makes_no_page_smaller() {
    let rig = Rig::new().await;
    rig.without(&["factors"]);
    rig.populate(450, 1);
    rig.org()
        .fail("GET /api/v1/users", 1, Failure::Status(504, String::new()));
    assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
    assert_eq!(limits(&rig, "/api/v1/users"), [200; 4]);
}

#[tokio::test]
async fn slow_is_not_dead() {
    let mut rig = Rig::new().await;
    rig.populate(3, 2);
    for n in 0..30 {
        rig.org().create_app(NewApp::new(
            "oidc_client",
            &format!("App {n}"),
            "OPENID_CONNECT",
        ));
    }
    // Every answer takes 45 s; one for more than 100 never comes within 60.
    rig.org().fail(
        Matcher::from("GET /api/v1/apps").asking_for_more_than(100),
        1_000,
        Failure::Stall(75_000),
    );
    rig.org()
        .fail("GET /api/v1/apps", 1_000, Failure::Stall(45_000));
    rig.org()
        .fail("GET /api/v1/idps", 1_000, Failure::Stall(59_000));
    let _time = time::hurry(&mut rig, &[]);
    let report = time::ask(&rig, json!({}), SignedDuration::from_mins(14)).await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
    rig.assert_in_step();
    assert_eq!(limits(&rig, "/api/v1/apps"), [200, 100]);
}

#[tokio::test]
async fn a_link_that_has_lost_its_query_is_given_it_back() {
    let mut rig = Rig::new().await;
    let (people, _) = rig.populate(450, 2);
    people
        .iter()
        .step_by(3)
        .for_each(|person| assert!(rig.org().deactivate_user(person)));
    let forget = |_: &Request, response: &mut Response| {
        for (_, value) in response
            .headers
            .iter_mut()
            .filter(|(name, _)| name.eq_ignore_ascii_case("link"))
        {
            let Some((start, rest)) = value.split_once('?') else {
                continue;
            };
            let Some((query, end)) = rest.split_once('>') else {
                continue;
            };
            let after = query
                .split('&')
                .find(|pair| pair.starts_with("after="))
                .unwrap_or_default();
            *value = format!("{start}?{after}>{end}");
        }
    };
    let _gate = gate::before(&mut rig, |_| (), forget).await;
    rig.restart(&[]);
    assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
    rig.assert_in_step();
    assert_eq!(rig.ids("users").len(), 450);
    assert!(
        asked(&rig, "/api/v1/users")
            .iter()
            .all(|target| target.contains("filter=") && target.contains("limit=200"))
    );
}

#[tokio::test]
async fn a_reset_that_is_a_day_away_is_a_mistake() {
    let never = vec![("Retry-After".into(), "86400".into())];
    for failure in [
        Failure::RateLimited {
            limit: 600,
            reset_in_seconds: 86_400,
        },
        Failure::Answer(429, never, String::new()),
    ] {
        let mut rig = Rig::new().await;
        rig.populate(5, 3);
        rig.org().options.limits = Limits::none().set(Class::Groups, 1_000);
        for path in ["GET /api/v1/groups/*/users", "GET /api/v1/users", TOKEN] {
            rig.org().fail(path, 1, failure.clone());
        }
        let _time = time::hurry(&mut rig, &[]);
        let report = time::ask(&rig, json!({}), SignedDuration::from_mins(5)).await;
        assert_eq!(
            report.outcome,
            Outcome::Succeeded,
            "{failure:?}: {report:#?}"
        );
        assert!(
            report.duration_ms < 90_000,
            "{failure:?}: {} ms",
            report.duration_ms
        );
        rig.assert_in_step();
    }
}

#[tokio::test]
async fn no_wait_outlives_its_run() {
    let later = vec![("Retry-After".into(), "500".into())];
    for failure in [
        Failure::RateLimited {
            limit: 600,
            reset_in_seconds: 500,
        },
        Failure::Answer(429, later, String::new()),
    ] {
        let mut rig = Rig::new().await;
        rig.populate(5, 3);
        rig.org().fail("GET /api/v1/users", 1, failure.clone());
        let _time = time::hurry(&mut rig, &[]);
        let report = time::ask(&rig, json!({}), SignedDuration::from_secs(100)).await;
        assert_eq!(
            (report.outcome, report.go_on),
            (Outcome::Partial, false),
            "{failure:?}: {report:#?}"
        );
        assert!(
            report
                .retry_after_seconds
                .is_some_and(|seconds| (300..=502).contains(&seconds)),
            "{report:#?}"
        );
        let report = time::ask(&rig, json!({}), SignedDuration::from_secs(100)).await;
        assert_eq!(
            report.outcome,
            Outcome::Succeeded,
            "{failure:?}: {report:#?}"
        );
        assert!(
            report.duration_ms < 70_000,
            "{failure:?}: {} ms",
            report.duration_ms
        );
        rig.assert_in_step();
    }
}

#[tokio::test]
async fn a_server_that_refuses_for_ever_is_not_asked_for_ever() {
    let mut rig = Rig::new().await;
    rig.populate(3, 1);
    rig.org().fail(
        "GET /api/v1/idps",
        1_000_000,
        Failure::Answer(429, Vec::new(), String::new()),
    );
    rig.org().fail(
        "GET /api/v1/apps",
        1_000_000,
        Failure::Answer(429, vec![("Retry-After".into(), "1".into())], String::new()),
    );
    let _time = time::hurry(&mut rig, &[]);
    let report = time::ask(&rig, json!({}), SignedDuration::from_mins(14)).await;
    assert_eq!(outcome(&report, "users"), Outcome::Succeeded, "{report:#?}");
    assert!(
        rig.requests()["GET /api/v1/idps"] <= 40 && rig.requests()["GET /api/v1/apps"] <= 40,
        "{:?}",
        rig.requests()
    );
    rig.org().add_client(Client::with_secret(CLIENT, PASSWORD));
    rig.org().heal();
    assert_eq!(
        time::ask(&rig, json!({}), SignedDuration::from_mins(5))
            .await
            .outcome,
        Outcome::Succeeded
    );
    rig.assert_in_step();
}
