//! Objects that do not answer as they should: each costs itself and nothing beside it.

use std::collections::BTreeSet;

use fake_org::{Event, Failure, NewApp, Request, Response, Targets};
use jiff::SignedDuration;
use okta_authomize::invocation::Outcome;
use serde_json::{Value, json};

use super::{Deployed, assert_well, error, outcome, refused};
use crate::support::rig::Rig;
use crate::support::{gate, time};

/// Objects that the newest complete snapshot of a stream leaves out.
async fn excepted(deployed: &Deployed, stream: &str) -> BTreeSet<String> {
    let state = deployed.read().await;
    let snapshots = state
        .manifests
        .iter()
        .flat_map(|manifest| &manifest.snapshots);
    let mut whole =
        snapshots.filter(|snapshot| snapshot.stream == stream && snapshot.scope.is_none());
    whole
        .next_back()
        .expect("the stream's snapshot is complete")
        .except
        .iter()
        .cloned()
        .collect()
}

#[tokio::test]
async fn objects_that_never_answer_are_named_and_hold_up_nobody() {
    for (stream, path, failing, failure) in [
        (
            "factors",
            "/api/v1/users/{id}/factors",
            6,
            refused(403, "E0000006"),
        ),
        (
            "group_memberships",
            "/api/v1/groups/{id}/users",
            3,
            Failure::Html(404),
        ),
    ] {
        let rig = Rig::new().await;
        let (people, groups) = rig.populate(100, 20);
        let ids = if stream == "factors" {
            &people
        } else {
            &groups
        };
        let silent: BTreeSet<String> = ids
            .iter()
            .skip(2)
            .step_by(3)
            .take(failing)
            .cloned()
            .collect();
        for id in &silent {
            rig.org().fail(
                format!("GET {}", path.replace("{id}", id)).as_str(),
                1_000,
                failure.clone(),
            );
        }
        let mut deployed = Deployed::before(rig).await;
        let report = deployed.run().await;
        assert!(
            ["failed", "unavailable"].contains(&outcome(&report, stream)),
            "{report:#}"
        );
        let told = error(&report, stream);
        assert!(told.starts_with(&format!("{failing} objects, ")), "{told}");
        assert!(
            silent.iter().filter(|id| told.contains(*id)).count() >= failing.min(5),
            "{told}"
        );
        let state = deployed.rig.org().state();
        let expected = if stream == "factors" {
            state.factors
        } else {
            state.memberships
        };
        let parent = |id: &str| id.split(':').next().unwrap_or_default().to_owned();
        let expected: BTreeSet<String> = expected
            .into_iter()
            .filter(|id| !silent.contains(&parent(id)))
            .collect();
        assert_eq!(deployed.ids(stream).await, expected, "{stream}");
        assert_eq!(excepted(&deployed, stream).await, silent, "{stream}");
        deployed.rig.org().heal();
        assert_well(&deployed.full().await);
        deployed.assert_in_step().await;
    }
}

/// Changes of two records of a stream never answer, and then a snapshot is due. The clocks are the test's own: what a
/// snapshot covers is told by time, with a margin of minutes.
async fn assert_a_snapshot_settles_changes_that_never_answer(stream: &str) {
    const ENOUGH: SignedDuration = SignedDuration::from_mins(5);
    let mut rig = Rig::new().await;
    time::stop(&mut rig, &[]);
    let (people, groups) = rig.populate(12, 12);
    let apps: Vec<String> = {
        let mut org = rig.org();
        let apps: Vec<_> = (0..3)
            .map(|n| {
                org.create_app(NewApp::new(
                    "oidc_client",
                    &format!("App {n}"),
                    "BASIC_AUTH",
                ))
            })
            .collect();
        apps.iter().for_each(|app| {
            people
                .iter()
                .for_each(|person| assert!(org.assign_user(app, person)))
        });
        apps
    };
    assert_eq!(
        time::ask(&rig, json!({}), ENOUGH).await.outcome,
        Outcome::Succeeded
    );
    rig.org().advance(SignedDuration::from_mins(10));
    {
        let mut org = rig.org();
        // Pairs that have neither the app nor the person in common are read one by one.
        for (app, person) in apps
            .iter()
            .zip(&people)
            .take(2)
            .filter(|_| stream == "application_users")
        {
            org.fail(
                format!("GET /api/v1/apps/{app}/users/{person}").as_str(),
                1_000,
                Failure::Html(404),
            );
            assert!(org.update_app_user(app, person, |user| user["externalId"] = "changed".into()));
        }
        for group in groups.iter().take(2).filter(|_| stream == "groups") {
            org.fail(
                format!("GET /api/v1/groups/{group}").as_str(),
                1_000,
                Failure::Html(404),
            );
            assert!(org.update_group(group, |profile| drop(
                profile.insert("description".into(), "changed".into())
            )));
        }
    }
    let report = time::ask(&rig, json!({}), ENOUGH).await;
    assert_eq!(
        report.streams[stream].outcome,
        Outcome::Failed,
        "{report:#?}"
    );
    rig.org().advance(SignedDuration::from_mins(10));
    let report = time::ask(&rig, json!({"mode": "full", "streams": [stream]}), ENOUGH).await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{stream}: {report:#?}");
    let state = rig.read();
    let changed = state
        .records(stream)
        .values()
        .filter(|line| line.record.to_string().contains("changed"))
        .count();
    assert_eq!(changed, 2, "{stream}");
    rig.org().reset_counts();
    rig.org().append_event(Event::new("user.session.start"));
    assert_eq!(
        time::ask(&rig, json!({}), ENOUGH).await.outcome,
        Outcome::Succeeded
    );
    let single = |path: &&String| {
        path.starts_with("GET /api/v1/apps/{id}/users/")
            || path.as_str() == "GET /api/v1/groups/{id}"
    };
    assert_eq!(
        rig.requests().keys().find(single),
        None,
        "{stream}: what the snapshot covered was asked for again"
    );
    rig.assert_in_step();
}

#[tokio::test]
async fn changed_pairs_that_never_answer_keep_no_snapshot_from_its_turn_which_settles_them() {
    assert_a_snapshot_settles_changes_that_never_answer("application_users").await;
}

#[tokio::test]
async fn changed_objects_that_never_answer_keep_no_snapshot_from_its_turn_which_settles_them() {
    assert_a_snapshot_settles_changes_that_never_answer("groups").await;
}

#[tokio::test]
async fn an_absence_soon_after_the_event_is_looked_at_again() {
    let rig = Rig::new().await;
    let (people, groups) = rig.populate(6, 2);
    let app = {
        let mut org = rig.org();
        let app = org.create_app(NewApp::new("oidc_client", "Payroll", "OPENID_CONNECT"));
        people
            .iter()
            .for_each(|person| assert!(org.assign_user(&app, person)));
        app
    };
    let mut deployed = Deployed::before(rig).await;
    assert_well(&deployed.run().await);
    let (new_app, new_group) = {
        let mut org = deployed.rig.org();
        let new_app = org.create_app(NewApp::new("oidc_client", "Travel", "OPENID_CONNECT"));
        let new_group = org.create_group("Newcomers");
        assert!(org.update_app(&app, |app| app["label"] = "Wages".into()));
        assert!(org.update_group(&groups[0], |profile| drop(
            profile.insert("description".into(), "x".into())
        )));
        for path in ["apps", "apps", "groups", "groups"]
            .iter()
            .zip([&new_app, &app, &new_group, &groups[0]])
        {
            org.fail(
                format!("GET /api/v1/{}/{}", path.0, path.1).as_str(),
                1,
                refused(404, "E0000007"),
            );
        }
        (new_app, new_group)
    };
    for _ in 0..3 {
        deployed.run().await;
        // Nothing is buried meanwhile, nor what hangs on it.
        assert!(deployed.ids("applications").await.contains(&app));
        assert_eq!(deployed.ids("application_users").await.len(), people.len());
        assert!(deployed.ids("groups").await.contains(&groups[0]));
    }
    assert!(deployed.ids("applications").await.contains(&new_app));
    assert!(deployed.ids("groups").await.contains(&new_group));
    assert_eq!(
        deployed.record("applications", &app).await["source"]["label"],
        "Wages"
    );
    deployed.assert_in_step().await;
}

#[tokio::test]
async fn a_role_whose_targets_are_gone_while_it_is_read_is_never_one_over_everything() {
    for principal in ["user", "group"] {
        for times in [1, 1_000] {
            let rig = Rig::new().await;
            let (people, groups) = rig.populate(6, 3);
            let (holder, other) = match principal {
                "user" => (&people[0], &people[1]),
                _ => (&groups[0], &groups[1]),
            };
            let (limited, whole) = {
                let mut org = rig.org();
                let targets = Targets {
                    groups: vec![groups[2].clone()],
                    ..Targets::default()
                };
                let limited = org.assign_role(holder, "USER_ADMIN", &targets).unwrap();
                (
                    limited,
                    org.assign_role(other, "READ_ONLY_ADMIN", &Targets::default())
                        .unwrap(),
                )
            };
            let path = format!("GET /api/v1/{principal}s/{holder}/roles/*/targets/**");
            rig.org()
                .fail(path.as_str(), times, refused(404, "E0000007"));
            let mut deployed = Deployed::before(rig).await;
            let (id, other) = (format!("{holder}:{limited}"), format!("{other}:{whole}"));
            deployed.run().await;
            let read = deployed.ids("role_assignments").await;
            assert!(read.contains(&other), "{principal} {times}: {read:?}");
            if read.contains(&id) {
                let targets =
                    deployed.record("role_assignments", &id).await["source"]["targets"].clone();
                assert_eq!(
                    targets.as_array().map(Vec::len),
                    Some(1),
                    "{principal} {times}: {targets}"
                );
            }
            deployed.rig.org().heal();
            assert_well(&deployed.full().await);
            let targets =
                deployed.record("role_assignments", &id).await["source"]["targets"].clone();
            assert_eq!(
                targets.as_array().map(Vec::len),
                Some(1),
                "{principal} {times}: {targets}"
            );
            deployed.assert_in_step().await;
        }
    }
}

#[tokio::test]
async fn an_idp_without_users_holds_up_no_other_and_alarms_nobody() {
    let rig = Rig::new().await;
    let (people, _) = rig.populate(5, 1);
    let partners = rig.org().create_idp("OIDC", "Partners");
    people
        .iter()
        .for_each(|person| assert!(rig.org().link_idp_user(&partners, person)));
    for kind in ["X509", "IDV_PERSONA"] {
        let idp = rig.org().create_idp(kind, kind);
        rig.org().fail(
            format!("GET /api/v1/idps/{idp}/users").as_str(),
            1_000,
            refused(400, "E0000001"),
        );
    }
    let mut deployed = Deployed::before(rig).await;
    assert_well(&deployed.run().await);
    let said = |deployed: &Deployed| {
        deployed
            .lambda
            .log()
            .matches("it has no records of its own")
            .count()
    };
    assert_eq!(said(&deployed), 2, "each of them, once");
    assert_eq!(excepted(&deployed, "idp_users").await, BTreeSet::new());
    deployed.assert_in_step().await;
    deployed.assert_in_step_after_news().await;
    assert_eq!(said(&deployed), 2, "and not in every run");
    assert_well(&deployed.full().await);
    deployed.assert_in_step_after_news().await;
}

/// Puts something that is no object of its kind into the middle of a list.
fn with_something_odd(request: &Request, response: &mut Response) {
    let odd = json!({"_links": {}});
    match response.value() {
        Value::Object(mut body) if request.path.ends_with("/bindings") => {
            body["roles"].as_array_mut().unwrap().insert(1, odd);
            response.body = Value::from(body).to_string().into_bytes();
        }
        Value::Array(mut keys) if request.path.ends_with("/credentials/keys") => {
            keys.extend([
                odd,
                json!("soon"),
                json!({"kid": "second", "kty": "RSA", "n": "x"}),
            ]);
            response.body = Value::from(keys).to_string().into_bytes();
        }
        _ => {}
    }
}

#[tokio::test]
async fn an_odd_object_in_the_middle_costs_none_of_its_neighbours() {
    let mut rig = Rig::new().await;
    let (people, _) = rig.populate(4, 1);
    let (set, idp) = {
        let mut org = rig.org();
        let set = org.create_resource_set("Everyone", &["/api/v1/users"]);
        for person in people.iter().take(2) {
            let role = org.create_custom_role(person, &["okta.users.read"]);
            assert!(org.assign_custom_role(person, &role, &set).is_some());
        }
        let idp = org.create_idp("SAML2", "Partners");
        let trusts = |idp: &mut Value| {
            idp["protocol"]["credentials"]["trust"]["additionalKids"] = json!(["second"]);
        };
        assert!(org.update_idp(&idp, trusts));
        (set, idp)
    };
    let _gate = gate::before(&mut rig, |_| (), with_something_odd).await;
    let mut deployed = Deployed::before(rig).await;
    assert_well(&deployed.run().await);
    let bindings = deployed.record("resource_sets", &set).await["source"]["bindings"].clone();
    let members = bindings
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|binding| binding["members"].as_array().into_iter());
    let mut members: Vec<_> = members
        .flatten()
        .map(|member| member["principal_id"].as_str().unwrap())
        .collect();
    members.sort_unstable();
    let mut expected = vec![people[0].as_str(), &people[1]];
    expected.sort_unstable();
    assert_eq!(members, expected, "{bindings:#}");
    let keys = deployed.record("idps", &idp).await["source"]["trusted_keys"].clone();
    assert!(keys.to_string().contains("\"second\""), "{keys:#}");
    deployed.assert_in_step().await;
}
