//! What a change does to the org and what it says in the log.

use fake_org::{NewApp, NewUser, Org, Targets};
use jiff::SignedDuration;
use serde_json::Value;

use crate::support::{get, org};

/// Types of the events since a cursor, and the cursor behind them.
pub fn events(org: &mut Org, change: impl FnOnce(&mut Org)) -> Vec<(String, Value)> {
    let after = org.last_cursor();
    change(org);
    let events = get(org, &format!("/api/v1/logs?after={after}&limit=1000")).value();
    let events = events.as_array().unwrap().iter();
    events
        .map(|event| {
            (
                event["eventType"].as_str().unwrap().to_owned(),
                event["target"].clone(),
            )
        })
        .collect()
}

pub fn types(org: &mut Org, change: impl FnOnce(&mut Org)) -> Vec<String> {
    events(org, change)
        .into_iter()
        .map(|(kind, _)| kind)
        .collect()
}

#[test]
fn a_deactivated_user_loses_apps_roles_and_factors_each_with_an_event() {
    let mut org = org();
    let (ada, group, app) = (
        org.create_user(NewUser::named("Ada", "L")),
        org.create_group("G"),
        org.create_app(NewApp::new("slack", "Slack", "SAML_2_0")),
    );
    org.add_member(&group, &ada);
    org.assign_user(&app, &ada);
    org.assign_role(&ada, "SUPER_ADMIN", &Targets::default());
    org.enroll_factor(&ada, "push");
    let types = types(&mut org, |org| assert!(org.deactivate_user(&ada)));
    assert_eq!(
        types,
        [
            "user.lifecycle.deactivate",
            "application.user_membership.remove",
            "user.account.privilege.revoke",
            "user.mfa.factor.reset_all"
        ]
    );
    let state = org.state();
    assert!(
        state.app_users.is_empty() && state.role_assignments.is_empty() && state.factors.is_empty()
    );
    assert_eq!(state.memberships, [format!("{group}:{ada}")]);
    assert_eq!(state.users, [ada]);
}

#[test]
fn deleting_takes_everything_along() {
    let mut org = org();
    let (ada, group, app) = (
        org.create_user(NewUser::named("Ada", "L")),
        org.create_group("G"),
        org.create_app(NewApp::new("slack", "Slack", "SAML_2_0")),
    );
    org.add_member(&group, &ada);
    org.assign_group(&app, &group);
    assert_eq!(
        types(&mut org, |org| assert!(org.delete_group(&group))),
        [
            "group.lifecycle.delete",
            "application.user_membership.remove"
        ]
    );
    org.assign_user(&app, &ada);
    assert_eq!(
        types(&mut org, |org| assert!(org.delete_app(&app))),
        ["application.lifecycle.delete"]
    );
    assert_eq!(
        types(&mut org, |org| assert!(org.delete_user(&ada))),
        [
            "user.lifecycle.deactivate",
            "user.lifecycle.delete.initiated",
            "user.lifecycle.delete.completed"
        ]
    );
    let left = fake_org::State {
        events: org.state().events,
        ..fake_org::State::default()
    };
    assert_eq!(org.state(), left);
    assert!(!org.delete_user(&ada));
}

#[test]
fn group_assignments_follow_the_members() {
    let mut org = org();
    let (ada, group, app) = (
        org.create_user(NewUser::named("Ada", "L")),
        org.create_group("G"),
        org.create_app(NewApp::new("slack", "Slack", "SAML_2_0")),
    );
    org.assign_group(&app, &group);
    let joined = events(&mut org, |org| assert!(org.add_member(&group, &ada)));
    assert_eq!(joined[1].0, "application.user_membership.add");
    let kinds: Vec<&str> = joined[1]
        .1
        .as_array()
        .unwrap()
        .iter()
        .map(|target| target["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["AppUser", "AppInstance", "User"]);
    assert_eq!(org.app_user(&app, &ada).unwrap()["scope"], "GROUP");
    org.assign_user(&app, &ada);
    assert_eq!(org.app_user(&app, &ada).unwrap()["scope"], "USER");
    org.unassign_user(&app, &ada);
    assert_eq!(org.app_user(&app, &ada).unwrap()["scope"], "GROUP");
    org.unassign_group(&app, &group);
    assert!(org.app_user(&app, &ada).is_none());
}

#[test]
fn times_move_as_those_of_okta_do() {
    let mut org = org();
    let (ada, group) = (
        org.create_user(NewUser::named("Ada", "L")),
        org.create_group("G"),
    );
    let then = org.user(&ada).unwrap()["lastUpdated"].clone();
    org.advance(SignedDuration::from_secs(1));
    org.add_member(&group, &ada);
    org.sign_in(&ada);
    assert_eq!(org.user(&ada).unwrap()["lastUpdated"], then);
    assert_ne!(org.user(&ada).unwrap()["lastLogin"], Value::Null);
    assert_eq!(org.group(&group).unwrap()["lastUpdated"], then);
    assert_ne!(org.group(&group).unwrap()["lastMembershipUpdated"], then);
    org.suspend_user(&ada);
    assert_ne!(org.user(&ada).unwrap()["statusChanged"], then);
}

#[test]
fn everyone_tells_nothing_about_members() {
    let mut org = org();
    let everyone = org.create_everyone();
    let created = types(&mut org, |org| {
        drop(org.create_user(NewUser::named("Ada", "L")))
    });
    assert_eq!(
        created,
        ["user.lifecycle.create", "user.lifecycle.activate"]
    );
    let ada = org.state().users[0].clone();
    assert_eq!(org.state().memberships, [format!("{everyone}:{ada}")]);
}

#[test]
fn every_entity_reports_its_changes() {
    let mut org = org();
    let (ada, group) = (
        org.create_user(NewUser::named("Ada", "L")),
        org.create_group("G"),
    );
    let said = types(&mut org, |org| {
        let idp = org.create_idp("OIDC", "P");
        org.update_idp(&idp, |idp| idp["name"] = "Q".into());
        org.delete_idp(&idp);
        let app = org.create_app(NewApp::service("S", "0oaService"));
        org.deactivate_app(&app);
        org.sso(&ada, &app);
        let role = org.create_custom_role("R", &[]);
        org.add_permission(&role, "okta.users.read");
        let set = org.create_resource_set("T", &[]);
        org.add_resource(&set, "/api/v1/users");
        org.assign_custom_role(&ada, &role, &set);
        org.assign_role(&app, "READ_ONLY_ADMIN", &Targets::default());
        org.assign_role(&group, "REPORT_ADMIN", &Targets::default());
        org.delete_custom_role(&role);
    });
    let expected = [
        "system.idp.lifecycle.create",
        "system.idp.lifecycle.update",
        "system.idp.lifecycle.delete",
        "application.lifecycle.create",
        "application.lifecycle.deactivate",
        "user.authentication.sso",
        "iam.role.create",
        "iam.role.permissions.add",
        "iam.resourceset.create",
        "iam.resourceset.resources.add",
        "iam.resourceset.bindings.add",
        "app.oauth2.client.privilege.grant",
        "group.privilege.grant",
        "iam.role.delete",
    ];
    assert_eq!(said, expected);
}
