//! What the function cannot see, and what it could: factors that the network hides, and the credential's own power.

use fake_org::{Event, NewApp, NewUser, Party, Request, Response, Targets};
use okta_authomize::invocation::Outcome;
use serde_json::{Value, json};

use crate::support::gate;
use crate::support::http::Endpoint;
use crate::support::rig::{CLIENT, Rig, outcome};

/// Somebody passes a factor, as the log tells it of either engine.
fn pass(rig: &Rig, user: &str, kind: &'static str, factor: &str) {
    let event = Event::new(kind).by(Party::new("User", user, "ada@acme.com", "Ada"));
    let event = event.on(Party::new(
        "AuthenticatorEnrollment",
        "opf1",
        "unknown",
        factor,
    ));
    rig.org().append_event(event.debug("factor", factor));
}

/// A gate before an org that shows nobody's factors to this address.
async fn blind(rig: &mut Rig) -> Endpoint {
    let hide = |request: &Request, response: &mut Response| {
        if request.path.ends_with("/factors") && response.status == 200 {
            response.body = b"[]".to_vec();
        }
    };
    gate::before(rig, |_| (), hide).await
}

fn factors(rig: &Rig, user: &str) -> (Value, Vec<Value>) {
    let record = rig.read().records("factors")[user].record.clone();
    let methods = record["source"]["seen_methods"].as_array().cloned();
    let methods = methods.unwrap_or_default();
    let has_mfa = record["bundle"]["update_users"][0]["hasMFA"].clone();
    (
        has_mfa,
        methods
            .into_iter()
            .map(|method| method["method"].clone())
            .collect(),
    )
}

#[tokio::test]
async fn a_user_who_passes_a_factor_that_the_network_hides_has_one() {
    for kind in [
        "user.authentication.auth_via_mfa",
        "user.authentication.verify",
    ] {
        let mut rig = Rig::new().await;
        let (people, _) = rig.populate(12, 1);
        people
            .iter()
            .for_each(|person| assert!(rig.org().enroll_factor(person, "push").is_some()));
        let _gate = blind(&mut rig).await;
        rig.restart(&[]);
        // One before the factors are read, others after.
        pass(&rig, &people[0], kind, "OKTA_VERIFY_PUSH");
        let report = rig.run().await;
        assert_eq!(
            factors(&rig, &people[0]),
            (true.into(), vec!["OKTA_VERIFY_PUSH".into()])
        );
        assert_eq!(factors(&rig, &people[1]).0, false);
        assert_eq!(
            report.streams["factors"].error, None,
            "one of twelve is few"
        );
        for person in &people[1..4] {
            pass(&rig, person, kind, "GOOGLE_OTP");
        }
        pass(&rig, &people[5], kind, "PASSWORD_AS_FACTOR");
        let report = rig.run().await;
        for person in &people[1..4] {
            assert_eq!(
                factors(&rig, person),
                (true.into(), vec!["GOOGLE_OTP".into()]),
                "{kind}"
            );
        }
        assert_eq!(factors(&rig, &people[5]).0, false);
        assert_eq!(outcome(&report, "factors"), Outcome::Succeeded);
        let check = rig.ask(json!({"mode": "check"})).await.unwrap();
        for report in [report, check] {
            let told = report.streams["factors"].error.clone().unwrap_or_default();
            assert!(
                told.contains("factors are hidden from this address: 4 of 12"),
                "{told}"
            );
        }
        // The same method again is no reason to read again.
        rig.org().reset_counts();
        pass(&rig, &people[1], kind, "GOOGLE_OTP");
        rig.run().await;
        assert_eq!(
            rig.requests().keys().collect::<Vec<_>>(),
            ["GET /api/v1/logs"]
        );
    }
}

#[tokio::test]
async fn factors_that_show_again_are_as_they_are_read() {
    let mut rig = Rig::new().await;
    let (people, _) = rig.populate(4, 1);
    people
        .iter()
        .for_each(|person| drop(rig.org().enroll_factor(person, "push")));
    {
        let _gate = blind(&mut rig).await;
        rig.restart(&[]);
        rig.run().await;
        pass(
            &rig,
            &people[0],
            "user.authentication.auth_via_mfa",
            "OKTA_VERIFY_PUSH",
        );
        rig.run().await;
        assert_eq!(factors(&rig, &people[0]).0, true);
    }
    let open = gate::before(&mut rig, |_| (), |_, _| ()).await;
    rig.restart(&[]);
    let report = rig
        .ask(json!({"mode": "full", "streams": ["factors"]}))
        .await
        .unwrap();
    assert_eq!(report.streams["factors"].error, None);
    for person in &people {
        assert_eq!(factors(&rig, person), (true.into(), Vec::new()));
    }
    drop(open);
}

#[tokio::test]
async fn a_check_tells_what_a_thief_of_the_credential_could_become() {
    for (own, other, way) in [
        ("READ_ONLY_ADMIN", Some("SUPER_ADMIN"), Some("Backup Agent")),
        ("READ_ONLY_ADMIN", Some("HELP_DESK_ADMIN"), None),
        ("REPORT_ADMIN", Some("SUPER_ADMIN"), None),
        ("SUPER_ADMIN", None, Some("super admin itself")),
    ] {
        let rig = Rig::new().await;
        rig.populate(3, 1);
        {
            let mut org = rig.org();
            org.silently(|org| drop(org.create_app(NewApp::service("Collector", CLIENT))));
            let agent = org.create_app(NewApp::service("Backup Agent", "0oaBackupAgent"));
            org.assign_role(CLIENT, own, &Targets::default());
            if let Some(role) = other {
                org.assign_role(&agent, role, &Targets::default());
            }
            org.create_user(NewUser::named("Grace", "Hopper"));
        }
        let report = rig.ask(json!({"mode": "check"})).await.unwrap();
        let power = report.power.unwrap();
        assert_eq!(power.roles, [own]);
        assert_eq!(power.reads_client_secrets, own == "READ_ONLY_ADMIN");
        let found = power.super_admin_by.unwrap_or_default();
        match way {
            Some(way) => assert!(found.contains(way), "{own}: {found}"),
            None => assert_eq!(found, "", "{own}"),
        }
        let is_offered = power.advice.contains("Report Administrator");
        assert_eq!(is_offered, own == "READ_ONLY_ADMIN", "{}", power.advice);
        assert_eq!(rig.run().await.power, None, "a run does not ask");
    }
}
