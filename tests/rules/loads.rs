//! What the collector commits, the loader brings into Authomize: the collector against the fake org, the loader against
//! the fake Authomize.

#[path = "../../crates/loader/tests/rules/fake.rs"]
#[allow(dead_code, reason = "the loader's own rules use more of it")]
pub mod fake;
#[path = "../../crates/loader/tests/rules/memory.rs"]
#[allow(dead_code, reason = "the loader's own rules use more of it")]
pub mod memory;

use std::collections::BTreeMap;
use std::time::Duration;

use fake_org::Client;
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use loader::authomize::{Http, http_client};
use loader::clock::Clock;
use loader::event::{Mode, Request};
use loader::load::{Loader, Settings};
use loader::report::Report;
use loader::secret::{SecretFile, Tenant};
use loader::store::Folder;
use okta_authomize::invocation::Outcome;
use serde_json::{Map, Value, json};

use crate::model::found::found;
use crate::model::mutations::MUTATIONS;
use crate::support::rig::{CLIENT, PASSWORD, Rig, secret};
use fake::{Fake, TOKEN};

const CASES: u64 = 12;

async fn load(rig: &Rig, bucket: &std::path::Path, fake: &Fake, mode: Mode) -> Report {
    rig.copy_to(bucket);
    let file = bucket.join(".authomize.json");
    std::fs::write(
        &file,
        json!({"token": TOKEN, "base_url": fake.url}).to_string(),
    )
    .unwrap();
    let client = http_client().unwrap();
    let connect = move |tenant: Tenant| Http::new(client.clone(), tenant);
    let settings = Settings {
        prefix: "okta".to_owned(),
        secret_id: file.to_str().unwrap().to_owned(),
        api_url: "https://api.authomize.com".parse().unwrap(),
        full_load_interval: SignedDuration::from_hours(24),
        pause: Duration::from_millis(1),
    };
    let store = Folder::new(bucket.to_owned());
    let loader = Loader::new(
        settings,
        store,
        SecretFile,
        connect,
        Clock::new(Timestamp::now).with_sleep(fake.sleep()),
    );
    let request = Request {
        integration: "okta".to_owned(),
        mode,
        wishes: loader::purge::Wishes::default(),
    };
    loader
        .load(&request, Timestamp::now() + SignedDuration::from_mins(15))
        .await
        .unwrap()
}

/// Collects until nothing is left to do; whatever the collector holds in so small an org is accepted.
async fn collect(rig: &Rig, mode: &str) {
    let mut event = json!({"mode": mode});
    for _ in 0..20 {
        let report = rig.ask(event).await.unwrap();
        let held = report
            .streams
            .iter()
            .filter(|(_, stream)| stream.outcome == Outcome::Held);
        let held: Vec<_> = held.map(|(name, _)| name.clone()).collect();
        if held.is_empty() && !report.go_on {
            return;
        }
        event = if held.is_empty() {
            json!({"mode": mode})
        } else {
            json!({"mode": "full", "accept_shrink": held})
        };
    }
    panic!("20 runs were not enough");
}

/// Names of all that the newest state defines, by kind and key; what refers to nothing is left out.
fn defined(rig: &Rig) -> BTreeMap<(String, String), Option<Value>> {
    let bundle = rig.read().bundle();
    let mut items = Vec::new();
    for (key, list) in &bundle.data {
        let (kind, _) = fold::Kind::of_bundle_key(key).unwrap();
        items.extend(
            list.as_array()
                .unwrap()
                .iter()
                .map(|item| (kind, item.as_object().unwrap())),
        );
    }
    let keys: std::collections::BTreeSet<_> = items
        .iter()
        .map(|(kind, item)| (*kind, kind.key(item).unwrap()))
        .collect();
    let refers = |kind: &fold::Kind, item: &Map<String, Value>| {
        kind.references(item).iter().all(|(field, kinds)| {
            let id = item.get(*field).and_then(Value::as_str);
            id.is_none_or(|id| {
                kinds
                    .iter()
                    .any(|kind| keys.contains(&(*kind, id.to_owned())))
            })
        })
    };
    let whole = items.iter().filter(|(kind, item)| refers(kind, item));
    let name = |kind: fold::Kind, item: &Map<String, Value>| {
        (kind == fold::Kind::Users).then(|| item["status"].clone())
    };
    whole
        .map(|(kind, item)| {
            (
                (kind.name().to_owned(), kind.key(item).unwrap()),
                name(*kind, item),
            )
        })
        .collect()
}

async fn case(fake: &Fake, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    fake.reset(json!({"reading": if rng.bool() { "replace" } else { "merge" }}))
        .await;
    let mut org = found(&mut rng, false, true);
    org.add_client(Client::with_secret(CLIENT, PASSWORD));
    let rig = Rig::around(org, &secret(), &[]).await;
    let bucket = tempfile::tempdir().unwrap();
    collect(&rig, "incremental").await;
    load(&rig, bucket.path(), fake, Mode::Incremental).await;
    for _ in 0..6 {
        for _ in 0..3 {
            let (_, _, act) = MUTATIONS[rng.usize(..MUTATIONS.len())];
            act(&mut rig.org(), &mut rng);
        }
        collect(
            &rig,
            if rng.u8(..3) == 0 {
                "full"
            } else {
                "incremental"
            },
        )
        .await;
        if rng.bool() {
            load(&rig, bucket.path(), fake, Mode::Incremental).await;
        }
    }
    collect(&rig, "full").await;
    let report = load(&rig, bucket.path(), fake, Mode::Full).await;
    assert!(
        report.swept && report.refused_total == 0,
        "case {seed}: {report:#?}"
    );
    let there = fake.items().await;
    let named = there.into_iter().map(|(key, item)| {
        (
            key.clone(),
            (key.0 == "users").then(|| item["status"].clone()),
        )
    });
    assert_eq!(
        named.collect::<BTreeMap<_, _>>(),
        defined(&rig),
        "case {seed}"
    );
}

#[tokio::test]
async fn changes_of_an_org_end_in_authomize() {
    let fake = Fake::start();
    for seed in 0..CASES {
        case(&fake, seed).await;
    }
}
