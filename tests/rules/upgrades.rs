//! Buckets that an older function wrote: the newer one goes on where that stopped. What `tests/buckets/version-1` and
//! `version-2` hold was written by the last function with cursors of that version, for the org that is founded here.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fake_org::{Event, NewApp, NewUser, Org, Targets};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::rig::Rig;
use crate::support::time;

/// The event of the older function's token, which was granted before all else.
const GRANT: &str = "4dcccc87-f597-49eb-a172-b86c17137269";
const FIVE_MINUTES: SignedDuration = SignedDuration::from_mins(5);

struct Company {
    people: Vec<String>,
    groups: Vec<String>,
    apps: Vec<String>,
}

fn found(org: &mut Org) -> Company {
    org.silently(|org| {
        org.create_everyone();
        let people: Vec<_> = (1..=6)
            .map(|n| org.create_user(NewUser::named(&format!("Ada{n}"), "Lovelace")))
            .collect();
        let groups: Vec<_> = (1..=3)
            .map(|n| org.create_group(&format!("Group {n}")))
            .collect();
        let app = |n| NewApp::new("bookmark", &format!("App {n}"), "BOOKMARK");
        let apps: Vec<_> = (1..=2).map(|n| org.create_app(app(n))).collect();
        for (n, person) in people.iter().enumerate() {
            org.add_member(&groups[n % 3], person);
            org.assign_user(&apps[n % 2], person);
        }
        org.assign_group(&apps[0], &groups[2]);
        org.enroll_factor(&people[0], "push");
        org.assign_role(&people[1], "ORG_ADMIN", &Targets::default());
        Company {
            people,
            groups,
            apps,
        }
    })
}

fn change(org: &mut Org, company: &Company) {
    org.update_user(&company.people[2], |profile| {
        drop(profile.insert("title".into(), "Countess".into()))
    });
    org.add_member(&company.groups[1], &company.people[0]);
    org.assign_user(&company.apps[0], &company.people[1]);
    org.enroll_factor(&company.people[3], "push");
    org.assign_role(&company.people[4], "APP_ADMIN", &Targets::default());
    org.delete_group(&company.groups[2]);
}

/// The function before a bucket of an older one, and the org as it was then.
async fn upgraded(version: u64, bucket: &str, is_changed: bool) -> (Rig, Company) {
    let file = format!(
        "{}/tests/buckets/version-{version}/{bucket}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let objects: BTreeMap<String, String> =
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let mut rig = Rig::new().await;
    time::stop(&mut rig, &[]);
    let company = found(&mut rig.org());
    let mut grant = Event::new("app.oauth2.as.token.grant.access_token");
    grant.uuid = Some(GRANT.to_owned());
    rig.org().append_event(grant);
    if is_changed {
        rig.org().advance(FIVE_MINUTES);
        change(&mut rig.org(), &company);
    }
    let objects: BTreeMap<_, _> = objects
        .into_iter()
        .map(|(key, body)| (key, STANDARD.decode(body).unwrap()))
        .collect();
    let cursor: Value = serde_json::from_slice(&objects["okta/cursors/okta.json"]).unwrap();
    assert_eq!(cursor["cursor"]["version"], version, "{cursor:#}");
    *rig.store.objects.lock().unwrap() = objects;
    rig.org().advance(FIVE_MINUTES);
    (rig, company)
}

/// Runs until all is read; gives the requests of it.
async fn settle(rig: &Rig) -> u64 {
    rig.org().reset_counts();
    let report = time::ask(rig, json!({"mode": "incremental"}), FIVE_MINUTES).await;
    assert!(!report.go_on, "{report:#?}");
    rig.assert_in_step();
    report.okta.requests
}

#[tokio::test]
async fn a_cursor_with_complete_snapshots_goes_on_with_news() {
    for version in [1, 2] {
        let (rig, company) = upgraded(version, "complete", false).await;
        // The grant of the new function's token is no news.
        let report = time::ask(&rig, json!({"mode": "incremental"}), FIVE_MINUTES).await;
        assert!(
            report.okta.requests <= 2 && report.sequence == 1,
            "version {version}: {report:#?}"
        );
        rig.org().advance(FIVE_MINUTES);
        change(&mut rig.org(), &company);
        assert!(settle(&rig).await <= 12, "{version}: {:?}", rig.requests());
    }
}

#[tokio::test]
async fn changes_that_are_due_in_an_older_cursor_are_read() {
    for version in [1, 2] {
        let (rig, company) = upgraded(version, "changes-due", true).await;
        assert!(settle(&rig).await <= 14, "{version}: {:?}", rig.requests());
        let state = rig.read();
        assert_eq!(
            state.records("users")[&company.people[2]].record["source"]["profile"]["title"],
            "Countess"
        );
    }
}

#[tokio::test]
async fn a_snapshot_that_an_older_version_did_not_end_is_read() {
    for version in [1, 2] {
        let (rig, _) = upgraded(version, "unfinished", false).await;
        settle(&rig).await;
    }
}

#[tokio::test]
async fn a_log_whose_position_version_1_had_lost_is_read_again_without_a_double() {
    let (rig, _) = upgraded(1, "position-lost", true).await;
    settle(&rig).await;
    let activity = &rig.read().streams["activity"];
    assert_eq!(activity.upserts as usize, activity.records.len());
}
