//! Authomize is believed as far as it has shown to be right: its times, its lists, its refusals.

use loader::report::{Outcome, Report};
use serde_json::{Value, json};

use super::history::{Ledger, Line};
use super::rig::Rig;

fn whole(streams: &[&str], since: u64) -> Vec<Value> {
    let whole =
        |stream: &&str| json!({"stream": stream, "since_sequence": since, "complete": true});
    streams.iter().map(whole).collect()
}

/// Removes a member, so that a purge is due.
fn remove_member(rig: &mut Rig) {
    rig.ledger.commit(
        vec![("group_memberships", "00g1:00u1".into(), None)],
        vec![],
    );
    rig.ledger.status("succeeded");
}

async fn ask(rig: &Rig, event: Value) -> Report {
    let report = rig.handle(event).await.unwrap();
    serde_json::from_value(report).unwrap()
}

async fn plan(rig: &Rig) -> Report {
    ask(rig, json!({"integration": "okta", "mode": "plan"})).await
}

async fn deleted(rig: &Rig) -> Vec<u64> {
    let counts = rig.fake.counts().await;
    let purges = counts["purges"].as_array().unwrap().clone();
    purges
        .iter()
        .map(|purge| purge["deleted"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn a_clock_that_counts_whole_seconds_costs_nothing_live() {
    for (kept_us, told_us) in [
        (1_000, 1),
        (1_000, 1_000),
        (1_000_000, 1),
        (1, 1_000_000),
        (1_000_000, 1_000_000),
    ] {
        let mut rig = Rig::small(json!({"kept_us": kept_us, "told_us": told_us})).await;
        assert!(rig.load().await.swept);
        assert!(rig.full(false).await.swept);
        rig.assert_equal().await;
        remove_member(&mut rig);
        let report = rig.load().await;
        assert_eq!((report.swept, report.removals_pending), (true, 0));
        rig.assert_equal().await;
        assert_eq!(deleted(&rig).await, [0, 0, 1], "{kept_us} {told_us}");
    }
}

#[tokio::test]
async fn a_purge_that_took_fresh_posts_is_seen_mended_and_not_repeated() {
    for options in [
        json!({"kept_us": 60_000_000}),
        json!({"kept_behind_us": 600_000_000}),
    ] {
        let mut rig = Rig::small(options).await;
        let report = rig.load().await;
        assert!(report.swept, "{report:#?}");
        rig.assert_equal().await;
        assert!(deleted(&rig).await[0] > 0);
        for _ in 0..3 {
            rig.pass(25 * 60).await;
            rig.full(false).await;
            rig.assert_equal().await;
        }
        assert!(deleted(&rig).await[1..].iter().all(|deleted| *deleted == 0));
        remove_member(&mut rig);
        assert_eq!(
            rig.load().await.removals_pending,
            1,
            "it was posted just now"
        );
        rig.pass(25 * 60).await;
        assert_eq!(rig.load().await.removals_pending, 0);
        rig.assert_equal().await;
    }
}

#[tokio::test]
async fn an_authomize_that_ignores_the_mark_is_purged_no_more() {
    let rig = Rig::small(json!({"kept_behind_us": 400_000_000_000_u64})).await;
    for _ in 0..8 {
        rig.full(false).await;
        rig.pass(60).await;
    }
    let report = rig.full(false).await;
    assert_eq!((report.swept, report.outcome), (false, Outcome::Degraded));
    assert!(report.held[0].contains("however early"), "{report:#?}");
    assert_eq!(deleted(&rig).await.len(), 3);
    rig.assert_equal().await;
}

#[tokio::test]
async fn items_of_somebody_else_are_counted_and_stay_unless_adopted() {
    let rig = Rig::small(json!({})).await;
    rig.fake.seed("Okta", 5_300).await;
    let planned = plan(&rig).await;
    assert_eq!(planned.strangers, Some(5_300), "{planned:#?}");
    assert_eq!(rig.fake.sent().await, 0);
    for report in [rig.load().await, rig.full(true).await] {
        assert_eq!((report.swept, report.outcome), (false, Outcome::Held));
        assert_eq!(report.strangers, Some(5_300));
        assert!(report.held[0].contains("5300 items"), "{report:#?}");
    }
    assert_eq!(rig.record()["strangers"], 5_300);
    assert_eq!(
        rig.fake.items().await.len(),
        5_300 + rig.ledger.expected().len()
    );
    let adopted = ask(&rig, json!({"integration": "okta", "adopt": true})).await;
    assert!(adopted.swept, "{adopted:#?}");
    rig.assert_equal().await;
}

#[tokio::test]
async fn two_integrations_of_one_name_do_not_delete_each_others_items() {
    let mut rig = Rig::small(json!({})).await;
    assert!(rig.load().await.swept);
    let mut other = Rig::around(rig.fake.beside());
    let users: Vec<Line> = ["00x1", "00x2"].map(|id| Ledger::user(id, "Bob")).into();
    other.ledger.commit(users, whole(&["users"], 1));
    other.ledger.status("succeeded");
    assert_eq!(other.load().await.outcome, Outcome::Held);
    remove_member(&mut rig);
    for report in [rig.load().await, rig.full(true).await] {
        assert_eq!((report.swept, report.strangers), (false, Some(2)));
    }
    assert_eq!(other.full(true).await.outcome, Outcome::Held);
    let there = rig.fake.items().await;
    let both = rig.ledger.expected().len() + other.ledger.expected().len();
    assert_eq!(there.len(), both + 1, "and the member that is gone");
}

#[tokio::test]
async fn the_known_app_is_asked_by_its_id_and_one_empty_list_makes_no_second_app() {
    let mut rig = Rig::small(json!({})).await;
    rig.load().await;
    rig.fake.set(json!({"empty_lists": 9})).await;
    remove_member(&mut rig);
    assert!(rig.load().await.swept);
    assert_eq!(rig.fake.counts().await["apps"], 1);
    rig.assert_equal().await;

    let rig = Rig::small(json!({"empty_lists": 1})).await;
    rig.fake.seed("Okta", 0).await;
    assert!(rig.load().await.swept);
    rig.fake.double("Okta").await;
    rig.fake
        .set(json!({"endpoints": {"GET ": {"status": 404}}}))
        .await;
    rig.full(false).await;
    assert_eq!(rig.fake.counts().await["apps"], 2);
    rig.assert_equal().await;
}

#[tokio::test]
async fn an_endpoint_that_is_out_of_order_costs_itself() {
    let faults = [
        json!({"status": 500}),
        json!({"status": 404, "body": {"detail": "Not Found"}}),
        json!({"status": 405}),
        json!({"status": 403}),
        json!({"status": 302}),
        json!({"status": 429}),
        json!({"status": 200, "body": "<html>"}),
    ];
    let places = [
        "POST accounts/users",
        "POST access/grouping",
        "POST association/accounts",
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        let place = places[number % places.len()];
        let mut rig = Rig::small(json!({})).await;
        rig.load().await;
        rig.fake.set(json!({"endpoints": {place: fault}})).await;
        for name in ["00g2", "00g3"] {
            let user = name.replace('g', "u");
            let lines = vec![
                Ledger::user(&user, "Grace"),
                Ledger::group(name),
                Ledger::member(name, &user),
            ];
            rig.ledger.commit(lines, vec![]);
            rig.ledger.status("succeeded");
            let report = rig.load().await;
            assert_eq!(report.sequence, rig.ledger.sequence, "{place} {fault}");
            assert_eq!(report.outcome, Outcome::Degraded, "{report:#?}");
            let there = rig.fake.items().await;
            let arrives = match place {
                "POST accounts/users" => ("groupings".to_owned(), name.to_owned()),
                _ => ("users".to_owned(), user),
            };
            assert!(there.contains_key(&arrives), "{place} {fault}: {there:?}");
        }
        let report = rig.full(false).await;
        assert_eq!((report.swept, report.outcome), (false, Outcome::Degraded));
        rig.fake.set(json!({"endpoints": {}})).await;
        let report = rig.load().await;
        assert_eq!(
            report.outcome,
            Outcome::Succeeded,
            "{place} {fault}: {report:#?}"
        );
        rig.assert_equal().await;
    }
}

#[tokio::test]
async fn a_purge_that_authomize_refuses_waits_and_is_named() {
    for fault in [
        json!({"status": 500}),
        json!({"status": 405}),
        json!({"status": 422}),
    ] {
        let mut rig = Rig::small(json!({})).await;
        rig.load().await;
        rig.fake
            .set(json!({"endpoints": {"DELETE data": fault}}))
            .await;
        remove_member(&mut rig);
        let report = rig.load().await;
        assert_eq!((report.swept, report.outcome), (false, Outcome::Degraded));
        assert_eq!(rig.record()["withheld"][0]["why"], "purge_failed");
        rig.fake.set(json!({"endpoints": {}})).await;
        rig.pass(61).await;
        let report = rig.load().await;
        assert_eq!((report.swept, report.outcome), (true, Outcome::Succeeded));
        rig.assert_equal().await;
    }
}

#[tokio::test]
async fn what_was_never_accepted_holds_nothing_up_and_what_was_holds_the_purge() {
    for option in ["refuse", "refuse_blindly"] {
        let mut rig = Rig::small(json!({option: ["00u2"]})).await;
        let report = rig.load().await;
        assert_eq!(
            (report.swept, report.refused_total),
            (true, 2),
            "{report:#?}"
        );
        remove_member(&mut rig);
        let report = rig.load().await;
        assert_eq!((report.swept, report.outcome), (true, Outcome::Degraded));
        let there = rig.fake.items().await;
        let of_groups = |(kind, _): &(String, String)| kind == "accounts_association";
        assert!(!there.keys().any(of_groups), "{there:?}");
    }
    let mut rig = Rig::small(json!({})).await;
    rig.load().await;
    rig.fake.set(json!({"refuse": ["00u2"]})).await;
    remove_member(&mut rig);
    let report = rig.load().await;
    assert!(!report.swept, "{report:#?}");
    assert_eq!(rig.record()["withheld"][0]["why"], "refused_at_stake");
    let there = rig.fake.items().await;
    assert!(there.contains_key(&("users".to_owned(), "00u2".to_owned())));
    rig.fake.set(json!({"refuse": []})).await;
    assert!(rig.full(false).await.swept);
    rig.assert_equal().await;
}

#[tokio::test]
async fn a_renamed_app_is_a_reason_of_its_own() {
    let mut rig = Rig::small(json!({})).await;
    rig.load().await;
    rig.fake.rename("Somebody else's").await;
    remove_member(&mut rig);
    let report = rig.load().await;
    assert_eq!((report.swept, report.outcome), (false, Outcome::Held));
    assert_eq!(rig.record()["withheld"][0]["why"], "app_renamed");
    assert!(
        !rig.full(true).await.swept,
        "accept_shrink says nothing of it"
    );
    rig.fake.rename("OKTA").await;
    assert!(
        rig.full(false).await.swept,
        "a name of the same slug is the same"
    );
    rig.assert_equal().await;
}

#[tokio::test]
async fn history_that_is_gone_stops_a_load() {
    type Take = fn(&str) -> bool;
    let manifests: Take = |key| key.contains("/manifests/");
    let first: Take = |key| key.ends_with("manifests/okta/000000000001.json");
    let first_and_record: Take =
        |key| key.ends_with("manifests/okta/000000000001.json") || key.contains("/loads/");
    let newest: Take = |key| key.ends_with("manifests/okta/000000000002.json");
    for take in [manifests, first, first_and_record, newest] {
        let mut rig = Rig::small(json!({})).await;
        rig.load().await;
        remove_member(&mut rig);
        rig.load().await;
        let purges = deleted(&rig).await.len();
        rig.ledger
            .objects
            .lock()
            .unwrap()
            .retain(|key, _| !take(key));
        let full = json!({"integration": "okta", "mode": "full"});
        let failure = rig.handle(full).await.unwrap_err();
        assert_eq!(failure.kind, "ManifestDamaged", "{failure}");
        assert_eq!(deleted(&rig).await.len(), purges);
    }
    let rig = Rig::small(json!({})).await;
    rig.load().await;
    rig.ledger
        .objects
        .lock()
        .unwrap()
        .retain(|key, _| !manifests(key));
    for event in [
        json!({"integration": "okta"}),
        json!({"detail-type": "Scheduled Event"}),
    ] {
        let failure = rig.handle(event).await.unwrap_err();
        assert_eq!(failure.kind, "ManifestDamaged", "nothing new is no excuse");
    }
}

#[tokio::test]
async fn every_integration_that_fails_is_named_and_the_others_are_loaded() {
    let rig = Rig::small(json!({})).await;
    for name in ["acme", "beta"] {
        let mut objects = rig.ledger.objects.lock().unwrap();
        objects.insert(format!("okta/status/{name}.json"), b"{}".to_vec());
        objects.insert(format!("okta/loads/{name}.json"), b"{".to_vec());
    }
    let scheduled = json!({"detail-type": "Scheduled Event"});
    let failure = rig.handle(scheduled.clone()).await.unwrap_err();
    assert_eq!(failure.kind, "LoadsFailed");
    for name in ["2 of 3", "acme", "beta", "LoadRecordUnreadable"] {
        assert!(failure.message.contains(name), "{failure}");
    }
    rig.assert_equal().await;

    let message = |name: &str| {
        let key = format!("okta/manifests/{name}/000000000001.json");
        let created = json!({"detail-type": "Object Created", "detail": {"object": {"key": key}}});
        json!({"messageId": name, "body": created.to_string()})
    };
    let queued = json!({"Records": (["acme", "okta", "beta"].map(message))});
    let answer = rig.handle(queued).await.unwrap();
    let failed: Vec<_> = answer["failed"].as_array().unwrap().iter().collect();
    assert_eq!(
        (failed.len(), failed[1]["integration"].as_str()),
        (2, Some("beta"))
    );
    assert_eq!(answer["batchItemFailures"].as_array().unwrap().len(), 2);

    rig.ledger
        .objects
        .lock()
        .unwrap()
        .remove("okta/status/beta.json");
    let failure = rig.handle(scheduled).await.unwrap_err();
    assert_eq!(failure.kind, "LoadRecordUnreadable");
    assert!(failure.message.contains("integration acme"), "{failure}");
}

#[tokio::test]
async fn too_many_requests_are_waited_out_within_the_load() {
    let often = |fault: Value| json!({"faults": vec![fault; 12]});
    for options in [
        often(json!({"status": 429})),
        often(json!({"status": 429, "retry_after": 0})),
        json!({"faults": [{"status": 429, "retry_after": 40}, {"status": 429, "retry_after": 40}]}),
    ] {
        let rig = Rig::small(options).await;
        let report = rig.load().await;
        assert_eq!(report.outcome, Outcome::Succeeded, "{report:#?}");
        rig.assert_equal().await;
    }
    let rig =
        Rig::small(json!({"faults": vec![json!({"status": 429, "retry_after": 599}); 9]})).await;
    let began = rig.now();
    let ended = rig.try_load().await;
    assert!(ended.is_err() || ended.is_ok_and(|report| report.go_on));
    assert!(rig.now().duration_since(began) < jiff::SignedDuration::from_mins(15));
}

#[tokio::test]
async fn no_value_of_an_item_stands_in_a_refusal() {
    let (name, mail) = ("Ada Lovelace", "ada@acme.example");
    let mut rig = Rig::small(json!({"refuse": ["00u7"], "repeats": true})).await;
    let user = json!({"new_users": [{"uniqueId": "00u7", "name": name, "email": mail}]});
    // The model refuses this one: its status is none.
    let odd = json!({"new_users": [{"uniqueId": "00u8", "name": name, "status": mail}]});
    // This one is no record.
    let broken = json!({"new_users": mail});
    let lines = vec![
        ("users", "00u7".to_owned(), Some(user)),
        ("users", "00u8".to_owned(), Some(odd)),
        ("users", "00u9".to_owned(), Some(broken)),
    ];
    // The broken line is none for the slow way either.
    let objects = std::sync::Arc::clone(&rig.ledger.objects);
    rig.ledger.commit(lines, vec![]);
    rig.ledger.status("succeeded");
    let report = rig.load().await;
    assert_eq!(report.refused_total, 2, "{report:#?}");
    assert!(
        report
            .refused
            .iter()
            .any(|refused| refused.reason.ends_with("field status"))
    );
    assert!(
        report
            .held
            .iter()
            .any(|why| why.contains("is not a record")),
        "{report:#?}"
    );
    let mut told = serde_json::to_string(&report).unwrap();
    let objects = objects.lock().unwrap();
    for (key, body) in objects.iter().filter(|(key, _)| key.contains("/loads/")) {
        if key.ends_with(".json") {
            told += &String::from_utf8_lossy(body);
        }
    }
    for value in [name, mail, "Lovelace", "taste"] {
        assert!(!told.contains(value), "{value}: {told}");
    }
}

#[tokio::test]
async fn deletions_that_wait_stand_in_report_and_record() {
    type Trouble = fn(&mut Rig);
    let unsound: Trouble = |rig| rig.ledger.status("held");
    let no_status: Trouble = |rig| {
        let mut objects = rig.ledger.objects.lock().unwrap();
        objects.remove("okta/status/okta.json");
    };
    for trouble in [unsound, no_status] {
        let mut rig = Rig::small(json!({})).await;
        rig.load().await;
        remove_member(&mut rig);
        trouble(&mut rig);
        // The second load has nothing new.
        for _ in 0..2 {
            let report = rig.load().await;
            assert_eq!(
                (report.outcome, report.removals_pending),
                (Outcome::Held, 1)
            );
            assert_eq!(report.held.len(), 1, "{report:#?}");
            let record = rig.record();
            assert_eq!(
                (&record["outcome"], &record["removals_pending"]),
                (&json!("held"), &json!(1))
            );
            assert!(record["removals_since"].is_string() && record["held"][0].is_string());
        }
        rig.ledger.status("succeeded");
        let report = rig.load().await;
        assert_eq!(
            (report.outcome, report.removals_pending),
            (Outcome::Succeeded, 0)
        );
        assert!(rig.record()["removals_since"].is_null());
        rig.assert_equal().await;
    }
}

#[tokio::test]
async fn a_plan_equals_the_load_after_it() {
    let mut rig = Rig::small(json!({})).await;
    for step in 0..4 {
        match step {
            0 => {}
            1 => rig
                .ledger
                .commit(vec![Ledger::user("00u2", "Grace")], vec![]),
            2 => remove_member(&mut rig),
            _ => rig.pass(25 * 60).await,
        }
        rig.ledger.status("succeeded");
        let planned = plan(&rig).await;
        let sent = rig.fake.sent().await;
        let report = rig.load().await;
        let lists = rig.fake.sent().await - sent;
        let other = u64::from(step == 0) + u64::from(report.swept) + u64::from(step == 2);
        assert_eq!(
            (&planned.load, &planned.items, planned.sequence),
            (&report.load, &report.items, report.sequence),
            "step {step}: {planned:#?}"
        );
        // Beside lists: the new app, the purge, and one item for the sake of the time.
        assert_eq!(planned.requests + other, lists, "step {step}: {report:#?}");
        assert_eq!(planned.held, report.held);
    }
}
