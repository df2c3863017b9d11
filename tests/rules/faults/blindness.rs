//! Short lists, empty ones and 404 where objects are: what was known is not forgotten for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fake_org::{Denial, Event, Failure, NewApp, Request, Response};
use serde_json::json;

use super::{Deployed, assert_well, error, outcome};
use crate::support::gate;
use crate::support::http::Endpoint;
use crate::support::rig::Rig;

/// Paths whose answer is an empty list while the switch is on.
async fn blind_at(rig: &mut Rig, is_blind: fn(&Request) -> bool) -> (Arc<AtomicBool>, Endpoint) {
    let switch = Arc::new(AtomicBool::new(false));
    let is_on = Arc::clone(&switch);
    let hide = move |request: &Request, response: &mut Response| {
        if is_on.load(Ordering::Relaxed) && response.status == 200 && is_blind(request) {
            response.body = b"[]".to_vec();
            response
                .headers
                .retain(|(name, _)| !name.eq_ignore_ascii_case("link"));
        }
    };
    let gate = gate::before(rig, |_| (), hide).await;
    (switch, gate)
}

#[tokio::test]
async fn an_org_of_which_nothing_is_visible_is_no_success() {
    let all: &[&str] = &["/api/v1/users", "/api/v1/groups", "/api/v1/apps"];
    for (blind, streams) in [
        (all, &["users", "groups", "applications"][..]),
        (&all[..1], &["users"]),
        (&all[2..], &["applications"]),
    ] {
        let rig = Rig::new().await;
        rig.populate(12, 3);
        rig.org()
            .create_app(NewApp::service("Collector", crate::support::rig::CLIENT));
        blind
            .iter()
            .for_each(|path| rig.org().deny(*path, Denial::Short(0)));
        let mut deployed = Deployed::before(rig).await;
        let check = deployed.report(json!({"mode": "check"})).await;
        for stream in streams {
            assert_eq!(outcome(&check, stream), "unavailable", "{check:#}");
            assert!(error(&check, stream).contains("admin role"), "{check:#}");
        }
        if !streams.contains(&"users") {
            continue;
        }
        let report = deployed.run().await;
        assert_eq!(outcome(&report, "users"), "unavailable", "{report:#}");
        let snapshots = deployed
            .read()
            .await
            .manifests
            .into_iter()
            .flat_map(|manifest| manifest.snapshots);
        assert_eq!(
            snapshots
                .filter(|snapshot| streams.contains(&snapshot.stream.as_str()))
                .count(),
            0,
            "{report:#}"
        );
        // Once there is something to see it is read, and nothing has to be accepted.
        deployed.rig.org().allow_all();
        assert_well(&deployed.full().await);
        deployed.assert_in_step().await;
    }
}

#[tokio::test]
async fn a_list_that_has_become_empty_is_held_at_any_size_until_it_is_accepted() {
    let rig = Rig::new().await;
    rig.populate(80, 12);
    let idps: Vec<String> = {
        let mut org = rig.org();
        (0..9).for_each(|n| {
            drop(org.create_app(NewApp::new(
                "oidc_client",
                &format!("App {n}"),
                "OPENID_CONNECT",
            )))
        });
        ["SAML2", "OIDC"]
            .map(|kind| org.create_idp(kind, kind))
            .to_vec()
    };
    let mut deployed = Deployed::before(rig).await;
    assert_well(&deployed.run().await);
    let blind = [
        ("users", "/api/v1/users"),
        ("groups", "/api/v1/groups"),
        ("applications", "/api/v1/apps"),
        ("idps", "/api/v1/idps"),
    ];
    let mut known = Vec::new();
    for (stream, path) in blind {
        known.push(deployed.ids(stream).await);
        deployed.rig.org().deny(path, Denial::Short(0));
    }
    let report = deployed.full().await;
    for ((stream, _), known) in blind.iter().zip(&known) {
        assert!(
            ["held", "unavailable"].contains(&outcome(&report, stream)),
            "{stream}: {report:#}"
        );
        assert_eq!(deployed.ids(stream).await, *known, "{stream}");
    }
    deployed.rig.org().allow_all();
    assert_well(&deployed.full().await);
    deployed.assert_in_step_after_news().await;
    // What is really gone without an event goes when somebody says so.
    deployed
        .rig
        .org()
        .silently(|org| idps.iter().for_each(|idp| assert!(org.delete_idp(idp))));
    let report = deployed.full().await;
    assert_eq!(outcome(&report, "idps"), "held", "{report:#}");
    assert_eq!(deployed.ids("idps").await.len(), 2);
    deployed
        .report(json!({"mode": "full", "accept_shrink": ["idps", "idp_users"]}))
        .await;
    assert_eq!(deployed.ids("idps").await.len(), 0);
}

#[tokio::test]
async fn short_lists_of_a_live_user_take_nothing_from_them() {
    for event in ["user.lifecycle.reactivate", "group.user_membership.add"] {
        let mut rig = Rig::new().await;
        let (people, groups) = rig.populate(8, 4);
        let app = {
            let mut org = rig.org();
            org.create_everyone();
            let app = org.create_app(NewApp::new("oidc_client", "Payroll", "OPENID_CONNECT"));
            people
                .iter()
                .for_each(|person| assert!(org.assign_user(&app, person)));
            app
        };
        let of_a_user = |request: &Request| {
            let is_of_groups =
                request.path.starts_with("/api/v1/users/") && request.path.ends_with("/groups");
            is_of_groups || request.path == "/api/v1/apps" && request.query.contains("user.id")
        };
        let (blind, _gate) = blind_at(&mut rig, of_a_user).await;
        let mut deployed = Deployed::before(rig).await;
        assert_well(&deployed.run().await);
        let before = [
            deployed.ids("group_memberships").await,
            deployed.ids("application_users").await,
        ];
        assert!(before[1].contains(&format!("{app}:{}", people[0])));
        blind.store(true, Ordering::Relaxed);
        {
            let mut org = deployed.rig.org();
            let party = org.user_party(&people[0]);
            let mut event = Event::new(event).on(party);
            if event.event_type.starts_with("group.") {
                let group = org.group_party(&groups[0]);
                event = event.on(group);
            }
            org.append_event(event);
        }
        for _ in 0..2 {
            deployed.run().await;
            let after = [
                deployed.ids("group_memberships").await,
                deployed.ids("application_users").await,
            ];
            assert_eq!(after, before, "{event}");
        }
        blind.store(false, Ordering::Relaxed);
        assert_well(&deployed.full().await);
        deployed.assert_in_step_after_news().await;
    }
}

#[tokio::test]
async fn an_absence_that_is_not_oktas_own_word_forgets_nothing() {
    for absence in [
        Failure::Html(404),
        Failure::Status(404, r#"{"status":404}"#.into()),
        Failure::Status(404, String::new()),
    ] {
        let rig = Rig::new().await;
        let (people, groups) = rig.populate(8, 3);
        let app = {
            let mut org = rig.org();
            let app = org.create_app(NewApp::new("oidc_client", "Payroll", "OPENID_CONNECT"));
            people
                .iter()
                .for_each(|person| assert!(org.assign_user(&app, person)));
            app
        };
        let mut deployed = Deployed::with(rig, &json!({"streams_off": ["factors"]})).await;
        assert_well(&deployed.run().await);
        let streams = [
            "users",
            "groups",
            "group_memberships",
            "applications",
            "application_users",
        ];
        let mut before = Vec::new();
        for stream in streams {
            before.push(deployed.ids(stream).await);
        }
        {
            let mut org = deployed.rig.org();
            for path in [
                format!("GET /api/v1/users/{}", people[2]),
                format!("GET /api/v1/groups/{}/users", groups[1]),
                format!("GET /api/v1/apps/{app}/users"),
                "GET /api/v1/users?lastUpdated".to_owned(),
            ] {
                org.fail(path.as_str(), 1_000, absence.clone());
            }
            assert!(org.update_user(&people[2], |profile| drop(
                profile.insert("title".into(), "Countess".into())
            )));
        }
        let report = deployed.full().await;
        assert_eq!(report["outcome"], "degraded", "{report:#}");
        for (stream, before) in streams.iter().zip(&before) {
            assert_eq!(deployed.ids(stream).await, *before, "{stream}: {absence:?}");
        }
        deployed.rig.org().heal();
        assert_well(&deployed.full().await);
        deployed.assert_in_step_after_news().await;
    }
}
