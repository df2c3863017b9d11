//! What keeps a purge from becoming a mass deletion.

use loader::purge::Wishes;
use loader::report::{Outcome, Report};
use serde_json::{Value, json};

use super::history::{Ledger, Line};
use super::rig::Rig;

/// Loaded once; then a member is removed, so that a purge is due.
async fn with_a_removal() -> Rig {
    let mut rig = Rig::small(json!({})).await;
    rig.load().await;
    rig.ledger.commit(
        vec![("group_memberships", "00g1:00u2".into(), None)],
        vec![],
    );
    rig.ledger.status("succeeded");
    rig
}

async fn purges(rig: &Rig) -> usize {
    rig.fake.counts().await["purges"].as_array().unwrap().len()
}

async fn assert_held(rig: &Rig, report: &Report, word: &str) {
    assert_eq!(
        (report.swept, report.outcome),
        (false, Outcome::Held),
        "{report:#?}"
    );
    assert!(
        report.held.iter().any(|reason| reason.contains(word)),
        "{word}: {:?}",
        report.held
    );
    assert_eq!(purges(rig).await, 1, "only the first load purged");
}

fn edit_status(rig: &Rig, edit: impl FnOnce(&mut Value)) {
    let mut objects = rig.ledger.objects.lock().unwrap();
    let stored = objects.get_mut("okta/status/okta.json").unwrap();
    let mut status: Value = serde_json::from_slice(stored).unwrap();
    edit(&mut status);
    *stored = status.to_string().into_bytes();
}

#[tokio::test]
async fn nothing_is_purged_while_a_stream_is_not_sound() {
    for outcome in [
        "held",
        "failed",
        "unavailable",
        "partial",
        "a word of tomorrow",
    ] {
        let rig = with_a_removal().await;
        rig.ledger.status(outcome);
        let report = rig.load().await;
        assert_held(&rig, &report, outcome).await;
        let report = rig.full(true).await;
        assert_held(&rig, &report, outcome).await;
        rig.ledger.status("succeeded");
        assert!(rig.load().await.swept, "the removal waited for it");
        rig.assert_equal().await;
    }
}

#[tokio::test]
async fn nothing_is_purged_on_the_word_of_a_missing_foreign_or_old_status() {
    type Edit = fn(&mut Value);
    let edits: [(&str, Edit); 6] = [
        ("missing", |status| *status = json!("<html>")),
        ("of integration", |status| {
            status["integration"] = json!("other")
        }),
        ("another org", |status| {
            status["org"] = json!("https://other.okta.com")
        }),
        ("not over", |status| status["sequence"] = json!(1)),
        ("names no stream", |status| status["streams"] = json!({})),
        ("never been complete", |status| {
            status["streams"]["idps"] = json!({"outcome": "succeeded", "snapshot_at": null});
        }),
    ];
    for (word, edit) in edits {
        let rig = with_a_removal().await;
        edit_status(&rig, edit);
        let report = rig.load().await;
        assert_held(&rig, &report, word).await;
    }
    let rig = with_a_removal().await;
    rig.ledger
        .objects
        .lock()
        .unwrap()
        .remove("okta/status/okta.json");
    let report = rig.load().await;
    assert_held(&rig, &report, "missing").await;
}

#[tokio::test]
async fn a_stream_that_the_org_lacks_or_that_is_off_holds_nothing_up() {
    let rig = with_a_removal().await;
    edit_status(&rig, |status| {
        status["streams"]["roles"] = json!({"outcome": "not_applicable", "snapshot_at": null});
        status["streams"].as_object_mut().unwrap().remove("idps");
    });
    assert!(rig.load().await.swept);
}

#[tokio::test]
async fn far_fewer_items_than_before_are_purged_only_when_told() {
    let mut rig = Rig::new(json!({})).await;
    let users: Vec<Line> = (0..400)
        .map(|number| Ledger::user(&format!("00u{number}"), "Ada"))
        .collect();
    let whole =
        |since: u64| vec![json!({"stream": "users", "since_sequence": since, "complete": true})];
    rig.ledger.commit(users.clone(), whole(1));
    rig.ledger.status("succeeded");
    rig.load().await;
    rig.ledger.commit(users[..250].to_vec(), whole(2));
    rig.ledger.status("succeeded");
    let report = rig.load().await;
    assert_held(&rig, &report, "far fewer").await;
    let requests = rig.fake.requests().await;
    rig.load().await;
    assert_eq!(
        rig.fake.requests().await,
        requests,
        "it is not tried again and again"
    );
    assert!(rig.full(true).await.swept);
    rig.assert_equal().await;
}

#[tokio::test]
async fn a_batch_that_is_gone_holds_the_purge_and_a_changed_one_ends_the_load() {
    let rig = with_a_removal().await;
    let key = "okta/data/users/integration=okta/date=2026-11-23/0001-0.jsonl.gz";
    let batch = rig.ledger.objects.lock().unwrap().remove(key).unwrap();
    let report = rig.load().await;
    assert_held(&rig, &report, "is gone").await;
    let cut = batch[..batch.len() - 1].to_vec();
    rig.ledger
        .objects
        .lock()
        .unwrap()
        .insert(key.to_owned(), cut);
    let failure = rig.ask(&full()).await.unwrap_err();
    assert_eq!(failure.kind, "ManifestDamaged");
    assert!(failure.message.contains(key), "{failure}");
    assert_eq!(purges(&rig).await, 1);
}

fn full() -> loader::event::Request {
    let integration = "okta".to_owned();
    loader::event::Request {
        integration,
        mode: loader::event::Mode::Full,
        wishes: Wishes::default(),
    }
}

#[tokio::test]
async fn a_rewritten_history_ends_the_load() {
    let rig = with_a_removal().await;
    let key = reader::manifest_key("okta", "okta", 1);
    rig.ledger
        .objects
        .lock()
        .unwrap()
        .get_mut(&key)
        .unwrap()
        .push(b' ');
    rig.ledger
        .objects
        .lock()
        .unwrap()
        .remove("okta/loads/okta/log.json.gz");
    assert_eq!(rig.try_load().await.unwrap_err().kind, "ManifestDamaged");
    assert_eq!(purges(&rig).await, 1);
}

#[tokio::test]
async fn an_empty_bucket_and_a_wrong_integration_are_errors() {
    let rig = Rig::new(json!({})).await;
    assert_eq!(rig.try_load().await.unwrap_err().kind, "NothingCommitted");
    assert_eq!(rig.fake.requests().await, 0);
}

#[tokio::test]
async fn a_time_that_cannot_be_placed_purges_nothing() {
    for (time, swept) in [
        ("naive", false),
        ("none", false),
        ("offset", true),
        ("utc", true),
    ] {
        let mut rig = Rig::small(json!({"time": time, "clock_offset_seconds": -86_400})).await;
        rig.load().await;
        rig.ledger.commit(
            vec![("group_memberships", "00g1:00u2".into(), None)],
            vec![],
        );
        rig.ledger.status("succeeded");
        let report = rig.load().await;
        assert_eq!(report.swept, swept, "{time}: {report:#?}");
    }
}

#[tokio::test]
async fn a_purge_names_the_time_of_the_first_answer_and_never_nothing() {
    let rig = with_a_removal().await;
    rig.load().await;
    for purge in rig.fake.counts().await["purges"].as_array().unwrap() {
        let before = purge["modifiedBefore"].as_str().unwrap();
        assert!(!before.contains('+') && !before.ends_with('Z'), "{before}");
    }
}
