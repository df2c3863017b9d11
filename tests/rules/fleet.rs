//! A fleet's function: its messages; and what is recorded of the built function, for the rules of deploy/tests: answers, and
//! the lines of metrics that rounds and alarms are tried with.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use fake_org::{Class, Denial, Failure, Limits, NewUser};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::lambda::Deployed;
use super::watch::Watched;
use crate::support::moto;
use crate::support::rig::{CLIENT, Rig};
use crate::support::runtime::Answer;

/// Members of a line by which a round or an alarm decides, apart from how long something took.
const DECIDING: [&str; 10] = [
    "outcome",
    "errorType",
    "continue",
    "unavailable",
    "held",
    "failed",
    "except",
    "partial",
    "errors",
    "integration",
];

fn file(kind: &str, name: &str) -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/tests");
    tests.join(kind).join(format!("{name}.json"))
}

fn keys(value: &Value) -> BTreeSet<&String> {
    value.as_object().unwrap().keys().collect()
}

/// Asserts that the recorded line of this name tells a round and an alarm the same as this one.
pub fn assert_recorded(name: &str, line: &Value) {
    assert_same(&file("lines", name), line);
}

fn assert_same(file: &Path, told: &Value) {
    if std::env::var_os("UPDATE_RECORDED").is_some_and(|wanted| wanted == "1") {
        let text = serde_json::to_string_pretty(told).unwrap();
        fs::write(file, format!("{text}\n")).unwrap();
    }
    let file = file.display();
    let recorded =
        fs::read_to_string(file.to_string()).unwrap_or_else(|error| panic!("{file}: {error}"));
    let recorded: Value = serde_json::from_str(&recorded).unwrap();
    let anew = "UPDATE_RECORDED=1 cargo test --test rules -- watch fleet records it anew";
    assert_eq!(keys(&recorded), keys(told), "{file}: {anew}");
    for key in DECIDING {
        assert_eq!(recorded[key], told[key], "{file}, {key}: {anew}");
    }
}

#[tokio::test]
async fn the_answers_that_programs_show_are_recorded() {
    let assert_answer = |name: &str, answer: Answer| match answer {
        Answer::Report(told) | Answer::Error(told) => assert_same(&file("answers", name), &told),
        Answer::InitError(body) => panic!("{body}"),
    };
    let mut deployed = Deployed::with_people(3, 1).await;
    assert_answer("succeeded", deployed.lambda.invoke(json!({})).await);
    let mut weak = Deployed::with_people(3, 1).await;
    for path in ["/api/v1/idps", "/api/v1/idps/**"] {
        weak.rig.org().deny(path, Denial::AdminRole);
    }
    assert_answer("degraded", weak.lambda.invoke(json!({})).await);
    // One that has no token left from before.
    let mut rotated = Deployed::with_people(3, 1).await;
    rotated
        .rig
        .org()
        .edit_client(CLIENT, |client| client.secrets = vec!["rotated".into()]);
    let answer = rotated.lambda.invoke(json!({})).await;
    assert!(matches!(answer, Answer::Error(_)), "{answer:#?}");
    assert_answer("rejected", answer);
}

/// The function of a fleet, which knows no secret but by its messages.
async fn fleet(rig: Rig) -> Watched {
    Watched::with_settings(rig, &[("SECRET_ID", ""), ("METRICS_BY", "stack")]).await
}

fn message(secret: &str) -> Value {
    let body = json!({ "secret_id": secret }).to_string();
    json!({"Records": [{"messageId": "m-1", "eventSource": "aws:sqs", "body": body}]})
}

async fn small() -> Watched {
    let rig = Rig::new().await;
    rig.populate(3, 1);
    fleet(rig).await
}

#[tokio::test]
async fn a_message_of_the_queue_names_the_org_and_the_line_names_it_again() {
    let mut fleet = small().await;
    let secret = fleet.0.secret.clone();
    let line = fleet.run(message(&secret)).await;
    assert_eq!(
        (&line["outcome"], &line["secret"], &line["errors"]),
        (&json!("succeeded"), &json!(secret), &json!(0)),
        "{line:#}"
    );
    assert_recorded("fleet-well", &line);
    let answer = fleet.0.lambda.invoke(json!({"Records": []})).await;
    let Answer::Error(error) = answer else {
        panic!("{answer:#?}")
    };
    assert_eq!(error["errorType"], "SecretNotNamed");
}

#[tokio::test]
async fn a_function_of_one_org_takes_no_other_orgs_name_from_a_message() {
    let mut watched = Watched::of(3, 1).await;
    let line = watched.run(message("okta/another")).await;
    assert_eq!(
        (&line["outcome"], &line["secret"]),
        (&json!("succeeded"), &json!(watched.0.secret))
    );
}

#[tokio::test]
async fn a_run_that_has_more_to_do_is_recorded() {
    let rig = Rig::new().await;
    let ada = rig.org().create_user(NewUser::named("Ada", "Lovelace"));
    rig.org().silently(|org| {
        for n in 0..1_000 {
            let group = org.create_group(&format!("Group {n}"));
            assert!(org.add_member(&group, &ada));
        }
    });
    rig.org().options.latency_ms = 200;
    let mut fleet = fleet(rig).await;
    let secret = fleet.0.secret.clone();
    let line = fleet
        .run_for(message(&secret), SignedDuration::from_secs(10))
        .await;
    assert_eq!(line["continue"], true, "{line:#}");
    assert_recorded("fleet-continue", &line);
}

#[tokio::test]
async fn a_run_that_waits_for_a_limit_is_recorded() {
    let rig = Rig::new().await;
    rig.org().create_user(NewUser::named("Ada", "Lovelace"));
    rig.org().silently(|org| {
        for n in 0..20 {
            org.create_group(&format!("Group {n}"));
        }
    });
    rig.org().options.limits = Limits::workforce().set(Class::Groups, 8);
    let mut fleet = fleet(rig).await;
    let secret = fleet.0.secret.clone();
    let line = fleet
        .run_for(message(&secret), SignedDuration::from_secs(6))
        .await;
    assert!(line["retry_after_seconds"].is_u64(), "{line:#}");
    assert_recorded("fleet-limited", &line);
}

#[tokio::test]
async fn runs_that_cannot_go_on_are_lines_as_well_those_without_a_secret_included() {
    let mut fleet_ = small().await;
    let secret = fleet_.0.secret.clone();
    fleet_
        .0
        .rig
        .org()
        .edit_client(CLIENT, |client| client.secrets = vec!["rotated".into()]);
    let rejected = fleet_.run(message(&secret)).await;
    assert_eq!(rejected["errorType"], "CredentialsRejected");
    assert_recorded("fleet-rejected", &rejected);
    let missing = moto::name("okta/missing");
    let line = fleet_.run(message(&missing)).await;
    assert_eq!(
        (&line["errorType"], &line["secret"]),
        (&json!("SecretNotFound"), &json!(missing))
    );
    assert_recorded("fleet-not-found", &line);
    let rig = Rig::new().await;
    rig.org().fail("/oauth2/v1/token", 1_000, Failure::Reset);
    let mut unreachable = fleet(rig).await;
    let secret = unreachable.0.secret.clone();
    let line = unreachable.run(message(&secret)).await;
    assert_eq!(line["errorType"], "OktaUnreachable");
    assert_recorded("fleet-unreachable", &line);
}
