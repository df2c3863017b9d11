//! What the lists hold and which filters they take.

use fake_org::{NewApp, NewUser, Request};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::{CLIENT, all, get, org};

#[test]
fn the_default_list_leaves_deprovisioned_users_out_and_filters_do_not() {
    let mut org = org();
    let (ada, bob) = (
        org.create_user(NewUser::named("Ada", "L")),
        org.create_user(NewUser::named("Bob", "M")),
    );
    org.advance(SignedDuration::from_secs(10));
    org.deactivate_user(&bob);
    assert_eq!(all(&mut org, "/api/v1/users"), [ada.as_str()]);
    assert_eq!(
        all(
            &mut org,
            "/api/v1/users?filter=lastUpdated+ge+%222026-11-23T18:00:10.000Z%22"
        ),
        [bob.as_str()]
    );
    assert_eq!(
        all(
            &mut org,
            "/api/v1/users?filter=status+eq+%22DEPROVISIONED%22+or+status+eq+%22ACTIVE%22"
        )
        .len(),
        2
    );
    assert_eq!(
        all(
            &mut org,
            "/api/v1/users?search=profile.login+pr&sortBy=profile.firstName&sortOrder=desc"
        ),
        [bob, ada]
    );
    for bad in [
        "filter=status+gt+%22A%22",
        "filter=profile.city+eq+%22x%22",
        "search=nonsense",
    ] {
        assert_eq!(
            get(&mut org, &format!("/api/v1/users?{bad}")).value()["errorCode"],
            "E0000031",
            "{bad}"
        );
    }
}

#[test]
fn a_user_is_found_by_id_and_login() {
    let mut org = org();
    let (ada, group) = (
        org.create_user(NewUser::named("Ada", "L")),
        org.create_group("G"),
    );
    org.add_member(&group, &ada);
    assert_eq!(
        get(&mut org, "/api/v1/users/ada.l@acme.com").value()["id"],
        ada
    );
    assert_eq!(
        all(&mut org, &format!("/api/v1/users/{ada}/groups")),
        [group]
    );
}

#[test]
fn users_come_without_omitted_members() {
    let mut org = org();
    let ada = org.create_user(NewUser::named("Ada", "L"));
    for path in ["/api/v1/users".to_owned(), format!("/api/v1/users/{ada}")] {
        for (omits, has) in [
            ("omitCredentialsLinks", true),
            ("omitCredentials,omitCredentialsLinks", false),
        ] {
            let media = format!("application/json; okta-response={omits}");
            let token = org.issue_access_token(CLIENT);
            let request = Request::get(&path)
                .authorized("Bearer", &token)
                .header("Content-Type", &media);
            let answer = org.answer(&request);
            let text = String::from_utf8(answer.body).unwrap();
            assert!(
                text.contains(&ada) && text.contains("\"provider\"") == has,
                "{path} {omits}: {text}"
            );
        }
    }
}

#[test]
fn groups_are_filtered_by_their_last_change() {
    let mut org = org();
    let (quiet, busy) = (org.create_group("Quiet"), org.create_group("Busy"));
    let ada = org.create_user(NewUser::named("Ada", "L"));
    org.advance(SignedDuration::from_secs(10));
    org.add_member(&busy, &ada);
    let moved = "lastMembershipUpdated+gt+%222026-11-23T18:00:00.000Z%22";
    assert_eq!(
        all(&mut org, &format!("/api/v1/groups?filter={moved}")),
        [busy.as_str()]
    );
    assert_eq!(
        all(
            &mut org,
            &format!(
                "/api/v1/groups?filter=lastUpdated+gt+%222026-11-23T18:00:00.000Z%22+or+{moved}"
            )
        ),
        [busy.as_str()]
    );
    assert_eq!(all(&mut org, "/api/v1/groups?q=qui"), [quiet]);
    let group = get(&mut org, "/api/v1/groups?expand=stats").value()[1].clone();
    assert_eq!(group["_embedded"]["stats"]["usersCount"], 1);
    let member = get(&mut org, &format!("/api/v1/groups/{busy}/users")).value()[0].clone();
    assert_eq!(member["profile"]["login"], "ada.l@acme.com");
}

#[test]
fn apps_cannot_be_filtered_by_time() {
    let mut org = org();
    let app = org.create_app(NewApp::new("slack", "Slack", "SAML_2_0"));
    let (ada, group) = (
        org.create_user(NewUser::named("Ada", "L")),
        org.create_group("G"),
    );
    org.assign_user(&app, &ada);
    org.assign_group(&app, &group);
    let refused = get(
        &mut org,
        "/api/v1/apps?filter=lastUpdated+gt+%222026-11-23T18:00:00.000Z%22",
    );
    assert_eq!(
        (refused.status, refused.value()["errorCode"].clone()),
        (400, json!("E0000031"))
    );
    for target in [
        "/api/v1/apps".into(),
        "/api/v1/apps?filter=status+eq+%22ACTIVE%22".into(),
        format!("/api/v1/apps?filter=user.id+eq+%22{ada}%22"),
        format!("/api/v1/groups/{group}/apps"),
    ] {
        assert_eq!(all(&mut org, &target), [app.as_str()], "{target}");
    }
    assert_eq!(
        get(&mut org, &format!("/api/v1/apps/{app}/users/{ada}")).value()["scope"],
        "USER"
    );
    assert_eq!(
        get(&mut org, &format!("/api/v1/apps/{app}/groups/{group}")).value()["id"],
        group
    );
    assert_eq!(
        get(&mut org, &format!("/api/v1/apps/{app}")).value()["label"],
        "Slack"
    );
}

#[test]
fn identity_providers_hold_secrets_and_lose_filters_on_the_way() {
    let mut org = org();
    let ids: Vec<String> = (0..3)
        .map(|n| org.create_idp("OIDC", &format!("P{n}")))
        .collect();
    let saml = org.create_idp("SAML2", "S");
    let ada = org.create_user(NewUser::named("Ada", "L"));
    org.link_idp_user(&saml, &ada);
    let first = get(&mut org, "/api/v1/idps?type=OIDC&limit=2");
    let next = crate::support::next_target(&first).unwrap();
    assert!(!next.contains("type="), "{next}");
    assert_eq!(
        first.value()[0]["protocol"]["credentials"]["client"]["client_secret"],
        "fake-secret-never-to-be-written"
    );
    assert_eq!(all(&mut org, &next), [ids[2].clone(), saml.clone()]);
    assert_eq!(all(&mut org, &format!("/api/v1/idps/{saml}/users")), [ada]);
    let keys = get(&mut org, &format!("/api/v1/idps/{saml}/credentials/keys")).value();
    let trusted = get(&mut org, "/api/v1/idps/credentials/keys").value();
    let kids = |keys: &Value| {
        keys.as_array()
            .unwrap()
            .iter()
            .map(|key| key["kid"].clone())
            .collect::<Vec<_>>()
    };
    let credentials = &org.idp(&saml).unwrap()["protocol"]["credentials"];
    assert_eq!(kids(&keys), [credentials["signing"]["kid"].clone()]);
    assert_eq!(kids(&trusted), [credentials["trust"]["kid"].clone()]);
    assert_ne!(
        kids(&keys),
        kids(&trusted),
        "Okta's own keys are no one else's"
    );
}
