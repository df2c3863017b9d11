//! What follows from a change by itself, and what jobs do to many at once.

use fake_org::{NewApp, NewUser, Options, Org, Targets};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::changes::{events, types};
use crate::support::{get, org, org_with};

/// A user in a group that has an app.
fn member(org: &mut Org) -> (String, String, String) {
    let ids = (
        org.create_user(NewUser::named("Ada", "L")),
        org.create_group("G"),
        org.create_app(NewApp::new("slack", "Slack", "SAML_2_0")),
    );
    org.assign_group(&ids.2, &ids.1);
    org.add_member(&ids.1, &ids.0);
    ids
}

#[test]
fn a_deactivated_user_keeps_grants_by_hand_and_inactive_apps() {
    let mut org = org();
    let everyone = org.create_everyone();
    let (ada, group, app) = member(&mut org);
    let ruled = org.create_group("Ruled");
    org.apply_rule(&ruled, &[&ada], &[]);
    let imported = org.import_group("Imported", &app);
    org.add_member(&imported, &ada);
    let old = org.create_app(NewApp::new("box", "Box", "SAML_2_0"));
    org.assign_user(&old, &ada);
    org.deactivate_app(&old);
    let lost = types(&mut org, |org| assert!(org.deactivate_user(&ada)));
    assert_eq!(
        lost[1..]
            .iter()
            .filter(|kind| *kind == "group.user_membership.remove")
            .count(),
        2,
        "{lost:?}"
    );
    let mut kept = vec![format!("{everyone}:{ada}"), format!("{group}:{ada}")];
    kept.sort();
    assert_eq!(
        (org.state().memberships, org.state().app_users),
        (kept, vec![format!("{old}:{ada}")])
    );
    // What the group grants comes back with the user.
    let regained = types(&mut org, |org| assert!(org.activate_user(&ada)));
    assert_eq!(
        regained,
        ["user.lifecycle.activate", "application.user_membership.add"]
    );
    assert_eq!(org.state().app_users.len(), 2);
    org.delete_user(&ada);
    let left = org.state();
    assert!(
        left.memberships.is_empty() && left.app_users.is_empty() && left.factors.is_empty(),
        "{left:?}"
    );
}

#[test]
fn quiet_effects_tell_of_the_change_alone() {
    let mut org = org_with(Options {
        quiet_effects: true,
        ..Options::default()
    });
    let everyone = org.create_everyone();
    let everybodys = org.create_app(NewApp::new("wiki", "Wiki", "SAML_2_0"));
    org.assign_group(&everybodys, &everyone);
    let created = types(&mut org, |org| {
        drop(org.create_user(NewUser::named("Eve", "L").status("STAGED")))
    });
    assert_eq!(created, ["user.lifecycle.create"]);
    let (ada, group, app) = member(&mut org);
    assert_eq!(
        types(&mut org, |org| {
            org.unassign_group(&app, &group);
            org.assign_group(&app, &group);
        }),
        [
            "group.application_assignment.remove",
            "group.application_assignment.add"
        ]
    );
    org.assign_role(&ada, "SUPER_ADMIN", &Targets::default());
    org.enroll_factor(&ada, "push");
    assert_eq!(
        types(&mut org, |org| assert!(org.deactivate_user(&ada))),
        ["user.lifecycle.deactivate"]
    );
    assert!(org.app_user(&app, &ada).is_none() && org.factors(&ada).is_empty());
    assert_eq!(
        types(&mut org, |org| assert!(org.activate_user(&ada))),
        ["user.lifecycle.activate"]
    );
    assert_eq!(
        types(&mut org, |org| assert!(org.delete_group(&group))),
        [
            "group.lifecycle.delete",
            "application.user_membership.remove"
        ]
    );
    assert!(org.app_user(&app, &ada).is_none());
    // Membership is no effect of its own: what follows from it is told as ever.
    let other = org.create_group("Other");
    org.assign_group(&app, &other);
    let joined = types(&mut org, |org| assert!(org.add_member(&other, &ada)));
    assert_eq!(
        joined,
        [
            "group.user_membership.add",
            "application.user_membership.add"
        ]
    );
}

#[test]
fn a_rule_tells_of_itself_then_of_each_user() {
    let mut org = org();
    let (ada, bob, group) = (
        org.create_user(NewUser::named("Ada", "L")),
        org.create_user(NewUser::named("Bob", "L")),
        org.create_group("G"),
    );
    org.add_member(&group, &bob);
    let ruled = events(&mut org, |org| {
        assert!(org.apply_rule(&group, &[&ada], &[&bob]))
    });
    let kinds: Vec<&str> = ruled.iter().map(|(kind, _)| kind.as_str()).collect();
    let expected = [
        "group.user_membership.rule.trigger",
        "group.user_membership.add",
        "group.user_membership.remove",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(ruled[0].1.as_array().unwrap().len(), 1);
    org.options.late_rules = true;
    let ruled = types(&mut org, |org| {
        assert!(org.apply_rule(&group, &[&bob], &[&ada]))
    });
    assert_eq!(ruled, expected[..1]);
    assert_eq!(org.late_events(), 2);
}

#[test]
fn an_import_names_its_app_alone_and_moves_the_groups_time() {
    let mut org = org();
    let (ada, _, app) = member(&mut org);
    let group = org.import_group("Imported", &app);
    let then = org.group(&group).unwrap()["lastMembershipUpdated"].clone();
    org.advance(SignedDuration::from_secs(1));
    let imported = events(&mut org, |org| {
        assert!(org.import_memberships(&group, &[&ada], &[], &app))
    });
    assert_eq!(
        (imported.len(), imported[0].0.as_str()),
        (1, "system.import.group_membership.complete")
    );
    assert_eq!(
        (&imported[0].1[0]["type"], &imported[0].1[0]["id"]),
        (&json!("AppInstance"), &json!(app))
    );
    assert_ne!(org.group(&group).unwrap()["lastMembershipUpdated"], then);
    assert!(!org.import_memberships(&group, &[&ada], &[], &app));
}

#[test]
fn links_to_identity_providers_come_and_go_unsaid() {
    let mut org = org();
    let (ada, idp) = (
        org.create_user(NewUser::named("Ada", "L")),
        org.create_idp("OIDC", "P"),
    );
    let said = types(&mut org, |org| {
        assert!(
            org.link_idp_user(&idp, &ada)
                && org.unlink_idp_user(&idp, &ada)
                && org.link_idp_user(&idp, &ada)
        );
    });
    assert!(said.is_empty(), "{said:?}");
    org.delete_user(&ada);
    assert!(org.state().idp_users.is_empty());
}

#[test]
fn the_groups_of_a_deleted_user_have_moved() {
    let mut org = org();
    let (ada, group, _) = member(&mut org);
    let then = org.group(&group).unwrap()["lastMembershipUpdated"].clone();
    org.advance(SignedDuration::from_secs(1));
    org.silently(|org| org.delete_user(&ada));
    assert_ne!(org.group(&group).unwrap()["lastMembershipUpdated"], then);
}

#[test]
fn app_users_are_embedded_beside_the_filter_for_their_user_alone() {
    let mut org = org();
    let (ada, ..) = member(&mut org);
    let filter = format!("filter=user.id+eq+%22{ada}%22");
    let embedded = get(
        &mut org,
        &format!("/api/v1/apps?{filter}&expand=user/{ada}"),
    )
    .value();
    assert_eq!(
        embedded[0]["_embedded"]["user"],
        *org.app_user(embedded[0]["id"].as_str().unwrap(), &ada)
            .unwrap()
    );
    for query in [
        format!("expand=user/{ada}"),
        format!("{filter}&expand=user/00uOther"),
        filter,
    ] {
        let plain = get(&mut org, &format!("/api/v1/apps?{query}")).value();
        assert_eq!(
            (plain.as_array().unwrap().len(), &plain[0]["_embedded"]),
            (1, &Value::Null),
            "{query}"
        );
    }
}
