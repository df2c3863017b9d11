//! The answers that the fleet's state machine is tried against are those of the built function.

use std::fs;
use std::path::{Path, PathBuf};

use fake_org::{Class, Denial, Limits, NewUser};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::lambda::Deployed;
use crate::support::moto;
use crate::support::rig::{CLIENT, Rig};
use crate::support::runtime::Answer;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/tests/answers")
}

/// Asserts that the recorded answer of this name tells a state machine the same as this one.
fn assert_recorded(name: &str, answer: Answer, decides: &[&str]) {
    let answer = match answer {
        Answer::Report(report) => report,
        Answer::Error(body) => body,
        Answer::InitError(body) => panic!("{body}"),
    };
    let file = folder().join(format!("{name}.json"));
    if std::env::var_os("UPDATE_ANSWERS").is_some_and(|wanted| wanted == "1") {
        fs::write(
            &file,
            format!("{}\n", serde_json::to_string_pretty(&answer).unwrap()),
        )
        .unwrap();
    }
    let recorded =
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let recorded: Value = serde_json::from_str(&recorded).unwrap();
    let keys = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        keys(&recorded),
        keys(&answer),
        "UPDATE_ANSWERS=1 cargo test --test rules fleet records it anew"
    );
    for key in decides {
        assert_eq!(recorded[key], answer[key], "{name}: {key}");
    }
}

async fn of(people: usize) -> Deployed {
    Deployed::with_people(people, 1).await
}

#[tokio::test]
async fn a_run_that_has_done_all_is_recorded() {
    let mut deployed = of(3).await;
    assert_recorded(
        "succeeded",
        deployed.lambda.invoke(json!({})).await,
        &["outcome", "continue", "retry_after_seconds"],
    );
}

#[tokio::test]
async fn a_run_that_has_more_to_do_is_recorded() {
    let rig = Rig::new().await;
    let ada = rig.org().create_user(NewUser::named("Ada", "Lovelace"));
    rig.org().silently(|org| {
        for n in 0..150 {
            let group = org.create_group(&format!("Group {n}"));
            assert!(org.add_member(&group, &ada));
        }
    });
    rig.org().options.latency_ms = 200;
    let mut deployed = Deployed::with_settings(rig, &[]).await;
    let answer = deployed
        .lambda
        .invoke_until(json!({}), Timestamp::now() + SignedDuration::from_secs(3))
        .await;
    assert_recorded(
        "continue",
        answer,
        &["outcome", "continue", "retry_after_seconds"],
    );
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
    let mut deployed = Deployed::with_settings(rig, &[]).await;
    let answer = deployed
        .lambda
        .invoke_until(json!({}), Timestamp::now() + SignedDuration::from_secs(6))
        .await;
    let Answer::Report(report) = &answer else {
        panic!("{answer:#?}")
    };
    assert!(report["retry_after_seconds"].is_u64(), "{report:#}");
    assert_recorded("limited", answer, &["outcome", "continue"]);
}

#[tokio::test]
async fn a_run_without_some_admin_role_is_recorded() {
    let mut deployed = of(3).await;
    for path in ["/api/v1/idps", "/api/v1/idps/**"] {
        deployed.rig.org().deny(path, Denial::AdminRole);
    }
    assert_recorded(
        "degraded",
        deployed.lambda.invoke(json!({})).await,
        &["outcome", "continue", "retry_after_seconds"],
    );
}

#[tokio::test]
async fn errors_that_want_a_person_and_errors_that_pass_are_recorded() {
    let mut deployed = of(3).await;
    deployed
        .rig
        .org()
        .edit_client(CLIENT, |client| client.secrets = vec!["rotated".into()]);
    assert_recorded(
        "rejected",
        deployed.lambda.invoke(json!({})).await,
        &["errorType"],
    );
    let missing = json!({"secret_id": moto::name("okta/missing")});
    assert_recorded(
        "not-found",
        deployed.lambda.invoke(missing).await,
        &["errorType"],
    );
    let rig = Rig::new().await;
    rig.org()
        .fail("/oauth2/v1/token", 1_000, fake_org::Failure::Reset);
    let mut deployed = Deployed::with_settings(rig, &[]).await;
    assert_recorded(
        "unreachable",
        deployed.lambda.invoke(json!({})).await,
        &["errorType"],
    );
}
