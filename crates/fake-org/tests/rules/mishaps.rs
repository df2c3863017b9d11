//! Events that come late, out of order, or without their targets.

use std::collections::BTreeSet;

use fake_org::{NewUser, Org};
use jiff::SignedDuration;

use crate::changes::{events, types};
use crate::support::{get, ids_of, org};

fn hire(org: &mut Org) {
    org.create_user(NewUser::named("Ada", "L").status("STAGED"));
}

#[test]
fn lost_targets_are_null_missing_empty_or_out_of_order() {
    let mut org = org();
    let (ada, group) = (
        org.create_user(NewUser::named("Ada", "L")),
        org.create_group("G"),
    );
    let after = org.last_cursor();
    org.lose_targets(4);
    hire(&mut org);
    hire(&mut org);
    hire(&mut org);
    org.add_member(&group, &ada);
    org.remove_member(&group, &ada);
    let events = get(&mut org, &format!("/api/v1/logs?after={after}")).value();
    assert!(events[0]["target"].is_null() && events[0].get("target").is_some());
    assert!(events[1].get("target").is_none());
    assert_eq!(events[2]["target"], serde_json::json!([]));
    let kinds = |event: usize| {
        [
            &events[event]["target"][0]["type"],
            &events[event]["target"][1]["type"],
        ]
    };
    assert_eq!(
        [kinds(3), kinds(4)],
        [["UserGroup", "User"], ["User", "UserGroup"]]
    );
}

#[test]
fn late_events_are_stored_when_released_with_the_time_at_which_they_happened() {
    let mut org = org();
    let then = org.now();
    let before = org.event_uuids().len();
    assert!(
        types(&mut org, |org| org
            .late(|org| (0..8).for_each(|_| hire(org))))
        .is_empty()
    );
    assert_eq!((org.late_events(), org.state().events), (8, before));
    let after = org.last_cursor();
    org.advance(SignedDuration::from_hours(2));
    hire(&mut org);
    org.release_late();
    assert_eq!(
        (org.late_events(), org.event_uuids().len()),
        (0, before + 9)
    );
    let stored = get(&mut org, &format!("/api/v1/logs?after={after}")).value();
    let stored = stored.as_array().unwrap();
    let published: Vec<&str> = stored
        .iter()
        .map(|event| event["published"].as_str().unwrap())
        .collect();
    assert!(
        published[0] > published[1]
            && published[1..]
                .iter()
                .all(|time| *time == format!("{then:.3}"))
    );
    let people: Vec<&str> = stored
        .iter()
        .map(|event| event["target"][0]["id"].as_str().unwrap())
        .collect();
    let made = org.state().users;
    assert_eq!(people.iter().copied().collect::<BTreeSet<_>>().len(), 9);
    assert_ne!(
        people[1..],
        made[..8],
        "the drawn order is the order in which they happened"
    );
}

#[test]
fn late_events_come_by_themselves_at_their_time() {
    let mut org = org();
    let until = org.now() + SignedDuration::from_mins(5);
    org.late_until(until, hire);
    org.late(hire);
    let come = events(&mut org, |org| org.advance(SignedDuration::from_mins(4)));
    assert!(come.is_empty());
    assert_eq!(
        types(&mut org, |org| org.advance(SignedDuration::from_mins(1))),
        ["user.lifecycle.create"]
    );
    assert_eq!(org.late_events(), 1);
}

#[test]
fn a_change_is_logged_at_once_and_listed_once_it_is_seen() {
    let mut org = org();
    let (ada, group) = (
        org.create_user(NewUser::named("Ada", "L")),
        org.create_group("G"),
    );
    let members = format!("/api/v1/groups/{group}/users");
    let until = org.now() + SignedDuration::from_secs(3);
    let said = types(&mut org, |org| {
        assert!(org.unseen_until(until, |org| org.add_member(&group, &ada)))
    });
    assert_eq!(said, ["group.user_membership.add"]);
    assert!(ids_of(&get(&mut org, &members)).is_empty());
    // What follows is not seen before it.
    org.create_group("Later");
    assert_eq!(
        ids_of(&get(&mut org, "/api/v1/groups")),
        std::slice::from_ref(&group)
    );
    assert_eq!(org.state().memberships, [format!("{group}:{ada}")]);
    org.advance(SignedDuration::from_secs(3));
    assert_eq!(ids_of(&get(&mut org, &members)), [ada]);
    assert_eq!(ids_of(&get(&mut org, "/api/v1/groups")).len(), 2);
}
