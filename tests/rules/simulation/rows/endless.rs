//! Work that ends: every job is sent, ended, or woken by a rule.

use fake_org::{Failure, NewUser};
use jiff::SignedDuration;

use super::super::driver::{Kill, Run, Settings, path_of};
use super::super::world::{Fault, Way, World, failure, said};
use super::scene::{Scene, app, everyone, group, people, role};

#[test]
fn changed_apps_that_meet_the_rate_limit_while_apps_are_listed_are_read_once_it_lifts() {
    for nth in 0..30 {
        let (mut org, people) = people(6);
        let apps: Vec<_> = (0..5)
            .map(|n| app(&mut org, &format!("App {n}"), &people[..4]))
            .collect();
        let mut scene = Scene::of(org);
        scene.minutes(23 * 60 + 55);
        scene.told(|org| {
            apps[..3]
                .iter()
                .for_each(|app| assert!(org.unassign_user(app, &people[1])))
        });
        let limit = |world: &mut World| {
            let failure = Failure::RateLimited {
                limit: 600,
                reset_in_seconds: 900,
            };
            for path in [
                "/api/v1/apps/*/users",
                "/api/v1/apps/*/groups",
                "/api/v1/apps/*",
            ] {
                world.org.fail(path, 3, failure.clone());
            }
        };
        scene.world().meanwhile.push((nth, Box::new(limit)));
        scene.settle();
        scene.minutes(16);
        scene.world().org.heal();
        scene.settle();
        scene.minutes(5);
        scene.settle();
        scene.assert_in_step();
        assert!(
            scene.report().partial.is_empty(),
            "request {nth}: {:?}",
            scene.report().partial
        );
    }
}

#[test]
fn a_feature_that_one_user_lacks_is_that_users() {
    let (org, people) = people(23);
    let mut scene = Scene::with(
        org,
        Settings {
            factors_hours: 24,
            ..Settings::default()
        },
    );
    scene.fails(
        &format!("/api/v1/users/{}/factors", people[7]),
        failure(Way::Feature),
    );
    scene.told(|org| {
        people
            .iter()
            .for_each(|person| drop(org.enroll_factor(person, "push")))
    });
    scene.settle();
    scene.minutes(5);
    scene.settle();
    scene.assert_in_step_but(&[&people[7]]);
    for _ in 0..4 {
        scene.told(|org| drop(org.enroll_factor(&people[7], "sms")));
        scene.settle();
        scene.live(24);
    }
    let (at, _) = scene.report().snapshots["factors"];
    let age = scene.world().now().duration_since(at.unwrap());
    assert!(
        age <= SignedDuration::from_hours(48),
        "no snapshot of factors for {age}"
    );
}

#[test]
fn a_feature_that_one_idp_or_app_lacks_is_its_own() {
    for path in ["/api/v1/idps/{}/users", "/api/v1/apps/{}/groups"] {
        let (mut org, people) = people(5);
        let (apps, idps): (Vec<_>, Vec<_>) = (0..6)
            .map(|n| {
                (
                    app(&mut org, &format!("App {n}"), &people),
                    org.create_idp("OIDC", &format!("IdP {n}")),
                )
            })
            .unzip();
        let group = group(&mut org, "Group", &people);
        let lacking = if path.contains("idps") {
            &idps[0]
        } else {
            &apps[0]
        };
        let mut scene = Scene::of(org);
        scene.fails(&path.replace("{}", lacking), failure(Way::Feature));
        scene.told(|org| {
            apps.iter()
                .for_each(|app| assert!(org.assign_group(app, &group)));
            idps.iter()
                .for_each(|idp| assert!(org.update_idp(idp, |idp| idp["name"] = "New".into())));
        });
        scene.untold(|org| {
            idps.iter()
                .for_each(|idp| assert!(org.link_idp_user(idp, &people[0])))
        });
        scene.settle();
        scene.live(26);
        scene.assert_in_step_but(&[lacking]);
    }
}

#[test]
fn positions_that_answer_500_for_good_are_given_up() {
    let (org, _) = people(40);
    let mut scene = Scene::of(org);
    scene.world().page = Some(5);
    for _ in 0..3 {
        scene.minutes(24 * 60 + 5);
        // The run is cut short in the middle of its lists.
        scene.run(Run {
            kill: Some(Kill::Request(30)),
            ..Run::default()
        });
        scene.run(Run {
            seconds: 1,
            ..Run::default()
        });
        scene.run(Run {
            full: true,
            seconds: 2,
            ..Run::default()
        });
        scene.world().org.break_cursors();
        scene.asked.clear();
        scene.live(30);
        let (at, _) = scene.report().snapshots["users"];
        let age = scene.world().now().duration_since(at.unwrap());
        assert!(
            age <= SignedDuration::from_hours(48),
            "no snapshot of users for {age}"
        );
        scene.assert_in_step();
    }
}

#[test]
fn a_dead_position_is_asked_a_few_times_only() {
    for nth in [8, 12, 16, 24] {
        let (org, _) = people(40);
        let mut scene = Scene::of(org);
        scene.world().page = Some(5);
        scene.minutes(24 * 60 + 5);
        scene
            .world()
            .meanwhile
            .push((nth, Box::new(|world| world.org.break_cursors())));
        scene.asked.clear();
        scene.settle();
        scene.live(20);
        let dead = scene
            .asked
            .iter()
            .filter(|target| target.contains("after=") && !target.contains("/logs"));
        let mut counts = std::collections::BTreeMap::new();
        dead.for_each(|target| *counts.entry(target).or_insert(0) += 1);
        let most = counts.values().max().copied().unwrap_or(0);
        assert!(most <= 6, "a position is asked {most} times");
        scene.assert_in_step();
    }
}

#[test]
fn a_look_that_meets_a_limit_beyond_the_run_waits_for_it() {
    for path in [
        "/api/v1/users/*/groups",
        "/api/v1/groups/*/users",
        "/api/v1/users/*",
    ] {
        let (mut org, people) = people(12);
        let groups = [
            group(&mut org, "One", &people[..10]),
            group(&mut org, "Two", &people[4..9]),
        ];
        let mut scene = Scene::of(org);
        scene.lies(&format!("/api/v1/groups/{}/users", groups[0]), Fault::Empty);
        scene.told(|org| org.remove_member(&groups[0], &people[0]));
        let failure = Failure::RateLimited {
            limit: 600,
            reset_in_seconds: 3_600,
        };
        if path.contains("groups/*") {
            scene.world().meanwhile.push((
                2,
                Box::new(|world| {
                    world.org.fail(
                        "/api/v1/groups/*/users",
                        u64::MAX,
                        Failure::RateLimited {
                            limit: 600,
                            reset_in_seconds: 3_600,
                        },
                    );
                }),
            ));
        } else {
            scene.fails(path, failure);
        }
        scene.settle();
        assert!(scene.asked.len() < 60, "{} requests", scene.asked.len());
    }
}

#[test]
fn a_sweep_that_the_org_refuses_costs_no_snapshot() {
    let (mut org, people) = people(12);
    let groups: Vec<_> = (0..6)
        .map(|n| group(&mut org, &format!("Group {n}"), &people[n..n + 4]))
        .collect();
    let mut scene = Scene::of(org);
    scene.trouble("", Fault::FilterRefused);
    scene.live(12);
    scene.asked.clear();
    scene.live(11);
    let lists = |path: &str| path.starts_with("/api/v1/groups/") && path.ends_with("/users");
    let asked = scene.count_asked(lists);
    assert!(
        asked <= groups.len(),
        "{asked} lists of members in eleven hours without news"
    );
    let sweeps = scene
        .asked
        .iter()
        .filter(|target| target.contains("lastMembershipUpdated"))
        .count();
    assert!(
        sweeps <= 4,
        "a refused filter is tried {sweeps} times in eleven hours"
    );
}

#[test]
fn a_cursor_is_bounded_however_many_objects_are_refused() {
    let (org, _) = people(8_000);
    let mut scene = Scene::of(org);
    scene.world().refuses = Some(|target| {
        let is_factors = path_of(target).ends_with("/factors");
        is_factors && target.bytes().map(u64::from).sum::<u64>() % 5 < 2
    });
    scene.full();
    scene.live(49);
    let bytes = scene.simulation.bucket.cursor_bytes;
    assert!(bytes < 1_000_000, "{bytes} bytes");
}

#[test]
fn what_new_readers_read_is_bounded_while_a_group_is_excepted() {
    let (mut org, people) = people(60);
    let small = group(&mut org, "Small", &people[..2]);
    (0..4).for_each(|n| drop(group(&mut org, &format!("Group {n}"), &people[n..n + 30])));
    let mut scene = Scene::of(org);
    scene.simulation.bucket.checkpoint = Some(okta_authomize::head::Checkpoint {
        sequence: scene.simulation.bucket.sequence,
        ..Default::default()
    });
    scene.fails(
        &format!("/api/v1/groups/{small}/users"),
        failure(Way::Broken),
    );
    for _ in 0..10 {
        scene.minutes(24 * 60 + 5);
        scene.settle();
        scene.live(2);
    }
    let (live, records) = (
        scene.simulation.bucket.live_lines("group_memberships"),
        scene.records("group_memberships"),
    );
    assert!(
        live <= 4 * records as u64,
        "{live} lines for {records} records"
    );
}

#[test]
fn factors_that_are_reset_while_the_role_is_weakened_are_read_once_it_is_mended() {
    for failure in [
        said(404, "E0000007"),
        said(403, "E0000006"),
        Failure::Status(200, "[]".into()),
    ] {
        let (mut org, people) = people(8);
        org.silently(|org| {
            people
                .iter()
                .for_each(|person| drop(org.enroll_factor(person, "push")));
            people
                .iter()
                .for_each(|person| drop(org.enroll_factor(person, "sms")));
        });
        let mut scene = Scene::with(
            org,
            Settings {
                factors_hours: 168,
                ..Settings::default()
            },
        );
        scene.simulation.has_lied = true;
        scene.fails("/api/v1/users/*/factors", failure.clone());
        scene.fails("/api/v1/users/*", failure);
        scene.told(|org| {
            people[..3]
                .iter()
                .for_each(|person| assert!(org.reset_factors(person)))
        });
        scene.settle();
        scene.live(3);
        scene.mend();
        scene.live(26);
        scene.assert_in_step();
    }
}

#[test]
fn members_who_leave_while_the_role_is_weakened_are_gone_once_it_is_mended() {
    let (mut org, people) = people(8);
    let group = group(&mut org, "Group", &people);
    let app = app(&mut org, "App", &people);
    let mut scene = Scene::of(org);
    scene.lies("/api/v1/groups/*/users", Fault::Empty);
    scene.lies("/api/v1/apps/*/users", Fault::Empty);
    scene.lies("/api/v1/users/*/groups", Fault::Empty);
    scene.told(|org| {
        assert!(org.remove_member(&group, &people[1]) && org.unassign_user(&app, &people[2]))
    });
    scene.settle();
    scene.live(2);
    scene.mend();
    scene.live(3);
    scene.assert_in_step();
}

#[test]
fn what_a_run_could_not_do_is_due_in_the_next() {
    for quiet in [false, true] {
        let (mut org, people) = people(8);
        org.options.quiet_effects = quiet;
        let apps: Vec<_> = (0..3)
            .map(|n| app(&mut org, &format!("App {n}"), &people))
            .collect();
        let groups: Vec<_> = (0..3)
            .map(|n| group(&mut org, &format!("Group {n}"), &people[..5]))
            .collect();
        org.silently(|org| {
            apps.iter()
                .zip(&groups)
                .for_each(|(app, group)| assert!(org.assign_group(app, group)))
        });
        let mut scene = Scene::of(org);
        for path in [
            "/api/v1/groups",
            "/api/v1/groups/**",
            "/api/v1/users/*/groups",
            "/api/v1/apps/*/groups",
        ] {
            scene.trouble(path, Fault::Paths(Way::Hang));
        }
        scene.told(|org| {
            assert!(org.deactivate_user(&people[2]) && org.delete_group(&groups[1]));
            assert!(
                org.add_member(&groups[0], &people[6]) && org.remove_member(&groups[2], &people[0])
            );
        });
        scene.run(Run::default());
        scene.mend();
        for _ in 0..12 {
            scene.minutes(5);
            scene.settle();
        }
        scene.assert_in_step();
    }
}

#[test]
fn a_user_who_leaves_while_a_snapshot_runs_keeps_nothing() {
    for quiet in [false, true] {
        for nth in 0..40 {
            let (mut org, people) = people(8);
            org.options.quiet_effects = quiet;
            for n in 0..3 {
                app(&mut org, &format!("App {n}"), &people);
                group(&mut org, &format!("Group {n}"), &people[..5]);
            }
            org.silently(|org| {
                people
                    .iter()
                    .for_each(|person| drop(org.enroll_factor(person, "push")));
                role(org, &people[2]);
            });
            let mut scene = Scene::of(org);
            let (leaver, deletes) = (people[2].clone(), nth % 2 == 1);
            let leaves = move |world: &mut World| {
                world.act(super::super::world::How::Plainly, true, |org| {
                    if deletes {
                        org.delete_user(&leaver)
                    } else {
                        org.deactivate_user(&leaver)
                    }
                });
            };
            scene.world().meanwhile.push((nth, Box::new(leaves)));
            scene.full();
            scene.minutes(5);
            scene.settle();
            scene.assert_in_step();
            scene.assert_nothing_held();
        }
    }
}

#[test]
fn a_large_org_is_read_in_a_snapshot_while_somebody_leaves() {
    let (mut org, people) = people(260);
    (0..3).for_each(|n| drop(app(&mut org, &format!("App {n}"), &people)));
    for nth in [10, 60, 150, 270] {
        let leaver = people[nth % 100].clone();
        let mut scene = Scene::of(std::mem::replace(&mut org, super::scene::people(0).0));
        let leaves = move |world: &mut World| {
            world.act(super::super::world::How::Plainly, true, |org| {
                org.deactivate_user(&leaver)
            });
        };
        scene.world().meanwhile.push((nth, Box::new(leaves)));
        scene.full();
        scene.minutes(5);
        scene.settle();
        scene.assert_in_step();
        scene.assert_nothing_held();
        org = scene.simulation.world.org;
        org.silently(|org| org.create_user(NewUser::named("New", "Comer")));
    }
}

#[test]
fn everyone_elses_work_goes_on_while_one_list_hangs_for_hours() {
    let (mut org, people) = people(10);
    let groups: Vec<_> = (0..4)
        .map(|n| group(&mut org, &format!("Group {n}"), &people[n..n + 4]))
        .collect();
    let all = everyone(&org);
    let mut scene = Scene::of(org);
    scene.trouble(
        &format!("/api/v1/groups/{all}/users"),
        Fault::Object(Way::Hang),
    );
    for n in 0..6 {
        scene.minutes(60);
        scene.told(|org| _ = org.add_member(&groups[n % 4], &people[9 - n / 4]));
        scene.settle();
        scene.assert_in_step_but(&[&all]);
    }
}
