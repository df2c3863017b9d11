//! What is believed, and what is held: a weakened role takes nothing away, and a healthy org is never held.

use fake_org::{Event, Failure, Targets};
use jiff::SignedDuration;

use super::super::world::{Fault, Way, failure, said};
use super::scene::{Scene, app, everyone, group, people, role};

fn empty_lists() -> Failure {
    Failure::Status(200, "[]".into())
}

/// The largest app goes, or loses a third; later one event takes a group from another app.
fn the_largest_app_shrinks(is_deleted: bool, is_quiet: bool) {
    let (mut org, people) = people(40);
    org.options.quiet_effects = is_quiet;
    let (largest, other) = (
        app(&mut org, "Largest", &people),
        app(&mut org, "Other", &people[..2]),
    );
    let groups = [
        group(&mut org, "One", &people[2..6]),
        group(&mut org, "Two", &people[7..9]),
    ];
    org.silently(|org| {
        groups
            .iter()
            .for_each(|group| assert!(org.assign_group(&other, group)))
    });
    let mut scene = Scene::of(org);
    scene.told(|org| {
        if is_deleted {
            assert!(org.delete_app(&largest));
        } else {
            people[..13]
                .iter()
                .for_each(|person| assert!(org.unassign_user(&largest, person)));
        }
    });
    scene.settle();
    scene.assert_in_step();
    scene.minutes(60);
    scene.told(|org| org.unassign_group(&other, &groups[0]));
    scene.settle();
    scene.assert_in_step();
    scene.live(25);
    scene.assert_nothing_held();
}

#[test]
fn the_largest_app_is_deleted_and_later_a_group_loses_another_app() {
    the_largest_app_shrinks(true, true);
    the_largest_app_shrinks(true, false);
}

#[test]
fn the_largest_app_loses_a_third_by_events_and_later_a_group_loses_another_app() {
    the_largest_app_shrinks(false, true);
    the_largest_app_shrinks(false, false);
}

#[test]
fn who_was_seen_last_with_apps_leaves_and_another_loses_three_apps() {
    for leaver in [5, 4, 0] {
        for left in [0, 1] {
            let (mut org, people) = people(6);
            let apps: Vec<_> = (0..4)
                .map(|n| {
                    app(
                        &mut org,
                        &format!("App {n}"),
                        if n < 3 + left { &people } else { &[] },
                    )
                })
                .collect();
            let mut scene = Scene::of(org);
            scene.told(|org| org.deactivate_user(&people[leaver]));
            scene.settle();
            scene.assert_in_step();
            scene.minutes(10);
            scene.told(|org| {
                apps[..3]
                    .iter()
                    .for_each(|app| assert!(org.unassign_user(app, &people[2])));
            });
            scene.settle();
            scene.assert_in_step();
            scene.live(25);
            scene.assert_nothing_held();
        }
    }
}

/// The list of one large object fails for days: it is named and asked ever more rarely, and the others are complete.
fn a_large_list_fails(way: Way, of_app: bool) {
    let (mut org, people) = people(138);
    let mut small: Vec<String> = Vec::new();
    let mut apps: Vec<String> = Vec::new();
    for n in 0..10 {
        small.push(group(&mut org, &format!("Group {n}"), &people[n..n + 19]));
        apps.push(app(&mut org, &format!("App {n}"), &people[n..n + 5]));
    }
    let largest = if of_app {
        app(&mut org, "Largest", &people)
    } else {
        everyone(&org)
    };
    let kind = if of_app { "apps" } else { "groups" };
    let path = format!("/api/v1/{kind}/{largest}/users");
    let mut scene = Scene::of(org);
    scene.fails(&path, failure(way));
    scene.live(24);
    // Nothing tells of it: the next snapshot does.
    scene.untold(|org| {
        assert!(org.remove_member(&small[3], &people[5]) && org.unassign_user(&apps[3], &people[5]))
    });
    scene.asked.clear();
    scene.live(50);
    scene.assert_nothing_held();
    scene.assert_in_step_but(&[&largest]);
    let stream = if of_app {
        "application_users"
    } else {
        "group_memberships"
    };
    let named = scene
        .report()
        .named
        .get(stream)
        .cloned()
        .unwrap_or_default();
    assert!(
        named.contains(&largest),
        "{named:?} does not name {largest}"
    );
    let asked = scene.count_asked(|asked| asked == path);
    assert!((1..=60).contains(&asked), "asked {asked} times in two days");
}

#[test]
fn the_list_of_everyone_is_forbidden_for_days() {
    a_large_list_fails(Way::Forbidden, false);
}

#[test]
fn the_list_of_everyone_is_broken_for_days() {
    a_large_list_fails(Way::Broken, false);
}

#[test]
fn the_list_of_everyone_takes_too_long_for_days() {
    a_large_list_fails(Way::Slow, false);
}

#[test]
fn the_list_of_the_largest_app_is_forbidden_for_days() {
    a_large_list_fails(Way::Forbidden, true);
}

#[test]
fn the_list_of_the_largest_app_takes_too_long_for_days() {
    a_large_list_fails(Way::Slow, true);
}

#[test]
fn after_a_narrower_role_is_accepted_told_removals_are_in_step_at_once() {
    let (mut org, people) = people(140);
    let groups: Vec<_> = (0..4)
        .map(|n| group(&mut org, &format!("Group {n}"), &people[n..n + 6]))
        .collect();
    let all = everyone(&org);
    let mut scene = Scene::of(org);
    (scene.simulation.has_lied, scene.simulation.is_accepted) = (true, true);
    scene.world().hidden = Some(all.clone());
    let members = scene.records("group_memberships");
    scene.live(25);
    assert_eq!(scene.records("group_memberships"), members);
    assert!(scene.held().contains("group_memberships"));
    let held: Vec<_> = scene.held().into_iter().collect();
    scene.accept(&held);
    scene.settle();
    scene.live(26);
    scene.assert_nothing_held();
    for group in &groups {
        scene.minutes(5);
        scene.told(|org| org.remove_member(group, &people[3]));
        scene.settle();
        scene.assert_nothing_held();
        scene.assert_in_step_but(&[&all]);
    }
}

#[test]
fn a_slow_look_while_the_daily_snapshot_falls_due_loses_no_member() {
    for seconds in [1, 5, 10, 15, 20, 25, 40] {
        for told in [1, 4] {
            let (mut org, people) = people(12);
            let groups = [
                group(&mut org, "One", &people[..10]),
                group(&mut org, "Two", &people[4..9]),
            ];
            let all = everyone(&org);
            let mut scene = Scene::of(org);
            scene.live(22);
            let (at, interval) = scene.report().snapshots["group_memberships"];
            scene
                .world()
                .set_now(at.unwrap() + interval - SignedDuration::from_secs(seconds));
            scene.lies("/api/v1/groups/*/users", Fault::Empty);
            scene.fails(
                &format!("/api/v1/groups/{all}/users"),
                Failure::Stall(25_000),
            );
            scene.told(|org| {
                people[..told]
                    .iter()
                    .for_each(|person| assert!(org.remove_member(&groups[0], person)));
            });
            scene.settle();
            scene.minutes(10);
            scene.settle();
            scene.live(2);
            let members = groups
                .iter()
                .flat_map(|group| people.iter().map(move |person| format!("{group}:{person}")));
            let left = members
                .filter(|id| scene.has("group_memberships", id))
                .count();
            assert!(left >= 15 - told, "{left} are left");
        }
    }
}

#[test]
fn losses_that_are_told_three_times_are_one_loss() {
    let (mut org, people) = people(29);
    org.silently(|org| people.iter().for_each(|person| drop(role(org, person))));
    let mut scene = Scene::of(org);
    for person in &people[..8] {
        scene.told(|org| org.deactivate_user(person));
        scene.settle();
        scene.minutes(30);
        scene.told(|org| org.delete_user(person));
        scene.settle();
        scene.minutes(30);
    }
    scene.assert_in_step();
    scene.lies("/api/v1/iam/assignees/users", Fault::Empty);
    scene.fails("/api/v1/users/*/roles", empty_lists());
    scene.live(26);
    assert_eq!(scene.records("role_assignments"), 21);
}

#[test]
fn a_list_that_is_empty_after_six_told_removals_of_ten_takes_no_other_four() {
    for told in [6, 9] {
        let (mut org, people) = people(12);
        let group = group(&mut org, "Ten", &people[..10]);
        let mut scene = Scene::of(org);
        scene.told(|org| {
            people[..told]
                .iter()
                .for_each(|person| assert!(org.remove_member(&group, person)))
        });
        scene.lies(&format!("/api/v1/groups/{group}/users"), Fault::Empty);
        scene.settle();
        scene.live(3);
        let left = people
            .iter()
            .filter(|person| scene.has("group_memberships", &format!("{group}:{person}")));
        assert!(left.count() >= 10 - told);
    }
}

#[test]
fn empty_lists_are_held_whatever_else_fails() {
    for way in [Way::Broken, Way::Forbidden, Way::Hang] {
        let (mut org, people) = people(9);
        let groups: Vec<_> = (0..10)
            .map(|n| group(&mut org, &format!("Group {n}"), &people[..8]))
            .collect();
        let mut scene = Scene::of(org);
        let members = scene.records("group_memberships");
        scene.simulation.has_lied = true;
        scene.trouble(
            &format!("/api/v1/groups/{}/users", groups[0]),
            Fault::Object(way),
        );
        scene.trouble("/api/v1/groups/*/users", Fault::Empty);
        scene.live(30);
        assert_eq!(scene.records("group_memberships"), members, "{way:?}");
    }
}

#[test]
fn an_acceptance_of_what_is_not_held_accepts_nothing_later() {
    for times in [1, 2] {
        let (org, _) = people(150);
        let mut scene = Scene::of(org);
        (0..times).for_each(|_| scene.accept(&["users"]));
        scene.settle();
        scene.minutes(12 * 60);
        scene.lies("/api/v1/users", Fault::Short(3));
        scene.live(26);
        assert_eq!(scene.records("users"), 150, "accepted {times} times");
        assert!(scene.held().contains("users"));
    }
}

#[test]
fn an_acceptance_is_used_up_by_the_snapshot_that_was_held() {
    let (org, _) = people(150);
    let mut scene = Scene::of(org);
    scene.lies("/api/v1/users", Fault::Short(20));
    scene.live(25);
    assert!(scene.held().contains("users"));
    scene.simulation.is_accepted = true;
    (0..2).for_each(|_| scene.accept(&["users"]));
    scene.settle();
    assert_eq!(scene.records("users"), 20);
    scene.mend();
    scene.live(26);
    scene.assert_in_step();
    scene.simulation.is_accepted = false;
    scene.lies("/api/v1/users", Fault::Short(3));
    scene.live(26);
    assert_eq!(scene.records("users"), 150);
}

#[test]
fn what_is_given_again_is_there_although_its_object_is_not_found() {
    let (mut org, people) = people(5);
    let app = app(&mut org, "App", &people[..4]);
    let group = group(&mut org, "Group", &people);
    org.silently(|org| org.assign_group(&app, &group));
    let mut scene = Scene::of(org);
    let (user, id) = (&people[1], format!("{app}:{}", people[1]));
    scene.told(|org| {
        assert!(org.unassign_group(&app, &group) && org.assign_group(&app, &group));
        assert!(org.unassign_user(&app, user) && org.assign_user(&app, user));
    });
    scene.fails(
        &format!("/api/v1/apps/{app}/users/{user}"),
        said(404, "E0000007"),
    );
    scene.fails(
        &format!("/api/v1/apps/{app}/groups/{group}"),
        said(404, "E0000007"),
    );
    scene.settle();
    assert!(
        scene.has("application_users", &id),
        "the assignment is gone"
    );
    assert!(
        scene.has("application_groups", &format!("{app}:{group}")),
        "the group's assignment is gone"
    );
}

#[test]
fn a_user_who_is_deactivated_and_activated_again_is_there_although_not_found() {
    let (org, people) = people(5);
    let mut scene = Scene::of(org);
    scene.told(|org| assert!(org.suspend_user(&people[1]) && org.unsuspend_user(&people[1])));
    scene.fails(
        &format!("/api/v1/users/{}", people[1]),
        said(404, "E0000007"),
    );
    scene.settle();
    assert!(scene.has("users", &people[1]));
}

/// An import's event says that an object is gone.
fn an_import_deletes(kind: &'static str) {
    let (mut org, people) = people(5);
    let group = group(&mut org, "Imported", &people[..3]);
    let app = app(&mut org, "App", &people[..3]);
    org.silently(|org| {
        org.assign_group(&app, &group);
        role(org, &people[0]);
        org.assign_role(&group, "REPORT_ADMIN", &Targets::default());
    });
    let mut scene = Scene::of(org);
    scene.told(|org| {
        let party = if kind == "group" {
            org.group_party(&group)
        } else {
            org.user_party(&people[0])
        };
        org.silently(|org| {
            assert!(if kind == "group" {
                org.delete_group(&group)
            } else {
                org.delete_user(&people[0])
            })
        });
        let name = if kind == "group" {
            "system.import.group.delete"
        } else {
            "system.import.user.delete"
        };
        org.append_event(Event::new(name).on(party));
    });
    scene.settle();
    scene.assert_in_step();
}

#[test]
fn a_group_that_an_import_deletes_is_gone_in_the_same_run() {
    an_import_deletes("group");
}

#[test]
fn a_user_whom_an_import_deletes_is_gone_in_the_same_run() {
    an_import_deletes("user");
}

#[test]
fn the_smallest_of_very_many_groups_lose_nothing_to_a_weakened_role() {
    let (mut org, people) = people(3);
    // More than are remembered one by one; all but a few have one member.
    let groups: Vec<_> = (0..5_200)
        .map(|n| group(&mut org, &format!("Group {n}"), &people[..1 + n % 2]))
        .collect();
    let mut scene = Scene::of(org);
    let members = scene.records("group_memberships");
    scene.lies("/api/v1/groups/*/users", Fault::Empty);
    scene.lies("/api/v1/users/*/groups", Fault::Empty);
    let touched = &groups[..40];
    scene.told(|org| {
        touched
            .iter()
            .for_each(|group| _ = org.add_member(group, &people[2]))
    });
    scene.settle();
    scene.live(2);
    assert!(scene.records("group_memberships") >= members);
}
