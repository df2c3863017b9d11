//! Trouble costs itself: a refused item, a lost answer, an API that is not there.

use loader::report::Outcome;
use serde_json::json;

use super::fake::TOKEN;
use super::history::{Ledger, Line};
use super::rig::Rig;

async fn with_users(number: usize, options: serde_json::Value) -> Rig {
    let mut rig = Rig::new(options).await;
    let mut lines: Vec<Line> = (0..number)
        .map(|number| Ledger::user(&format!("00u{number}"), "Ada"))
        .collect();
    lines.push(Ledger::group("00g1"));
    lines.extend([
        Ledger::member("00g1", "00u3"),
        Ledger::member("00g1", "00u4"),
    ]);
    let whole = ["users", "groups", "group_memberships"];
    let whole =
        whole.map(|stream| json!({"stream": stream, "since_sequence": 1, "complete": true}));
    rig.ledger.commit(lines, whole.to_vec());
    rig.ledger.status("succeeded");
    rig
}

#[tokio::test]
async fn one_refused_item_is_named_and_the_others_are_in() {
    for option in ["refuse", "refuse_blindly", "uncounted"] {
        let rig = with_users(100, json!({option: ["00u17"]})).await;
        let report = rig.load().await;
        assert_eq!(
            (report.outcome, report.refused_total, report.swept),
            // What is not counted may be there all the same.
            (Outcome::Degraded, 1, option != "uncounted"),
            "{report:#?}"
        );
        assert_eq!(
            (
                report.refused[0].kind.as_str(),
                report.refused[0].ids[0].as_str()
            ),
            ("users", "00u17")
        );
        assert!(report.requests < 45, "{option}: {}", report.requests);
        let mut expected = rig.ledger.expected();
        expected.retain(|(_, key), _| key != "00u17" || option == "uncounted");
        assert_eq!(rig.fake.items().await, expected);
        rig.fake.set(json!({option: []})).await;
        assert!(rig.full(false).await.swept);
        rig.assert_equal().await;
    }
}

#[tokio::test]
async fn dependents_of_a_refused_item_are_named_with_it() {
    let rig = with_users(10, json!({"refuse": ["00u3"]})).await;
    let report = rig.load().await;
    let named: Vec<_> = report
        .refused
        .iter()
        .map(|refused| refused.ids.join(" "))
        .collect();
    assert_eq!(named, ["00u3", "00u3 00g1"], "{report:#?}");
}

#[tokio::test]
async fn a_service_account_that_may_hold_no_permission_costs_its_permission_alone() {
    let mut rig = Rig::small(json!({"service_account_sources": false})).await;
    let bundle = json!({"new_service_accounts": [{"uniqueId": "0oa1", "name": "Robot"}],
        "new_privileges": [{"uniqueId": "p", "originName": "P"}],
        "new_permissions": [{"sourceUniqueId": "0oa1", "sourceType": "User", "privilegeId": "p"},
            {"sourceUniqueId": "00u1", "sourceType": "User", "privilegeId": "p"}]});
    rig.ledger
        .commit(vec![("applications", "0oa1".into(), Some(bundle))], vec![]);
    rig.ledger.status("succeeded");
    let report = rig.load().await;
    assert_eq!(
        (
            report.outcome,
            report.refused_total,
            report.items["permissions"]
        ),
        (Outcome::Degraded, 1, 1)
    );
}

#[tokio::test]
async fn dangling_references_are_left_out_and_hold_nothing_up() {
    let mut rig = Rig::small(json!({})).await;
    rig.ledger
        .commit(vec![Ledger::member("00g1", "00u9")], vec![]);
    rig.ledger.status("succeeded");
    let report = rig.load().await;
    assert_eq!(
        (report.outcome, report.left_out, report.refused_total),
        (Outcome::Succeeded, 1, 0),
        "{report:#?}"
    );
    let named = &report.left_out_items[0];
    assert_eq!(named.ids, ["00u9", "00g1"]);
    assert!(named.reason.contains("00u9"), "{named:?}");
    let plan = json!({"integration": "okta", "mode": "plan"});
    let planned = rig.handle(plan).await.unwrap();
    assert_eq!(planned["left_out_items"], json!([]), "nothing is due");
}

#[tokio::test]
async fn passing_trouble_is_repeated_and_changes_nothing() {
    let faults = json!([{"status": 503}, {"drop": true}, null, {"status": 429, "retry_after": 0},
        {"status": 500, "applied": true}, {"drop": true, "applied": true}]);
    let rig = Rig::small(json!({"faults": faults})).await;
    let report = rig.load().await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
    rig.assert_equal().await;
}

#[tokio::test]
async fn an_api_that_is_not_there_is_a_clear_error_and_purges_nothing() {
    let redirect = json!({"status": 302, "location": "https://elsewhere.example/"});
    for (fault, kind) in [
        (redirect, "AuthomizeUrlWrong"),
        (
            json!({"status": 200, "body": "<html>"}),
            "AuthomizeUrlWrong",
        ),
        (json!({"status": 403}), "TokenRefused"),
        (json!({"status": 405}), "AuthomizeUrlWrong"),
        (json!({"status": 500}), "AuthomizeUnreachable"),
    ] {
        let rig = Rig::small(json!({"faults": vec![fault; 20]})).await;
        let failure = rig.try_load().await.unwrap_err();
        assert_eq!(failure.kind, kind, "{failure}");
        assert!(!failure.message.contains(TOKEN));
        assert!(
            rig.fake.counts().await["purges"]
                .as_array()
                .unwrap()
                .is_empty()
        );
        rig.fake.set(json!({"faults": []})).await;
        rig.pass(16).await;
        assert_eq!(rig.load().await.outcome, Outcome::Succeeded);
        rig.assert_equal().await;
    }
}

#[tokio::test]
async fn a_wrong_token_is_refused_once_and_never_repeated_in_messages() {
    let mut rig = Rig::small(json!({})).await;
    rig.secret = json!({"token": "wr0ng-t0ken", "base_url": rig.fake.url}).to_string();
    let failure = rig.try_load().await.unwrap_err();
    assert_eq!(
        (failure.kind, rig.fake.requests().await),
        ("TokenRefused", 1)
    );
    assert!(!failure.message.contains("wr0ng"), "{failure}");
}

#[tokio::test]
async fn an_app_that_is_gone_is_made_and_loaded_anew() {
    let mut rig = Rig::small(json!({})).await;
    rig.load().await;
    rig.fake.reset(json!({})).await;
    rig.ledger
        .commit(vec![Ledger::user("00u1", "Grace")], vec![]);
    rig.ledger.status("succeeded");
    rig.load().await;
    rig.assert_equal().await;
}
