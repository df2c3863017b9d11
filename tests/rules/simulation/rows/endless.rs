//! Work that ends: every job is sent, ended, or woken by a rule.

use fake_org::{Failure, Limits, NewUser, Org};
use fastrand::Rng;
use jiff::SignedDuration;

use super::super::client::path_of;
use super::super::driver::{Kill, Run, Settings};
use super::super::world::{Fault, How, Way, World, failure, said};
use super::scene::{Scene, app, everyone, group, people, role};

#[test]
fn changed_apps_that_meet_the_rate_limit_while_apps_are_listed_are_read_once_it_lifts() {
    for nth in 0..120 {
        let (mut org, people) = people(6);
        org.options.quiet_effects = true;
        let apps: Vec<_> = (0..5)
            .map(|n| app(&mut org, &format!("App {n}"), &people[..4]))
            .collect();
        let group = group(&mut org, "Group", &people);
        let mut scene = Scene::of(org);
        scene.minutes(23 * 60 + 55);
        scene.told(|org| {
            apps[..3]
                .iter()
                .for_each(|app| assert!(org.assign_group(app, &group)))
        });
        let limit = |world: &mut World| {
            let failure = Failure::RateLimited {
                limit: 600,
                reset_in_seconds: 900,
            };
            for path in ["/api/v1/apps/*/users", "/api/v1/apps/*/groups"] {
                world.org.fail(path, u64::MAX, failure.clone());
            }
        };
        scene.seed = 1_000 * nth as u64;
        scene.world().meanwhile.push((nth / 4, Box::new(limit)));
        scene.run(Run {
            full: nth % 2 == 0,
            ..Run::default()
        });
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
    for lies in ["/api/v1/users/*/groups", "/api/v1/groups/*/users"] {
        for limited in [
            "/api/v1/users/*",
            "/api/v1/users/*/groups",
            "/api/v1/groups/*/users",
        ] {
            for lost in [1, 3] {
                let (mut org, people) = people(12);
                let groups: Vec<_> = (0..4)
                    .map(|n| group(&mut org, &format!("Group {n}"), &people[..10 - n]))
                    .collect();
                let mut scene = Scene::of(org);
                scene.lies(lies, Fault::Empty);
                scene.told(|org| {
                    groups[..lost]
                        .iter()
                        .for_each(|group| assert!(org.remove_member(group, &people[1])));
                });
                // What is asked first is answered.
                let path = limited.to_owned();
                let limit = move |world: &mut World| {
                    let failure = Failure::RateLimited {
                        limit: 600,
                        reset_in_seconds: 3_600,
                    };
                    world.org.fail(path.as_str(), u64::MAX, failure);
                };
                let at = if lies == limited { 1 + lost } else { 0 };
                scene.world().meanwhile.push((at, Box::new(limit)));
                scene.settle();
                assert!(scene.asked.len() < 60, "{} requests", scene.asked.len());
            }
        }
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

/// Factors of two users of five are refused.
fn refuses_two_of_five(target: &str) -> bool {
    let id = path_of(target).strip_suffix("/factors");
    id.is_some_and(|id| {
        id.bytes()
            .fold(7_u64, |sum, byte| sum * 31 % 1_009 + u64::from(byte))
            % 5
            < 2
    })
}

#[test]
fn a_cursor_is_bounded_however_many_objects_are_refused() {
    let (org, _) = people(9_000);
    let mut world = World::new(org);
    world.refuses = Some(refuses_two_of_five);
    let mut scene = Scene::begun(world, Settings::default());
    scene.minutes(60);
    scene.settle();
    let bytes = scene.simulation.bucket.cursor_bytes;
    assert!(bytes < 2_000_000, "{bytes} bytes");
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

/// Every path with groups in it hangs for one run, in which much changes; then all answer.
fn hangs_for_a_run(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let (mut org, people) = people(10);
    org.options.quiet_effects = rng.bool();
    let apps: Vec<_> = (0..4)
        .map(|n| app(&mut org, &format!("App {n}"), &people))
        .collect();
    let groups: Vec<_> = (0..24)
        .map(|n| group(&mut org, &format!("Group {n}"), &people[..5]))
        .collect();
    org.silently(|org| {
        for (n, group) in groups.iter().enumerate().filter(|(n, _)| n % 3 > 0) {
            assert!(org.assign_group(&apps[n % 4], group));
        }
    });
    let mut scene = Scene::of(org);
    scene.seed = 1_000 * seed;
    scene.minutes([5, 60, 23 * 60 + 50][rng.usize(..3)]);
    for path in [
        "/api/v1/groups",
        "/api/v1/groups/**",
        "/api/v1/users/*/groups",
        "/api/v1/apps/*/groups",
    ] {
        scene.trouble(path, Fault::Paths(Way::Hang));
    }
    let seed = rng.u64(..);
    let much = move |world: &mut World| {
        let mut rng = Rng::with_seed(seed);
        let changes = |org: &mut Org| {
            assert!(org.deactivate_user(&people[2]));
            for group in &groups[..rng.usize(1..24)] {
                _ = match rng.u8(..4) {
                    0 => org.delete_group(group),
                    1 => org.add_member(group, &people[6]),
                    2 => org.remove_member(group, &people[0]),
                    _ => org.assign_group(&apps[0], group),
                };
            }
        };
        world.act(How::Plainly, true, changes);
    };
    scene
        .world()
        .meanwhile
        .push((rng.usize(..30), Box::new(much)));
    scene.run(Run {
        full: rng.bool(),
        seconds: [30, 300, 900][rng.usize(..3)],
        ..Run::default()
    });
    scene.mend();
    for _ in 0..12 {
        scene.minutes(5);
        scene.settle();
    }
    scene.assert_in_step();
}

#[test]
fn what_a_run_could_not_do_is_due_in_the_next() {
    (0..40).for_each(hangs_for_a_run);
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
                world.act(How::Plainly, true, |org| {
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
            world.act(How::Plainly, true, |org| org.deactivate_user(&leaver));
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

/// Requests of one class of paths that the org has let through, and how many it lets through in a minute.
fn busiest_s(org: &Org) -> u64 {
    let limits = &org.options.limits.per_minute;
    let need = limits.iter().map(|(class, limit)| {
        let sent: u64 = org.windows(*class).iter().map(|window| window.own).sum();
        60 * (sent.saturating_sub(1) / limit)
    });
    need.max().unwrap_or_default()
}

#[test]
fn at_narrow_limits_a_run_takes_little_longer_than_its_busiest_class() {
    let (mut org, people) = people(150);
    for n in 0..120 {
        group(&mut org, &format!("Group {n}"), &people[n..n + 2]);
    }
    for n in 0..30 {
        app(&mut org, &format!("App {n}"), &people[n..n + 4]);
    }
    let mut limits = Limits::workforce();
    limits
        .per_minute
        .values_mut()
        .for_each(|limit| *limit = limit.div_ceil(10));
    org.options.limits = limits;
    let began_at = org.now();
    let mut scene = Scene::new(World::new(org), Settings::default());
    scene.run(Run {
        seconds: 1_800,
        ..Run::default()
    });
    let took_s = scene.world().now().duration_since(began_at).as_secs();
    let busiest_s = busiest_s(&scene.world().org);
    assert!(scene.report().is_whole() && scene.report().partial.is_empty());
    assert!(
        took_s as u64 <= busiest_s * 5 / 4,
        "{took_s} s, the busiest class alone needs {busiest_s} s"
    );
}
