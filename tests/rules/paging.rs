//! Listings: read to their end whatever their links look like, and from the start again where a position is lost.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use fake_org::{Failure, LinkForm, LinkHost, Links, NewApp, NewUser, Request, Targets};
use okta_authomize::invocation::Outcome;
use serde_json::{Value, json};

use crate::support::http::Endpoint;
use crate::support::rig::{Rig, outcome};
use crate::support::{gate, meanwhile};

const PAGE: u32 = 5;

/// A rig whose org answers with short pages.
async fn rig_of_short_pages() -> (Rig, Endpoint) {
    let mut rig = Rig::new().await;
    let gate = gate::capping(&mut rig, PAGE).await;
    rig.restart(&[]);
    // Factors walk the listing of users once more.
    rig.without(&["factors"]);
    (rig, gate)
}

/// So many people, groups, applications, identity providers and roles, with all that ties them together.
fn furnish(rig: &Rig, count: usize) {
    let (people, groups) = rig.populate(count, count);
    let mut org = rig.org();
    let idp = org.create_idp("OIDC", "Partners");
    let apps: Vec<_> = (0..count)
        .map(|n| {
            org.create_app(NewApp::new(
                "oidc_client",
                &format!("App {n}"),
                "OPENID_CONNECT",
            ))
        })
        .collect();
    for (n, (person, group)) in people.iter().zip(&groups).enumerate() {
        org.create_idp("SAML2", &format!("IdP {n}"));
        assert!(org.link_idp_user(&idp, person) && org.assign_user(&apps[0], person));
        assert!(org.assign_group(&apps[1], group));
        let role = org.create_custom_role(
            &format!("Role {n}"),
            &["okta.users.read", "okta.groups.read"],
        );
        let paths = people
            .iter()
            .map(|person| format!("/api/v1/users/{person}"))
            .collect::<Vec<_>>();
        let set = org.create_resource_set(
            &format!("Set {n}"),
            &paths.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        assert!(org.assign_custom_role(person, &role, &set).is_some());
        assert!(
            org.assign_role(
                group,
                "USER_ADMIN",
                &Targets {
                    groups: groups.clone(),
                    ..Targets::default()
                }
            )
            .is_some()
        );
    }
}

fn every_style() -> Vec<Links> {
    let hosts = [
        LinkHost::Org,
        LinkHost::Admin,
        LinkHost::Other("https://login.acme.com".into()),
    ];
    let mut styles = Vec::new();
    for bits in 0..16 {
        let is = |bit: u32| bits & (1 << bit) != 0;
        let form = if is(0) {
            LinkForm::Joined
        } else {
            LinkForm::Separate
        };
        for host in hosts.clone() {
            let (without_self, next_first, next_after_last) = (is(1), is(2), is(3));
            styles.push(Links {
                form,
                without_self,
                next_first,
                host,
                next_after_last,
            });
        }
    }
    styles
}

/// The complete snapshots of a stream, as manifests declare them: (manifest, since).
fn snapshots(rig: &Rig, stream: &str) -> Vec<(u64, u64)> {
    let of_stream =
        |snapshot: &&Value| snapshot["stream"] == stream && snapshot.get("scope").is_none();
    let manifests = rig
        .store
        .keys("okta/manifests/")
        .into_iter()
        .map(|key| rig.store.json(&key));
    let declared = manifests.flat_map(|manifest| {
        let sequence = manifest["sequence"].as_u64().unwrap();
        let snapshots = manifest["snapshots"].as_array().unwrap().clone();
        let since: Vec<_> = snapshots
            .iter()
            .filter(of_stream)
            .map(|snapshot| snapshot["since_sequence"].clone())
            .collect();
        since
            .into_iter()
            .map(move |since| (sequence, since.as_u64().unwrap()))
    });
    declared.collect()
}

#[tokio::test]
async fn links_of_every_form_are_followed_to_the_end() {
    let (rig, _gate) = rig_of_short_pages().await;
    furnish(&rig, 6);
    for style in every_style() {
        rig.org().options.links = style.clone();
        rig.store.objects.lock().unwrap().clear();
        let report = rig.run().await;
        assert_eq!(report.outcome, Outcome::Succeeded, "{style:?}: {report:#?}");
        rig.assert_in_step();
        for (stream, part) in [
            ("resource_sets", "resources"),
            ("role_assignments", "targets"),
        ] {
            let records = rig.read().streams[stream].records.clone();
            let parts = records
                .values()
                .map(|line| line.record["source"][part].as_array().map_or(0, Vec::len));
            assert_eq!(parts.sum::<usize>(), 36, "{style:?}: {part} of {stream}");
        }
    }
}

#[tokio::test]
async fn pages_shorter_than_asked_for_lose_nothing() {
    let (rig, _gate) = rig_of_short_pages().await;
    // Exactly full last pages, one more, and one less.
    for (people, groups) in [(10, 5), (1, 1), (3, 3)] {
        rig.populate(people, groups);
        rig.org().reset_counts();
        assert_eq!(
            rig.ask(json!({"mode": "full"})).await.unwrap().outcome,
            Outcome::Succeeded
        );
        rig.assert_in_step();
        let users = rig.org().state().users.len() as u64;
        // A last page that is exactly full is asked on once.
        let asked_on = u64::from(users.is_multiple_of(PAGE.into()));
        assert_eq!(
            rig.requests()["GET /api/v1/users"],
            users.div_ceil(PAGE.into()) + asked_on
        );
    }
}

#[tokio::test]
async fn a_link_behind_the_last_object_leads_to_an_empty_page_and_no_further() {
    let (rig, _gate) = rig_of_short_pages().await;
    rig.org().options.links.next_after_last = true;
    rig.populate(10, 0);
    assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
    assert_eq!(
        (rig.requests()["GET /api/v1/users"], rig.ids("users").len()),
        (3, 10)
    );
}

#[tokio::test]
async fn a_position_that_expires_in_mid_run_begins_the_snapshot_again() {
    for (template, stream) in [
        ("GET /api/v1/users", "users"),
        ("GET /api/v1/groups", "groups"),
        ("GET /api/v1/apps", "applications"),
        ("GET /api/v1/iam/resource-sets", "resource_sets"),
        ("GET /api/v1/idps", "idps"),
    ] {
        let mut rig = Rig::new().await;
        // The third request for the listing is the first to find its position lost.
        let path = template.replace("GET ", "");
        let (org, asked) = (Arc::clone(&rig.org), AtomicU64::new(0));
        let expire = move |request: &mut Request| {
            gate::cap(request, PAGE);
            if request.path == path && asked.fetch_add(1, Ordering::Relaxed) == 2 {
                org.lock().unwrap().expire_cursors();
            }
        };
        let _gate = gate::before(&mut rig, expire, |_, _| ()).await;
        rig.restart(&[]);
        rig.without(&["factors"]);
        furnish(&rig, 12);
        let report = rig.run().await;
        assert_eq!(
            (report.outcome, report.go_on),
            (Outcome::Succeeded, false),
            "{report:#?}"
        );
        assert!(rig.org().counts().statuses[&400] > 0);
        let declared = snapshots(&rig, stream);
        assert!(declared.len() == 1, "{declared:?}");
        let path = template.replace("GET ", "");
        let is_first =
            |target: &&str| target.split('?').next() == Some(&path) && !target.contains("after=");
        let firsts = rig
            .org()
            .journal()
            .iter()
            .map(|entry| entry.target.as_str())
            .filter(is_first)
            .count();
        assert_eq!(firsts, 2, "{stream}: the listing begins again");
        rig.assert_in_step();
    }
}

#[tokio::test]
async fn a_position_that_expires_between_runs_begins_the_snapshot_again() {
    let (mut rig, _gate) = rig_of_short_pages().await;
    let (people, _) = rig.populate(23, 0);
    // The first run gets two pages, and has no time for the third.
    let busy = Failure::RateLimited {
        limit: 600,
        reset_in_seconds: 500,
    };
    rig.org().options.latency_ms = 3;
    let limited = meanwhile::after(&rig.org, "GET /api/v1/users", 2, move |org| {
        org.fail("GET /api/v1/users", 1, busy);
    });
    let report = rig.run().await;
    assert!(limited.is_finished());
    assert_eq!(
        (report.outcome, report.go_on),
        (Outcome::Partial, false),
        "{report:#?}"
    );
    assert!(rig.ids("users").len() < people.len() && snapshots(&rig, "users").is_empty());
    rig.org().expire_cursors();
    // Only a snapshot that began anew can tell that this one is gone.
    rig.org().silently(|org| org.delete_user(&people[0]));
    rig.restart(&[]);
    let report = rig.run().await;
    assert_eq!(
        (report.outcome, report.go_on),
        (Outcome::Succeeded, false),
        "{report:#?}"
    );
    assert!(matches!(snapshots(&rig, "users")[..], [(_, since)] if since > 1));
    let read = rig.ids("users");
    assert_eq!(read, rig.org().state().users.into_iter().collect());
}

#[tokio::test]
async fn a_members_position_that_expires_costs_that_group_alone() {
    let (rig, _gate) = rig_of_short_pages().await;
    rig.populate(12, 4);
    let expired = r#"{"errorCode":"E0000031","errorSummary":"Invalid search criteria."}"#;
    rig.org().fail(
        "GET /api/v1/groups/*/users?after=",
        2,
        Failure::Status(400, expired.into()),
    );
    let report = rig.run().await;
    assert_eq!(
        (report.outcome, report.go_on),
        (Outcome::Succeeded, false),
        "{report:#?}"
    );
    assert_eq!(rig.requests()["GET /api/v1/groups"], 1);
    rig.assert_in_step();
}

#[tokio::test]
async fn one_group_whose_positions_never_hold_costs_the_others_nothing() {
    let (rig, _gate) = rig_of_short_pages().await;
    let (_, groups) = rig.populate(12, 4);
    let odd = r#"{"errorCode":"E0000001","errorSummary":"Api validation failed"}"#;
    let path = format!("GET /api/v1/groups/{}/users?after=", groups[0]);
    rig.org()
        .fail(path.as_str(), 1_000_000, Failure::Status(400, odd.into()));
    let report = rig.run().await;
    assert_eq!(
        (report.outcome, outcome(&report, "group_memberships")),
        (Outcome::Degraded, Outcome::Failed)
    );
    assert!(
        report.streams["group_memberships"]
            .error
            .as_ref()
            .unwrap()
            .contains(&groups[0]),
        "{report:#?}"
    );
    let memberships = rig.org().state().memberships;
    let of_others = memberships.iter().filter(|id| !id.starts_with(&groups[0]));
    assert!(
        of_others.clone().count() > 0
            && of_others
                .clone()
                .all(|id| rig.ids("group_memberships").contains(id))
    );
    assert!(rig.requests()["GET /api/v1/groups/{id}/users"] < 20);
    rig.org().heal();
    assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
    rig.assert_in_step();
}

#[tokio::test]
async fn a_position_that_never_holds_ends_the_run_and_not_the_time() {
    let (rig, _gate) = rig_of_short_pages().await;
    rig.populate(12, 2);
    let expired = r#"{"errorCode":"E0000031","errorSummary":"Invalid search criteria."}"#;
    rig.org().fail(
        "GET /api/v1/users?after=",
        1_000_000,
        Failure::Status(400, expired.into()),
    );
    let time = jiff::SignedDuration::from_secs(4);
    let report = rig.ask_within(json!({}), time).await.unwrap();
    assert_eq!(
        (outcome(&report, "users"), outcome(&report, "groups")),
        (Outcome::Failed, Outcome::Succeeded)
    );
    let asked = rig.requests()["GET /api/v1/users"];
    assert!(asked < 50, "{asked} requests for a listing of 3 pages");
}

#[tokio::test]
async fn a_listing_that_changes_while_it_is_read_loses_nobody_who_stayed() {
    let (rig, _gate) = rig_of_short_pages().await;
    let (people, groups) = rig.populate(40, 8);
    rig.org().options.latency_ms = 3;
    let (leavers, left) = ([people[2].clone(), people[35].clone()], groups[6].clone());
    let change = meanwhile::after(&rig.org, "GET /api/v1/users", 3, move |org| {
        org.silently(|org| {
            leavers
                .iter()
                .for_each(|leaver| assert!(org.delete_user(leaver)));
            org.delete_group(&left);
            (0..7)
                .for_each(|n| drop(org.create_user(NewUser::named(&format!("Late{n}"), "Comer"))));
        });
    });
    assert_eq!(rig.run().await.outcome, Outcome::Succeeded);
    assert!(change.is_finished());
    let state = rig.org().state();
    for (stream, before, now) in [
        ("users", people, state.users),
        ("groups", groups, state.groups),
    ] {
        let now: BTreeSet<_> = now.into_iter().collect();
        let stayed: BTreeSet<_> = before.into_iter().filter(|id| now.contains(id)).collect();
        assert!(rig.ids(stream).is_superset(&stayed), "{stream}");
    }
    assert_eq!(
        rig.ask(json!({"mode": "full"})).await.unwrap().outcome,
        Outcome::Succeeded
    );
    rig.assert_in_step();
}

#[tokio::test]
async fn users_are_asked_for_without_unused_members() {
    let mut rig = Rig::new().await;
    let (people, _) = rig.populate(3, 1);
    let asked = Arc::<Mutex<BTreeSet<String>>>::default();
    let noted = Arc::clone(&asked);
    let note = move |request: &mut Request| {
        let media = request.header_value("content-type").unwrap_or_default();
        if let Some(omitted) = media.strip_prefix("application/json; okta-response=\"") {
            noted.lock().unwrap().insert(format!(
                "{} {}",
                request.path,
                omitted.trim_end_matches('"')
            ));
        }
    };
    let _gate = gate::before(&mut rig, note, |_, _| ()).await;
    rig.restart(&[]);
    rig.run().await;
    rig.assert_in_step();
    rig.org().update_user(&people[0], |profile| {
        drop(profile.insert("title".into(), "Countess".into()))
    });
    rig.run().await;
    let all = "omitCredentials,omitCredentialsLinks,omitTransitioningToStatus";
    let links = "omitCredentialsLinks";
    let users = [
        "/api/v1/users".to_owned(),
        format!("/api/v1/users/{}", people[0]),
    ];
    let expected = [
        format!("{} {all}", users[0]),
        format!("{} {links}", users[0]),
        format!("{} {links}", users[1]),
    ];
    assert_eq!(*asked.lock().unwrap(), expected.into());
    for line in rig.read().records("users").values() {
        assert_eq!(
            line.record["source"]["credentials"]["provider"]["name"],
            "OKTA"
        );
    }
}
