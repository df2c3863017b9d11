//! A weakened admin role: Okta answers it with short lists, not with errors.

use fake_org::{Denial, NewApp, NewUser, Org};
use okta_authomize::invocation::Outcome;
use serde_json::json;

use super::case::{Case, MOST_RUNS};
use super::compare::assert_equal;
use super::doom::CRASHES;

/// More than may be missing without a doubt, with what is left of a list that is cut short.
const PEOPLE: usize = 130;
const MOST_LEFT: u64 = 20;

/// What is cut short, and a stream that must be held then.
pub const CUTS: [(&str, &str); 3] = [
    ("/api/v1/users", "users"),
    ("/api/v1/groups/*/users", "group_memberships"),
    ("/api/v1/apps/*/users", "application_users"),
];

/// Adds a crowd that shares a group and an app.
pub fn crowd(org: &mut Org) {
    org.silently(|org| {
        let group = org.create_group("Crowd");
        let app = org.create_app(NewApp::new("bookmark", "Crowd", "BOOKMARK"));
        for n in 0..PEOPLE {
            let person = org.create_user(NewUser::named(&format!("Grace{n}"), "Hopper"));
            org.add_member(&group, &person);
            org.assign_user(&app, &person);
        }
    });
}

/// Full snapshots of an org that shows but a part of itself: nothing is forgotten, and it is told.
pub async fn weaken(case: &mut Case<'_>) {
    let (incremental, full) = (json!({"mode": "incremental"}), json!({"mode": "full"}));
    // What is open joins a full snapshot and may be older than the last change: it ends first.
    case.settle(incremental.clone()).await;
    case.settle(full.clone()).await;
    assert_equal(&case.world.rig, true);
    let (path, stream) = CUTS[case.rng.usize(..CUTS.len())];
    let left = case.rng.u64(..=MOST_LEFT);
    case.say(format!("lists of {path} end after {left}"));
    case.world.rig.org().deny(path, Denial::Short(left));
    if case.rng.bool() {
        let (crash, nth) = (CRASHES[case.rng.usize(..CRASHES.len())], case.rng.u64(..4));
        case.kill(crash, nth, full.clone()).await;
    }
    let mut event = full.clone();
    for _ in 0..MOST_RUNS {
        let report = case.run(event).await.expect("an undisturbed run ends well");
        event = incremental.clone();
        if !report.go_on {
            assert_eq!(report.streams[stream].outcome, Outcome::Held, "{report:#?}");
            break;
        }
    }
    assert_equal(&case.world.rig, true);
    case.world.rig.org().allow_all();
    case.settle(full).await;
}
