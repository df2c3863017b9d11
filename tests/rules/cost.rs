//! What runs cost in requests: a full one, an idle one, and those after so many changes.

use fake_org::{NewApp, NewUser, Org, Targets};
use jiff::SignedDuration;
use serde_json::json;

use crate::support::rig::Rig;

const PEOPLE: usize = 1_200;

async fn large() -> (Rig, Vec<String>, Vec<String>, Vec<String>) {
    let rig = Rig::new().await;
    let (people, groups, apps) = {
        let mut org = rig.org();
        org.silently(|org| {
            org.create_everyone();
            let people: Vec<_> = (0..PEOPLE)
                .map(|n| org.create_user(NewUser::named(&format!("Ada{n}"), "Lovelace")))
                .collect();
            let groups: Vec<_> = (0..20)
                .map(|n| org.create_group(&format!("Group {n}")))
                .collect();
            let apps: Vec<_> = (0..10)
                .map(|n| org.create_app(NewApp::new("bookmark", &format!("App {n}"), "BOOKMARK")))
                .collect();
            for (n, person) in people.iter().enumerate() {
                org.add_member(&groups[n % groups.len()], person);
                org.assign_user(&apps[n % apps.len()], person);
            }
            (people, groups, apps)
        })
    };
    (rig, people, groups, apps)
}

/// The n-th change: profiles, memberships, assignments, factors and roles in turn, each of another person.
fn change(org: &mut Org, n: usize, people: &[String], groups: &[String], apps: &[String]) {
    let person = &people[n % people.len()];
    let done = match n % 5 {
        0 => org.update_user(person, |profile| {
            drop(profile.insert("title".into(), n.into()))
        }),
        1 => org.add_member(&groups[(n + 1) % groups.len()], person),
        2 => org.assign_user(&apps[(n + 1) % apps.len()], person),
        3 => org.enroll_factor(person, "push").is_some(),
        _ => org
            .assign_role(person, "ORG_ADMIN", &Targets::default())
            .is_some(),
    };
    assert!(done, "change {n}");
}

async fn cost(rig: &Rig) -> u64 {
    rig.org().reset_counts();
    let report = rig.run().await;
    assert!(!report.go_on, "{report:#?}");
    report.okta.requests
}

#[tokio::test]
async fn a_run_costs_as_much_as_the_changes() {
    let (rig, people, groups, apps) = large().await;
    let full = cost(&rig).await;
    rig.assert_in_step();
    assert_eq!(cost(&rig).await, 1, "an idle run");
    let mut table = vec![("full".to_owned(), full), ("idle".to_owned(), 1)];
    let mut next = 0;
    for changes in [1, 10, 100, 1_000] {
        for n in next..next + changes {
            change(&mut rig.org(), n, &people, &groups, &apps);
        }
        next += changes;
        let requests = cost(&rig).await;
        rig.assert_in_step();
        table.push((format!("{changes} changes"), requests));
        assert!(
            requests <= changes as u64 + 2,
            "{changes} changes cost {requests} requests"
        );
        assert_eq!(cost(&rig).await, 1, "the run after it");
    }
    println!("requests of a run over {PEOPLE} users: {table:?}");
}

#[tokio::test]
async fn new_users_cost_their_groups_factors_and_apps() {
    let (rig, ..) = large().await;
    rig.run().await;
    // All others were created long ago.
    rig.org().advance(SignedDuration::from_mins(10));
    for people in [3, 10] {
        for n in 0..people {
            rig.org()
                .create_user(NewUser::named(&format!("Grace{people}{n}"), "Hopper"));
        }
        assert_eq!(
            cost(&rig).await,
            2 + 3 * people,
            "the log, the users, and three requests for each: {:?}",
            rig.requests()
        );
        rig.assert_in_step();
    }
}

#[tokio::test]
async fn many_changes_of_one_object_cost_one_read() {
    let (rig, people, groups, _) = large().await;
    rig.run().await;
    for n in 0..50 {
        rig.org().update_user(&people[0], |profile| {
            drop(profile.insert("title".into(), n.into()))
        });
        rig.org().update_group(&groups[0], |profile| {
            drop(profile.insert("description".into(), n.into()))
        });
    }
    assert_eq!(cost(&rig).await, 3, "the log, the user and the group");
    rig.assert_in_step();
}

#[tokio::test]
async fn many_changed_users_cost_the_pages_that_list_them() {
    let (rig, people, ..) = large().await;
    rig.run().await;
    for person in &people[..300] {
        rig.org().update_user(person, |profile| {
            drop(profile.insert("title".into(), "Countess".into()))
        });
    }
    rig.org().reset_counts();
    let report = rig.run().await;
    assert_eq!(
        (report.okta.requests, report.streams["users"].upserts),
        (3, 300),
        "the log and two pages of users"
    );
    rig.assert_in_step();
}

#[tokio::test]
async fn a_listing_of_changes_is_left_where_it_holds_nothing_that_is_marked() {
    let (rig, people, ..) = large().await;
    rig.run().await;
    rig.org().advance(SignedDuration::from_mins(10));
    rig.org().silently(|org| {
        for person in &people {
            org.update_user(person, |profile| {
                drop(profile.insert("city".into(), "Paris".into()))
            });
        }
    });
    for person in &people[1_100..1_104] {
        rig.org().update_user(person, |profile| {
            drop(profile.insert("title".into(), "Countess".into()))
        });
    }
    assert_eq!(
        cost(&rig).await,
        6,
        "the log, a page of others, and four users"
    );
    rig.assert_in_step();
}

#[tokio::test]
async fn more_changes_than_a_cursor_should_hold_make_a_snapshot_due() {
    let (rig, people, ..) = large().await;
    rig.run().await;
    for person in &people {
        rig.org().update_user(person, |profile| {
            drop(profile.insert("title".into(), "Countess".into()))
        });
    }
    let requests = cost(&rig).await;
    assert!(requests <= 2 + PEOPLE as u64 / 200 + 2, "{requests}");
    rig.assert_in_step();
    let state = rig.read();
    assert!(
        state
            .records("users")
            .values()
            .all(|line| line.record["source"]["profile"]["title"] == "Countess")
    );
    let full = rig.ask(json!({"mode": "full"})).await.unwrap();
    assert!(!full.go_on);
    rig.assert_in_step();
}

#[tokio::test]
async fn thousands_of_memberships_of_as_many_people_and_groups_are_settled() {
    let rig = Rig::new().await;
    let (people, groups) = {
        let mut org = rig.org();
        org.silently(|org| {
            let people: Vec<_> = (0..1_100)
                .map(|n| org.create_user(NewUser::named(&format!("Ada{n}"), "Lovelace")))
                .collect();
            let groups: Vec<_> = (0..1_100)
                .map(|n| org.create_group(&format!("Group {n}")))
                .collect();
            (people, groups)
        })
    };
    rig.without(&["factors"]);
    rig.run().await;
    for (person, group) in people.iter().zip(&groups) {
        rig.org().add_member(group, person);
    }
    rig.run().await;
    rig.assert_in_step();
}
