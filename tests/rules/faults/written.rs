//! What is written, and what never is.

use fake_org::{NewApp, NewUser};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Deployed, assert_well};
use crate::support::moto;
use crate::support::rig::Rig;

const HUSH: &str = "Hush-Winter2026!";

/// Logs an event with these members.
fn log(rig: &Rig, uuid: &str, members: &Value) {
    let mut event =
        json!({"uuid": uuid, "published": Timestamp::now().to_string(), "eventType": "x.y"});
    event
        .as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    rig.org().append_raw(&event);
}

/// Every object of the bucket as text.
async fn texts(deployed: &Deployed) -> Vec<(String, String)> {
    let read = |body: &[u8]| {
        let unzipped = std::io::read_to_string(flate2::read::MultiGzDecoder::new(body));
        unzipped.unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned())
    };
    moto::objects(&deployed.bucket)
        .await
        .into_iter()
        .map(|(key, body)| (key, read(&body)))
        .collect()
}

async fn assert_nowhere(deployed: &Deployed, secret: &str) {
    for (key, text) in texts(deployed).await {
        assert!(!text.contains(secret), "{secret} is in {key}");
    }
    assert!(
        !deployed.lambda.log().contains(secret),
        "{secret} is in the log"
    );
}

#[tokio::test]
async fn of_a_text_with_a_credential_the_rest_is_written() {
    let rig = Rig::new().await;
    rig.populate(3, 1);
    let debug = |key: &str, value: &str| json!({"debugContext": {"debugData": {key: value}}});
    for (uuid, event) in [
        (
            "e1",
            debug("url", "/oauth2/v1/logout?id_token_hint=Hush&state=stays"),
        ),
        ("e2", debug("requestUri", "/welcome/HushHush12")),
        (
            "e3",
            debug(
                "requestUri",
                "/signin/reset-password/Hush12HushHush?x=stays",
            ),
        ),
        (
            "e4",
            json!({"target": [{"id": "0oa1", "type": "AppInstance", "detailEntry": {"seen": "https://acme.okta.com/app?SAMLResponse=Hush&a=stays"}}]}),
        ),
    ] {
        log(&rig, uuid, &event);
    }
    let app = {
        let mut org = rig.org();
        let app = org.create_app(NewApp::new("bookmark", "Wiki", "BOOKMARK"));
        assert!(org.update_app(&app, |app| app["settings"] =
            json!({"app": {"url": "https://wiki.acme.example/?token=Hush&page=stays"}})));
        app
    };
    let mut deployed = Deployed::before(rig).await;
    assert_well(&deployed.run().await);
    assert_nowhere(&deployed, "Hush").await;
    let source = deployed.record("activity", "e1").await["source"].clone();
    assert_eq!(
        source["debugContext"]["debugData"]["url"],
        "/oauth2/v1/logout?id_token_hint=&state=stays"
    );
    assert_eq!(
        deployed.record("activity", "e3").await["source"]["debugContext"]["debugData"]["requestUri"],
        "/signin/reset-password/?x=stays"
    );
    let source = deployed.record("applications", &app).await["source"].clone();
    assert_eq!(
        source["settings"]["app"]["url"],
        "https://wiki.acme.example/?token=&page=stays"
    );
}

#[tokio::test]
async fn a_dropped_attribute_is_written_of_nothing_in_no_shape() {
    let rig = Rig::new().await;
    rig.populate(2, 1);
    rig.org().create_user(
        NewUser::named("Ada", "Byron")
            .with("mobilePhone", "+44 1234")
            .with("title", "stays"),
    );
    let target = |details: Value| json!({"eventType": "user.account.update_profile", "target": [{"id": "00u1", "type": "User", "changeDetails": details}]});
    log(
        &rig,
        "e1",
        &target(
            json!({"from": {"mobilePhone": "+44 1234", "title": "stays"}, "to": {"mobilePhone": "+44 12345"}}),
        ),
    );
    log(
        &rig,
        "e2",
        &target(json!([{"attribute": "mobilePhone", "from": "+44 1234"}])),
    );
    log(
        &rig,
        "e3",
        &json!({"debugContext": {"debugData": {"profile": "{\"mobilePhone\":\"+44 1234\",\"title\":\"stays\"}"}}}),
    );
    let mut deployed = Deployed::with(rig, &json!({"drop_attributes": ["mobilePhone"]})).await;
    assert_well(&deployed.run().await);
    assert_nowhere(&deployed, "+44 1234").await;
    let record = deployed.record("activity", "e1").await;
    assert_eq!(
        record["source"]["target"][0]["changeDetails"]["from"],
        json!({"title": "stays"}),
        "{record:#}"
    );
    assert!(record["ocsf"].is_object());
}

#[tokio::test]
async fn what_nobody_known_typed_is_written_only_as_an_email_address() {
    let rig = Rig::new().await;
    rig.populate(2, 1);
    let failed = |name: &str| {
        json!({
            "eventType": "user.session.start", "displayMessage": format!("{name} is unknown"),
            "outcome": {"result": "FAILURE", "reason": "VERIFICATION_ERROR"},
            "actor": {"id": "unknown", "type": "User", "alternateId": name, "displayName": "unknown"},
        })
    };
    log(&rig, "e1", &failed(HUSH));
    log(&rig, "e2", &failed("ada@acme.example"));
    // Typed into the field of the one who is to be recovered.
    let target = json!([{"id": null, "type": "User", "alternateId": HUSH, "displayName": HUSH}]);
    log(
        &rig,
        "e3",
        &json!({"eventType": "user.account.reset_password", "target": target}),
    );
    let mut deployed = Deployed::before(rig).await;
    assert_well(&deployed.run().await);
    assert_nowhere(&deployed, HUSH).await;
    assert_eq!(
        deployed.record("activity", "e2").await["source"]["actor"]["alternateId"],
        "ada@acme.example"
    );
    let actor = deployed.record("activity", "e1").await["source"]["actor"].clone();
    assert_eq!(actor["id"], "unknown");
    let withheld = |name: &Value| {
        let hash = name
            .as_str()
            .and_then(|name| name.strip_prefix("withheld:"));
        hash.filter(|hash| hash.len() == 32).map(str::to_owned)
    };
    let hash = withheld(&actor["alternateId"]);
    assert!(hash.is_some(), "{actor}");
    let target = deployed.record("activity", "e3").await["source"]["target"][0].clone();
    assert_eq!(
        withheld(&target["displayName"]),
        hash,
        "one name has one hash"
    );
}

#[tokio::test]
async fn a_weak_factor_is_a_tag_and_no_second_factor() {
    let rig = Rig::new().await;
    let (people, _) = rig.populate(6, 1);
    let cases: [(&[&str], bool, &[&str]); 6] = [
        (&["email"], false, &["mfa:email"]),
        (&["question"], false, &["mfa:question"]),
        (&["email", "sms"], true, &["mfa:email", "mfa:sms"]),
        (&["call"], true, &["mfa:call"]),
        (&["push", "webauthn"], true, &[]),
        (&[], false, &[]),
    ];
    for (person, (kinds, ..)) in people.iter().zip(&cases) {
        kinds
            .iter()
            .for_each(|kind| assert!(rig.org().enroll_factor(person, kind).is_some()));
    }
    let mut deployed = Deployed::before(rig).await;
    assert_well(&deployed.run().await);
    for (person, (kinds, has_mfa, tags)) in people.iter().zip(&cases) {
        let record = deployed.record("factors", person).await;
        let update = &record["bundle"]["update_users"][0];
        assert_eq!(
            (&update["hasMFA"], &update["tags"]),
            (&json!(has_mfa), &json!(tags)),
            "{kinds:?}: {record:#}"
        );
    }
    // A factor that is dropped takes its tag with it.
    assert!(deployed.rig.org().reset_factors(&people[0]));
    assert_well(&deployed.run().await);
    let update = deployed.record("factors", &people[0]).await["bundle"]["update_users"][0].clone();
    assert_eq!(
        (&update["hasMFA"], &update["tags"]),
        (&json!(false), &json!([]))
    );
    deployed.assert_in_step().await;
}

#[tokio::test]
async fn a_risk_is_found_wherever_okta_puts_it() {
    let rig = Rig::new().await;
    rig.populate(2, 1);
    let data = |data: Value| json!({"eventType": "user.session.start", "outcome": {"result": "SUCCESS"}, "debugContext": {"debugData": data}});
    for (uuid, event) in [
        (
            "e1",
            data(
                json!({"logOnlySecurityData": "{\"risk\":{\"level\":\"HIGH\"},\"behaviors\":{}}"}),
            ),
        ),
        (
            "e2",
            data(json!({"logOnlySecurityData": {"risk": {"level": "MEDIUM"}}})),
        ),
        (
            "e3",
            data(json!({"risk": "{level=HIGH, reasons=Anomalous Location}"})),
        ),
        ("e4", data(json!({"logOnlySecurityData": "soon"}))),
    ] {
        log(&rig, uuid, &event);
    }
    let mut deployed = Deployed::before(rig).await;
    assert_well(&deployed.run().await);
    for (uuid, level) in [
        ("e1", json!(3)),
        ("e2", json!(2)),
        ("e3", json!(3)),
        ("e4", Value::Null),
    ] {
        let record = deployed.record("activity", uuid).await;
        assert_eq!(record["ocsf"]["risk_level_id"], level, "{uuid}: {record:#}");
    }
}
