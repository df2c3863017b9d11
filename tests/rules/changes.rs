//! What the log says has changed is read again, and nothing else.

use std::collections::BTreeMap;

use fake_org::{Event, NewApp, NewUser, Party, Targets};
use jiff::SignedDuration;
use okta_authomize::invocation::{Outcome, Report};
use serde_json::{Value, json};

use crate::support::rig::Rig;
use crate::support::time;

/// An org that was collected once.
async fn collected() -> (Rig, Vec<String>, Vec<String>, Vec<String>) {
    let rig = Rig::new().await;
    rig.org().create_everyone();
    let (people, groups) = rig.populate(8, 3);
    let apps: Vec<_> = {
        let mut org = rig.org();
        let apps = ["Wiki", "Payroll"]
            .map(|label| org.create_app(NewApp::new("bookmark", label, "BOOKMARK")));
        org.assign_user(&apps[0], &people[0]);
        org.assign_group(&apps[1], &groups[1]);
        apps.into_iter().collect()
    };
    rig.run().await;
    rig.assert_in_step();
    rig.org().reset_counts();
    (rig, people, groups, apps)
}

/// Requests of a run but for the log's, by path.
async fn requests_of_run(rig: &Rig) -> (Report, BTreeMap<String, u64>) {
    rig.org().reset_counts();
    let report = rig.run().await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
    assert!(!report.go_on);
    let mut requests = rig.requests();
    requests.retain(|path, _| !path.contains("/logs") && !path.contains("/token"));
    (report, requests)
}

fn total(requests: &BTreeMap<String, u64>) -> u64 {
    requests.values().sum()
}

fn manifests(rig: &Rig) -> Vec<Value> {
    let objects = rig.store.objects.lock().unwrap();
    let manifests = objects
        .iter()
        .filter(|(key, _)| key.starts_with("okta/manifests/"));
    manifests
        .map(|(_, body)| serde_json::from_slice(body).unwrap())
        .collect()
}

#[tokio::test]
async fn a_changed_profile_costs_one_request_and_names_its_cause() {
    let (rig, people, ..) = collected().await;
    rig.org().update_user(&people[0], |profile| {
        drop(profile.insert("title".into(), "Countess".into()))
    });
    rig.org().update_user(&people[0], |profile| {
        drop(profile.insert("title".into(), "Analyst".into()))
    });
    let cause = rig.org().event_uuids().last().unwrap().clone();
    let (report, requests) = requests_of_run(&rig).await;
    assert_eq!(total(&requests), 1, "{requests:?}");
    assert_eq!(report.streams["users"].upserts, 1);
    let state = rig.read();
    let user = &state.records("users")[&people[0]];
    assert_eq!(user.record["source"]["profile"]["title"], "Analyst");
    assert_eq!(user.record["cause"], Value::from(cause));
}

#[tokio::test]
async fn several_changed_users_cost_one_request_and_name_their_causes() {
    let (rig, people, ..) = collected().await;
    let causes: Vec<_> = people[..5]
        .iter()
        .map(|person| {
            rig.org().update_user(person, |profile| {
                drop(profile.insert("title".into(), "Countess".into()))
            });
            rig.org().event_uuids().last().unwrap().clone()
        })
        .collect();
    let (report, requests) = requests_of_run(&rig).await;
    assert_eq!(total(&requests), 1, "{requests:?}");
    assert_eq!(report.streams["users"].upserts, 5);
    let state = rig.read();
    for (person, cause) in people.iter().zip(causes) {
        let user = &state.records("users")[person].record;
        assert_eq!(
            (&user["source"]["profile"]["title"], &user["cause"]),
            (&json!("Countess"), &json!(cause))
        );
    }
    rig.assert_in_step();
}

#[tokio::test]
async fn a_user_that_the_listing_of_changes_does_not_hold_is_read_alone() {
    let (rig, people, ..) = collected().await;
    for person in &people[..4] {
        rig.org().update_user(person, |profile| {
            drop(profile.insert("title".into(), "Countess".into()))
        });
    }
    rig.org().edit_user(&people[3], |user| {
        user["lastUpdated"] = json!("2020-01-01T00:00:00.000Z")
    });
    let (_, requests) = requests_of_run(&rig).await;
    assert_eq!(total(&requests), 2, "{requests:?}");
    rig.assert_in_step();
    assert_eq!(
        rig.read().records("users")[&people[3]].record["source"]["profile"]["title"],
        "Countess"
    );
}

#[tokio::test]
async fn someone_new_whom_no_event_names_is_read_wherever_the_listing_of_changes_shows_them() {
    let rig = Rig::new().await;
    let people: Vec<_> = rig.org().silently(|org| {
        org.create_everyone();
        (0..201)
            .map(|n| org.create_user(NewUser::named(&format!("Ada{n}"), "Lovelace")))
            .collect()
    });
    rig.run().await;
    rig.org().lose_targets(u64::MAX);
    let grace = rig.org().create_user(NewUser::named("Grace", "Hopper"));
    rig.org().lose_targets(0);
    rig.org().advance(SignedDuration::from_mins(30));
    rig.org().silently(|org| {
        for person in &people {
            org.update_user(person, |profile| {
                drop(profile.insert("title".into(), "Countess".into()))
            });
        }
    });
    rig.run().await;
    rig.assert_in_step();
    assert!(
        rig.ids("group_memberships")
            .iter()
            .any(|id| id.ends_with(&grace))
    );
}

#[tokio::test]
async fn a_crowd_that_was_created_at_once_is_no_news_an_hour_later() {
    let rig = Rig::new().await;
    rig.org().silently(|org| {
        (0..450)
            .for_each(|n| drop(org.create_user(NewUser::named(&format!("Ada{n}"), "Lovelace"))));
    });
    rig.without(&["factors"]);
    rig.run().await;
    let before = manifests(&rig).len();
    rig.org().advance(SignedDuration::from_mins(61));
    let (_, requests) = requests_of_run(&rig).await;
    assert!(total(&requests) <= 4, "{requests:?}");
    assert_eq!(manifests(&rig).len(), before);
}

#[tokio::test]
async fn a_quiet_org_is_asked_for_news_hourly_and_nothing_is_written() {
    for people in [10, 40] {
        let mut rig = Rig::new().await;
        time::stop(&mut rig, &[]);
        rig.populate(people, people / 10);
        time::ask(&rig, json!({}), SignedDuration::from_mins(5)).await;
        let before = manifests(&rig).len();
        for (minutes, requests) in [(5, 1), (60, 5), (5, 1), (60, 5)] {
            rig.org().advance(SignedDuration::from_mins(minutes));
            let report = time::ask(&rig, json!({}), SignedDuration::from_mins(5)).await;
            assert_eq!(
                report.okta.requests,
                requests,
                "the log, hourly a token and three questions: {:?}",
                rig.requests()
            );
        }
        assert_eq!(manifests(&rig).len(), before, "{people}");
        rig.org().create_user(NewUser::named("Ada", "Lovelace"));
        time::ask(&rig, json!({}), SignedDuration::from_mins(5)).await;
        rig.assert_in_step();
    }
}

#[tokio::test]
async fn a_sign_in_is_use_and_no_change() {
    let (rig, people, _, apps) = collected().await;
    rig.org().sign_in(&people[0]);
    rig.org().sso(&people[0], &apps[0]);
    let (report, requests) = requests_of_run(&rig).await;
    assert_eq!(total(&requests), 0, "{requests:?}");
    assert_eq!(report.streams["usage"].upserts, 2);
}

#[tokio::test]
async fn a_membership_is_read_with_the_users_groups() {
    let (rig, people, groups, _) = collected().await;
    rig.org().add_member(&groups[2], &people[1]);
    rig.org().remove_member(&groups[0], &people[1]);
    let (_, requests) = requests_of_run(&rig).await;
    assert_eq!(total(&requests), 1, "{requests:?}");
    rig.assert_in_step();
    let snapshots = &manifests(&rig).pop().unwrap()["snapshots"];
    assert_eq!(snapshots[0]["scope"], people[1].as_str());
}

#[tokio::test]
async fn many_members_of_one_group_are_read_with_the_group() {
    let (rig, people, groups, _) = collected().await;
    for person in &people {
        rig.org().remove_member(&groups[0], person);
    }
    let (_, requests) = requests_of_run(&rig).await;
    assert_eq!(total(&requests), 1, "{requests:?}");
    rig.assert_in_step();
}

#[tokio::test]
async fn users_groups_and_a_groups_members_do_not_share_a_manifest() {
    let (rig, people, groups, _) = collected().await;
    for person in &people {
        rig.org().remove_member(&groups[0], person);
    }
    rig.org().remove_member(&groups[2], &people[0]);
    let before = manifests(&rig).len();
    let (_, requests) = requests_of_run(&rig).await;
    assert_eq!(total(&requests), 2, "{requests:?}");
    rig.assert_in_step();
    let scopes = manifests(&rig)[before..]
        .iter()
        .filter(|manifest| manifest["snapshots"] != json!([]))
        .count();
    assert_eq!(scopes, 2);
}

#[tokio::test]
async fn assignments_are_read_pair_by_pair() {
    let (rig, people, groups, apps) = collected().await;
    rig.org().unassign_user(&apps[0], &people[0]);
    rig.org().assign_user(&apps[0], &people[1]);
    rig.org().assign_group(&apps[0], &groups[2]);
    let (report, _) = requests_of_run(&rig).await;
    assert_eq!(report.streams["application_groups"].upserts, 1);
    rig.assert_in_step();
}

#[tokio::test]
async fn a_deletion_leaves_a_tombstone_and_nothing_that_hung_on_the_object() {
    let (rig, people, groups, apps) = collected().await;
    rig.org()
        .assign_role(&people[0], "SUPER_ADMIN", &Targets::default());
    rig.org()
        .assign_role(&groups[0], "ORG_ADMIN", &Targets::default());
    rig.run().await;
    rig.assert_in_step();
    rig.org().delete_user(&people[0]);
    rig.org().delete_group(&groups[0]);
    rig.org().delete_app(&apps[1]);
    let (report, _) = requests_of_run(&rig).await;
    rig.assert_in_step();
    for stream in ["users", "groups", "applications"] {
        assert_eq!(report.streams[stream].deletes, 1, "{stream}");
    }
    let keys: Vec<String> = manifests(&rig)
        .iter()
        .flat_map(|manifest| manifest["batches"].as_array().unwrap().clone())
        .filter(|batch| batch["stream"] == "users")
        .map(|batch| batch["key"].as_str().unwrap().to_owned())
        .collect();
    let lines = crate::support::rig::lines(&rig.store, keys.last().unwrap());
    let tombstone = lines.iter().find(|line| line["op"] == "delete").unwrap();
    assert_eq!(
        tombstone["bundle"],
        json!({"update_users": [{"uniqueId": people[0], "status": "Deleted"}]})
    );
    assert!(tombstone.get("source").is_none());
}

#[tokio::test]
async fn a_deletion_alone_needs_no_read() {
    let (rig, people, groups, apps) = collected().await;
    let [user, group, app] = {
        let org = rig.org();
        [
            org.user_party(&people[0]),
            org.group_party(&groups[0]),
            org.app_party(&apps[1]),
        ]
    };
    {
        let mut org = rig.org();
        org.silently(|org| {
            org.delete_user(&people[0]);
            org.delete_group(&groups[0]);
            org.delete_app(&apps[1])
        });
        org.append_event(Event::new("user.lifecycle.delete.completed").on(user));
        org.append_event(Event::new("group.lifecycle.delete").on(group));
        org.append_event(Event::new("application.lifecycle.delete").on(app));
    }
    let (_, requests) = requests_of_run(&rig).await;
    assert_eq!(total(&requests), 0, "{requests:?}");
    rig.assert_in_step();
}

#[tokio::test]
async fn a_late_event_does_not_bring_back_a_deleted_object() {
    let (rig, people, groups, _) = collected().await;
    let at = rig.org().now() - jiff::SignedDuration::from_mins(2);
    let user = rig.org().user_party(&people[0]);
    let group = rig.org().group_party(&groups[1]);
    rig.org().delete_user(&people[0]);
    rig.org().remove_member(&groups[1], &people[2]);
    rig.run().await;
    rig.assert_in_step();
    let other = rig.org().user_party(&people[2]);
    rig.org().append_event(
        Event::new("user.lifecycle.create")
            .on(user)
            .published_at(at),
    );
    rig.org().append_event(
        Event::new("group.user_membership.add")
            .on(other)
            .on(group)
            .published_at(at),
    );
    rig.run().await;
    rig.assert_in_step();
}

#[tokio::test]
async fn a_new_users_groups_are_read_though_no_event_tells_of_them() {
    let (rig, ..) = collected().await;
    let user = rig.org().create_user(NewUser::named("Grace", "Hopper"));
    let (_, requests) = requests_of_run(&rig).await;
    assert!(total(&requests) <= 5, "{requests:?}");
    rig.assert_in_step();
    assert!(rig.ids("factors").contains(&user));
}

#[tokio::test]
async fn a_user_who_can_no_longer_sign_in_has_no_factors() {
    let (rig, people, ..) = collected().await;
    rig.org().enroll_factor(&people[3], "push");
    let (_, requests) = requests_of_run(&rig).await;
    assert_eq!(total(&requests), 1, "{requests:?}");
    rig.assert_in_step();
    rig.org().deactivate_user(&people[3]);
    let (report, _) = requests_of_run(&rig).await;
    assert_eq!(report.streams["factors"].deletes, 1);
    rig.assert_in_step();
}

#[tokio::test]
async fn events_without_targets_touch_all_that_they_could_mean() {
    let (rig, people, groups, apps) = collected().await;
    let kinds = [
        "user.account.update_profile",
        "group.profile.update",
        "group.user_membership.add",
        "application.lifecycle.update",
        "application.user_membership.add",
        "group.application_assignment.add",
        "user.account.privilege.grant",
        "user.lifecycle.delete.completed",
    ];
    {
        let mut org = rig.org();
        org.silently(|org| {
            org.update_user(&people[0], |profile| {
                drop(profile.insert("title".into(), "Countess".into()))
            });
            org.update_group(&groups[0], |profile| {
                drop(profile.insert("description".into(), "x".into()))
            });
            org.add_member(&groups[2], &people[1]);
            org.assign_user(&apps[0], &people[4]);
            org.assign_group(&apps[0], &groups[2]);
            org.assign_role(&people[4], "ORG_ADMIN", &Targets::default());
            org.delete_user(&people[7])
        });
        for kind in kinds {
            org.append_event(Event::new(kind));
        }
    }
    let report = rig.run().await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
    rig.assert_in_step();
    assert_eq!(
        rig.read().records("users")[&people[0]].record["source"]["profile"]["title"],
        "Countess"
    );
    assert_eq!(
        rig.read().records("groups")[&groups[0]].record["source"]["profile"]["description"],
        "x"
    );
}

#[tokio::test]
async fn the_first_object_of_its_kind_is_found_though_no_event_names_it() {
    let rig = Rig::new().await;
    rig.run().await;
    rig.org().lose_targets(u64::MAX);
    let ada = rig.org().create_user(NewUser::named("Ada", "Lovelace"));
    let group = rig.org().create_group("First");
    rig.run().await;
    rig.assert_in_step();
    rig.org().add_member(&group, &ada);
    rig.run().await;
    rig.assert_in_step();
    assert_eq!(rig.ids("group_memberships").len(), 1);
}

#[tokio::test]
async fn what_a_stream_could_not_read_stays_due() {
    let (rig, people, groups, _) = collected().await;
    rig.org().fail(
        "GET /api/v1/users/*/groups",
        100,
        fake_org::Failure::Status(500, String::new()),
    );
    rig.org().remove_member(&groups[0], &people[1]);
    let report = rig.run().await;
    assert_eq!(report.streams["group_memberships"].outcome, Outcome::Failed);
    rig.org().heal();
    rig.run().await;
    rig.assert_in_step();
}

#[tokio::test]
async fn a_party_of_an_unknown_type_is_known_by_its_id() {
    let (rig, people, ..) = collected().await;
    {
        let mut org = rig.org();
        org.silently(|org| {
            org.update_user(&people[0], |profile| {
                drop(profile.insert("title".into(), "Countess".into()))
            })
        });
        org.append_event(
            Event::new("user.account.update_profile")
                .on(Party::new("Person", &people[0], "unknown", "unknown")),
        );
    }
    let (_, requests) = requests_of_run(&rig).await;
    assert_eq!(total(&requests), 1, "{requests:?}");
}

#[tokio::test]
async fn a_question_that_an_org_does_not_support_is_answered_by_a_snapshot() {
    let (rig, people, _, apps) = collected().await;
    let refusal =
        json!({"errorCode": "E0000031", "errorSummary": "Invalid search criteria."}).to_string();
    rig.org().fail(
        "GET /api/v1/apps?filter=",
        1_000,
        fake_org::Failure::Status(400, refusal),
    );
    rig.org().assign_user(&apps[0], &people[5]);
    rig.org().deactivate_user(&people[5]);
    let report = rig.run().await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
    rig.assert_in_step();
}
