//! What a load brings, and what it costs.

use loader::purge::Wishes;
use loader::report::Outcome;
use serde_json::{Value, json};

use super::history::Ledger;
use super::memory::Fuse;
use super::rig::Rig;

fn path<'a>(counts: &'a Value, path: &str) -> &'a Value {
    &counts["by_path"][format!("POST /v2/apps/{{id}}/{path}")]
}

#[tokio::test]
async fn a_first_load_posts_everything_and_a_second_one_costs_nothing() {
    let rig = Rig::small(json!({})).await;
    let report = rig.load().await;
    assert_eq!(
        (report.outcome, report.sequence, report.load.as_str()),
        (Outcome::Succeeded, 1, "full")
    );
    assert_eq!(
        (report.items["users"], report.items["accounts_association"]),
        (3, 2)
    );
    rig.assert_equal().await;
    let requests = rig.fake.requests().await;
    assert_eq!(requests, report.requests);

    let objects = rig.ledger.objects.lock().unwrap().clone();
    let store = rig.store(&Fuse::never());
    let loader = rig.loader(store.clone());
    let wake = loader::event::Request::wake("okta".to_owned());
    let idle = loader
        .load(&wake, rig.now() + jiff::SignedDuration::from_mins(1))
        .await
        .unwrap();
    assert_eq!(
        (idle.load.as_str(), idle.outcome),
        ("none", Outcome::Succeeded)
    );
    assert_eq!(store.seen.lock().unwrap().len(), 2, "{:?}", store.seen);
    assert_eq!(
        (
            rig.fake.requests().await,
            &*rig.ledger.objects.lock().unwrap()
        ),
        (requests, &objects)
    );
}

#[tokio::test]
async fn an_integration_is_a_status_and_nothing_beside_it() {
    let rig = Rig::small(json!({})).await;
    for beside in ["okta.html", "okta.findings.json"] {
        rig.ledger
            .objects
            .lock()
            .unwrap()
            .insert(format!("okta/status/{beside}"), b"{}".to_vec());
    }
    assert_eq!(
        rig.loader(rig.store(&Fuse::never()))
            .integrations()
            .await
            .unwrap(),
        ["okta"]
    );
}

#[tokio::test]
async fn a_change_is_posted_alone() {
    let mut rig = Rig::small(json!({})).await;
    rig.load().await;
    rig.fake.set(json!({})).await;
    rig.ledger
        .commit(vec![Ledger::user("00u2", "Grace")], vec![]);
    rig.ledger.status("succeeded");
    let report = rig.load().await;
    assert_eq!((report.load.as_str(), report.requests), ("incremental", 2));
    assert_eq!(
        report.items.iter().collect::<Vec<_>>(),
        vec![(&"users".to_owned(), &1)]
    );
    rig.assert_equal().await;
}

#[tokio::test]
async fn a_removal_in_a_small_org_is_purged_at_once() {
    for reading in ["replace", "merge"] {
        let mut rig = Rig::small(json!({"reading": reading})).await;
        rig.load().await;
        rig.ledger.commit(
            vec![("group_memberships", "00g1:00u2".into(), None)],
            vec![],
        );
        rig.ledger.status("succeeded");
        let report = rig.load().await;
        assert!(report.swept && report.removals_pending == 0, "{report:#?}");
        rig.assert_equal().await;
    }
}

#[tokio::test]
async fn a_user_who_loses_every_factor_has_none_in_authomize_whether_a_post_replaces_or_merges() {
    for reading in ["replace", "merge"] {
        let mut rig = Rig::small(json!({"reading": reading})).await;
        rig.load().await;
        let user = ("users".to_owned(), "00u1".to_owned());
        assert_eq!(rig.fake.items().await[&user]["tags"], json!(["mfa:sms"]));
        rig.ledger
            .commit(vec![("factors", "00u1".into(), None)], vec![]);
        rig.ledger.status("succeeded");
        rig.load().await;
        let there = rig.fake.items().await;
        assert!(
            there[&user].get("tags").is_none() && there[&user].get("hasMFA").is_none(),
            "{:?}",
            there[&user]
        );
    }
}

#[tokio::test]
async fn references_are_posted_before_the_items_that_have_them() {
    let rig = Rig::small(json!({})).await;
    let report = rig.load().await;
    // Had the order been another, the fake would have named invalid ids, and they would have been posted again.
    let counts = rig.fake.counts().await;
    assert_eq!(
        (report.refused_total, path(&counts, "association/accounts")),
        (0, &json!(1))
    );
}

#[tokio::test]
async fn an_item_processed_late_is_looked_at_once_more_and_is_in() {
    let rig = Rig::small(json!({"lag": 2})).await;
    let report = rig.load().await;
    assert_eq!(report.refused_total, 0, "{report:#?}");
    rig.assert_equal().await;
}

#[tokio::test]
async fn a_plan_sends_nothing_and_counts_the_items() {
    let rig = Rig::small(json!({})).await;
    let objects = rig.ledger.objects.lock().unwrap().clone();
    let plan = loader::event::Request {
        integration: "okta".to_owned(),
        mode: loader::event::Mode::Plan,
        wishes: Wishes::default(),
    };
    let report = rig.ask(&plan).await.unwrap();
    assert_eq!((report.items["users"], report.requests), (3, 3));
    assert_eq!(rig.fake.sent().await, 0, "it may look, and sends nothing");
    assert_eq!(*rig.ledger.objects.lock().unwrap(), objects);
}

#[tokio::test]
async fn a_load_longer_than_its_time_ends_in_time_and_the_next_one_goes_on() {
    let mut rig = Rig::small(json!({})).await;
    // Four minutes a request: three of them fit into an invocation.
    rig.request_ms = 4 * 60_000;
    let mut reports = Vec::new();
    loop {
        let began = rig.now();
        let report = rig.load().await;
        assert!(rig.now().duration_since(began) <= jiff::SignedDuration::from_mins(19));
        let go_on = report.go_on;
        reports.push(report);
        if !go_on {
            break;
        }
    }
    assert!(
        reports.len() > 1 && reports[0].outcome == Outcome::Partial,
        "{reports:#?}"
    );
    rig.assert_equal().await;
    let counts = rig.fake.counts().await;
    for kind in ["accounts/users", "access/grouping", "association/accounts"] {
        assert_eq!(path(&counts, kind), &json!(1), "{counts:#}");
    }
}

#[tokio::test]
async fn usage_of_long_ago_outlives_full_loads() {
    let mut rig = Rig::small(json!({})).await;
    let login =
        json!({"update_users": [{"uniqueId": "00u1", "lastLoginAt": "2026-01-02T03:04:05.000Z"}]});
    rig.ledger.commit(
        vec![("usage", "login:00u1:2026-01-02:2".into(), Some(login))],
        vec![],
    );
    rig.ledger.status("succeeded");
    rig.load().await;
    for _ in 0..3 {
        rig.ledger.commit(vec![Ledger::user("00u1", "Ada")], vec![]);
        rig.ledger.status("succeeded");
        rig.pass(25 * 60).await;
        assert_eq!(rig.load().await.load, "full");
    }
    rig.assert_equal().await;
}
