//! Read too soon: an answer that contradicts its event is asked again, and what an event buried does not come back.

use fake_org::{NewApp, NewUser, Org, Targets};
use jiff::SignedDuration;

use super::super::world::Fault;
use super::scene::{Scene, app, group, people, role};

/// An org with something of everything: two of each, and what ties them.
struct Small {
    org: Org,
    people: Vec<String>,
    groups: Vec<String>,
    apps: Vec<String>,
}

fn small() -> Small {
    let (mut org, people) = people(6);
    let groups = vec![
        group(&mut org, "One", &people[..3]),
        group(&mut org, "Two", &people[2..5]),
    ];
    let apps = vec![
        app(&mut org, "One", &people[..3]),
        app(&mut org, "Two", &people[2..5]),
    ];
    org.silently(|org| {
        people[..4]
            .iter()
            .for_each(|person| drop(org.enroll_factor(person, "push")));
        assert!(org.assign_group(&apps[0], &groups[0]));
        role(org, &people[0]);
        org.create_idp("OIDC", "IdP");
        org.create_custom_role("Role", &["okta.users.read"]);
        org.create_resource_set("Set", &["/api/v1/users"]);
    });
    Small {
        org,
        people,
        groups,
        apps,
    }
}

/// A change that lists show some seconds after the log is in step two runs later.
fn is_read_again(change: impl Fn(&mut Org, &Small)) {
    for lag_s in [3, 40, 200] {
        for full in [false, true] {
            let mut small = small();
            let org = std::mem::replace(&mut small.org, people(0).0);
            let mut scene = Scene::of(org);
            let until = scene.world().now() + SignedDuration::from_secs(lag_s);
            scene.world().org.options.latency_ms = 0;
            scene.trouble("", Fault::Lag(lag_s));
            scene.told(|org| change(org, &small));
            scene.simulation.world.troubles.clear();
            if full {
                scene.full();
            } else {
                scene.settle();
            }
            while scene.world().now() < until {
                scene.minutes(5);
                scene.settle();
            }
            for _ in 0..2 {
                scene.minutes(5);
                scene.settle();
            }
            scene.assert_in_step();
        }
    }
}

#[test]
fn a_member_who_is_added_and_not_listed_yet_is_read_again() {
    is_read_again(|org, small| assert!(org.add_member(&small.groups[1], &small.people[0])));
}

#[test]
fn a_user_who_is_created_and_not_listed_yet_is_read_again() {
    is_read_again(|org, _| drop(org.create_user(NewUser::named("New", "Comer"))));
}

#[test]
fn a_group_and_an_app_that_are_created_and_not_listed_yet_are_read_again() {
    is_read_again(|org, small| {
        let group = org.create_group("New");
        org.add_member(&group, &small.people[0]);
        org.create_app(NewApp::new("slack", "New", "SAML_2_0"));
    });
}

#[test]
fn an_app_user_or_group_that_is_assigned_and_not_listed_yet_is_read_again() {
    is_read_again(|org, small| {
        assert!(
            org.assign_user(&small.apps[1], &small.people[0])
                && org.assign_group(&small.apps[1], &small.groups[1])
        );
    });
}

#[test]
fn a_role_that_is_granted_and_not_listed_yet_is_read_again() {
    is_read_again(|org, small| {
        role(org, &small.people[3]);
        assert!(
            org.assign_role(&small.groups[0], "REPORT_ADMIN", &Targets::default())
                .is_some()
        );
    });
}

#[test]
fn a_member_who_is_removed_and_still_listed_is_read_again() {
    is_read_again(|org, small| assert!(org.remove_member(&small.groups[1], &small.people[3])));
}

#[test]
fn an_app_user_who_is_removed_and_still_listed_is_read_again() {
    is_read_again(|org, small| assert!(org.unassign_user(&small.apps[1], &small.people[3])));
}

#[test]
fn an_app_group_that_is_removed_and_still_listed_is_read_again() {
    is_read_again(|org, small| assert!(org.unassign_group(&small.apps[0], &small.groups[0])));
}

#[test]
fn a_role_that_is_revoked_and_still_listed_is_read_again() {
    is_read_again(|org, small| org.revoke_all(&small.people[0]));
}

#[test]
fn a_user_who_is_suspended_and_still_active_is_read_again() {
    is_read_again(|org, small| {
        assert!(org.suspend_user(&small.people[1]) && org.lock_user(&small.people[2]))
    });
}

#[test]
fn a_user_who_is_deactivated_and_still_active_is_read_again() {
    is_read_again(|org, small| assert!(org.deactivate_user(&small.people[0])));
}

#[test]
fn a_factor_that_is_enrolled_and_not_listed_yet_is_read_again() {
    is_read_again(|org, small| drop(org.enroll_factor(&small.people[5], "webauthn")));
}

#[test]
fn a_factor_that_is_reset_and_still_listed_is_read_again() {
    is_read_again(|org, small| assert!(org.reset_factors(&small.people[1])));
}

#[test]
fn a_group_that_is_deleted_and_still_listed_does_not_come_back() {
    is_read_again(|org, small| assert!(org.delete_group(&small.groups[0])));
}

#[test]
fn an_app_that_is_deleted_and_still_listed_does_not_come_back() {
    is_read_again(|org, small| assert!(org.delete_app(&small.apps[0])));
}

#[test]
fn a_user_who_is_deleted_and_still_listed_does_not_come_back() {
    is_read_again(|org, small| assert!(org.delete_user(&small.people[2])));
}
