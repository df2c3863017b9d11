//! Listings that mislead: links that lead elsewhere, nowhere or in a circle, pages that are too much, counts that lie.

use std::io::Write;

use fake_org::{Event, Failure, Matcher, NewApp, Request, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Deployed, assert_alone, assert_well, error, outcome, refused};
use crate::support::gate;
use crate::support::rig::Rig;

/// Says that the page after this one is this one.
fn followed_by_itself(request: &Request, response: &mut Response) {
    response
        .headers
        .retain(|(name, _)| !name.eq_ignore_ascii_case("link"));
    let query = if request.query.is_empty() {
        String::new()
    } else {
        format!("?{}", request.query)
    };
    let link = format!(
        "<https://acme.okta.com{}{query}>; rel=\"next\"",
        request.path
    );
    response.headers.push(("Link".into(), link));
}

#[tokio::test]
async fn a_listing_whose_next_page_is_itself_ends() {
    let mut rig = Rig::new().await;
    let (_, groups) = rig.populate(12, 4);
    let idp = rig.org().create_idp("SAML2", "Partners");
    let (keys, members) = (
        "/api/v1/idps/credentials/keys".to_owned(),
        format!("/api/v1/groups/{}/users", groups[1]),
    );
    let paths = [keys.clone(), members.clone()];
    let circle = move |request: &Request, response: &mut Response| {
        if paths.contains(&request.path) {
            if request.path.ends_with("/keys") {
                response.body = b"[]".to_vec();
            }
            followed_by_itself(request, response);
        }
    };
    let _gate = gate::before(&mut rig, |_| (), circle).await;
    let mut deployed = Deployed::before(rig).await;
    let report = deployed.run().await;
    for path in [&keys, &members] {
        assert!(
            (1..=3).contains(&deployed.asked(path).len()),
            "{path}: {:?}",
            deployed.asked(path)
        );
    }
    // A page of members that comes again may be a mistake: it fails in words, and costs that group alone.
    if outcome(&report, "group_memberships") != "succeeded" {
        assert!(
            error(&report, "group_memberships").contains(&groups[1]),
            "{report:#}"
        );
    }
    assert!(deployed.ids("idps").await.contains(&idp), "{report:#}");
    let expected = deployed.rig.org().state().memberships;
    let expected = expected
        .into_iter()
        .filter(|id| !id.starts_with(&groups[1]));
    assert!(
        expected
            .collect::<std::collections::BTreeSet<_>>()
            .is_subset(&deployed.ids("group_memberships").await)
    );
}

#[tokio::test]
async fn a_page_that_is_too_much_is_halved_and_stays_so_for_its_listing() {
    let rig = Rig::new().await;
    let (people, groups) = rig.populate(600, 1);
    let app = {
        let mut org = rig.org();
        let app = org.create_app(NewApp::new("oidc_client", "Payroll", "OPENID_CONNECT"));
        people
            .iter()
            .for_each(|person| assert!(org.assign_user(&app, person)));
        app
    };
    let members = format!("/api/v1/groups/{}/users", groups[0]);
    let assigned = format!("/api/v1/apps/{app}/users");
    for (path, most, failure) in [
        (&members, 200, Failure::Status(504, String::new())),
        (&assigned, 100, refused(500, "E0000009")),
    ] {
        let matcher = Matcher::from(format!("GET {path}").as_str()).asking_for_more_than(most);
        rig.org().fail(matcher, 1_000, failure);
    }
    let mut deployed = Deployed::with(rig, &json!({"streams_off": ["factors"]})).await;
    assert_well(&deployed.run().await);
    for (path, most) in [(&members, 200), (&assigned, 100)] {
        let limits = deployed.limits(path);
        let worked = limits.iter().position(|limit| *limit <= most).unwrap();
        assert!((2..=5).contains(&worked), "{path}: {limits:?}");
        assert!(
            limits[worked..]
                .iter()
                .all(|limit| *limit == limits[worked]),
            "{path}: {limits:?}"
        );
    }
    deployed.assert_in_step().await;
}

#[tokio::test]
async fn a_count_of_no_members_is_believed_only_of_a_group_that_never_had_any() {
    for stats in [json!({"stats": {"usersCount": 0}}), json!({"stats": null})] {
        let mut rig = Rig::new().await;
        rig.populate(9, 5);
        let miscount = move |request: &Request, response: &mut Response| {
            if let (200, "/api/v1/groups", Value::Array(mut groups)) =
                (response.status, request.path.as_str(), response.value())
            {
                for group in &mut groups {
                    group["_embedded"] = stats.clone();
                    (group["created"], group["lastMembershipUpdated"]) = (
                        "2020-01-01T00:00:00.000Z".into(),
                        "2020-01-02T00:00:00.000Z".into(),
                    );
                }
                response.body = Value::from(groups).to_string().into_bytes();
            }
        };
        let _gate = gate::before(&mut rig, |_| (), miscount).await;
        let mut deployed = Deployed::before(rig).await;
        assert_well(&deployed.run().await);
        assert!(!deployed.ids("group_memberships").await.is_empty());
        deployed.assert_in_step().await;
    }
}

/// Events that happened an hour ago.
fn old_events(rig: &Rig, count: usize) {
    let at = Timestamp::now() - SignedDuration::from_hours(1);
    (0..count).for_each(|_| {
        rig.org()
            .append_event(Event::new("user.session.start").published_at(at))
    });
}

#[tokio::test]
async fn short_pages_of_the_log_are_followed_while_they_hold_anything_old() {
    let mut rig = Rig::new().await;
    old_events(&rig, 900);
    rig.populate(3, 1);
    let cap = |request: &mut Request| {
        if request.path == "/api/v1/logs" {
            request.query = request.query.replace("limit=1000", "limit=100");
        }
    };
    let keep = |request: &Request, response: &mut Response| {
        // The link tells the size that was asked for.
        for (name, value) in &mut response.headers {
            if request.path == "/api/v1/logs" && name.eq_ignore_ascii_case("link") {
                *value = value
                    .replace("limit=100&", "limit=1000&")
                    .replace("limit=100>", "limit=1000>");
            }
        }
    };
    let _gate = gate::before(&mut rig, cap, keep).await;
    let mut deployed = Deployed::before(rig).await;
    let report = deployed.run().await;
    assert_well(&report);
    assert_eq!(report["activity_lag_seconds"], 0);
    deployed.assert_in_step().await;
}

#[tokio::test]
async fn a_log_page_that_says_the_same_twice_doubles_no_event() {
    let mut rig = Rig::new().await;
    rig.populate(3, 1);
    old_events(&rig, 300);
    let stutter = |request: &Request, response: &mut Response| {
        if let (200, "/api/v1/logs", Value::Array(events)) =
            (response.status, request.path.as_str(), response.value())
        {
            let twice: Vec<Value> = events
                .iter()
                .flat_map(|event| [event.clone(), event.clone()])
                .collect();
            response.body = Value::from(twice).to_string().into_bytes();
        }
    };
    let _gate = gate::before(&mut rig, |_| (), stutter).await;
    let mut deployed = Deployed::before(rig).await;
    assert_well(&deployed.run().await);
    deployed.assert_in_step().await;
    let activity = &deployed.read().await.streams["activity"];
    assert_eq!(
        (activity.upserts as usize, activity.repeated.len()),
        (activity.records.len(), 0)
    );
}

#[tokio::test]
async fn a_link_that_has_lost_its_query_is_given_it_back() {
    let mut rig = Rig::new().await;
    old_events(&rig, 140);
    let (people, _) = rig.populate(30, 2);
    people
        .iter()
        .step_by(3)
        .for_each(|person| assert!(rig.org().deactivate_user(person)));
    let cap = |request: &mut Request| {
        request.query = request
            .query
            .replace("limit=200", "limit=7")
            .replace("limit=1000", "limit=20");
    };
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
    let _gate = gate::before(&mut rig, cap, forget).await;
    let mut deployed = Deployed::before(rig).await;
    assert_well(&deployed.run().await);
    assert!(
        deployed
            .asked("/api/v1/users")
            .iter()
            .all(|target| target.contains("filter="))
    );
    assert!(
        deployed
            .asked("/api/v1/logs")
            .iter()
            .all(|target| target.contains("sortOrder=ASCENDING"))
    );
    assert_eq!(deployed.ids("users").await.len(), 30);
    // A short page whose newest event is fresh is the last one of its run.
    for _ in 0..20 {
        if deployed.ids("activity").await.len() == deployed.rig.org().event_uuids().len() {
            break;
        }
        assert_well(&deployed.run().await);
    }
    deployed.assert_in_step().await;
}

#[tokio::test]
async fn the_list_and_the_next_page_of_a_body_are_found_in_every_shape() {
    let mut rig = Rig::new().await;
    let (people, _) = rig.populate(3, 1);
    for n in 0..4 {
        let mut org = rig.org();
        org.create_custom_role(&format!("Role {n}"), &["okta.users.read"]);
        org.create_resource_set(
            &format!("Set {n}"),
            &[&format!("/api/v1/users/{}", people[0])],
        );
    }
    let cap = |request: &mut Request| {
        if ["/api/v1/iam/roles", "/api/v1/iam/resource-sets"].contains(&request.path.as_str()) {
            let others = request
                .query
                .split('&')
                .filter(|pair| !pair.is_empty() && !pair.starts_with("limit="));
            request.query = others.chain(["limit=2"]).collect::<Vec<_>>().join("&");
        }
    };
    let reshape = |request: &Request, response: &mut Response| {
        if let (200, true, Value::Object(mut body)) = (
            response.status,
            request.path.starts_with("/api/v1/iam/"),
            response.value(),
        ) {
            if let Some(next) = body
                .get_mut("_links")
                .and_then(|links| links.get_mut("next"))
            {
                *next = json!([next.clone()]);
            }
            let mut odd = json!({"_embedded": [], "errors": [{"id": "odd"}]});
            odd.as_object_mut().unwrap().extend(body);
            response.body = odd.to_string().into_bytes();
        }
    };
    let _gate = gate::before(&mut rig, cap, reshape).await;
    let mut deployed = Deployed::before(rig).await;
    assert_well(&deployed.run().await);
    assert_eq!(deployed.ids("resource_sets").await.len(), 4);
    deployed.assert_in_step().await;
}

/// Most memory that a run may have.
const MOST_MIB: u64 = 64;

fn assert_small(deployed: &Deployed) {
    if let Some(peak) = deployed.lambda.peak_mib() {
        assert!(peak <= MOST_MIB, "{peak} MiB");
    }
}

/// Bodies just below their bound whose text is small and whose tree is not.
fn trees() -> [String; 4] {
    let many = |piece: &str| piece.repeat((7 << 20) / piece.len());
    [
        format!("[{}0]", many("0,")),
        format!("[{{\"id\":\"x\",\"deep\":[{}0]}}]", many("0,")),
        format!("{{\"a\":0{}}}", many(",\"bcdefgh\":0")),
        format!("{{\"_links\":{{\"next\":[{}0]}}}}", many("0,")),
    ]
}

#[tokio::test]
async fn a_small_text_that_makes_a_large_tree_costs_its_stream_alone() {
    for (status, path) in [
        (200, "/api/v1/idps"),
        (200, "/api/v1/groups"),
        (403, "/api/v1/idps"),
    ] {
        for tree in trees() {
            let mut rig = Rig::new().await;
            rig.populate(5, 1);
            let swell = move |request: &Request, response: &mut Response| {
                if request.path == path {
                    response.status = status;
                    response.body = tree.clone().into_bytes();
                }
            };
            let _gate = gate::before(&mut rig, |_| (), swell).await;
            let mut deployed = Deployed::before(rig).await;
            let report = deployed.run().await;
            assert_eq!(outcome(&report, "users"), "succeeded", "{report:#}");
            assert_small(&deployed);
        }
    }
}

#[tokio::test]
async fn a_body_without_measure_costs_its_stream_alone() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let piece = vec![b' '; 1 << 20];
    (0..300).for_each(|_| encoder.write_all(&piece).unwrap());
    encoder.write_all(b"[]").unwrap();
    let large = encoder.finish().unwrap();
    for (path, streams) in [
        ("/api/v1/idps", &["idps", "idp_users"][..]),
        ("/api/v1/iam/resource-sets", &["resource_sets"]),
    ] {
        let mut rig = Rig::new().await;
        rig.populate(5, 1);
        let large = large.clone();
        let swell = move |request: &Request, response: &mut Response| {
            if request.path == path {
                response.body.clone_from(&large);
                response
                    .headers
                    .push(("Content-Encoding".into(), "gzip".into()));
            }
        };
        let _gate = gate::before(&mut rig, |_| (), swell).await;
        let mut deployed = Deployed::before(rig).await;
        let report = deployed.run().await;
        assert_alone(&report, streams, "failed");
        assert!(error(&report, streams[0]).contains("8 MiB"), "{report:#}");
        assert_small(&deployed);
    }
}
