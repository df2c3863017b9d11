//! Whatever is committed, however loaders are woken, killed and raced, and whatever the API answers: in the end
//! Authomize has the folded newest state, and on the way nothing was deleted that a reader has.
//!
//! `LOADER_SEED=…` runs one case alone, `LOADER_CASES=…` sets how many there are.

use fastrand::Rng;
use jiff::SignedDuration;
use loader::event::{Mode, Request};
use loader::purge::Wishes;
use serde_json::{Value, json};

use super::history::Ledger;
use super::memory::{Fuse, Objects};
use super::rig::Rig;

const CASES: u64 = 60;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable)
        .ok()
        .map(|text| text.parse().expect("a number"))
}

fn one_of<T: Copy>(rng: &mut Rng, choices: &[T]) -> T {
    choices[rng.usize(..choices.len())]
}

/// Endpoints that are out of order for good, or until they are mended.
fn endpoints(rng: &mut Rng) -> Value {
    const PLACES: [&str; 12] = [
        "POST accounts/users",
        "POST access/grouping",
        "POST privileges",
        "POST assets",
        "POST access/permissions",
        "POST association/accounts",
        "GET ",
        "GET accounts/users",
        "GET access/grouping",
        "GET association/accounts",
        "DELETE data",
        "GET assets",
    ];
    let mut endpoints = serde_json::Map::new();
    for _ in 0..rng.u32(..3) {
        let fault = match rng.u32(..7) {
            0 => json!({"status": 404, "body": {"detail": "Not Found"}}),
            1 => json!({"status": 403}),
            2 => json!({"status": 429}),
            3 => json!({"status": 429, "retry_after": 5}),
            4 => json!({"status": 200, "body": "<html>"}),
            5 => json!({"status": 500, "applied": true}),
            _ => json!({"status": 500}),
        };
        endpoints.insert(one_of(rng, &PLACES).to_owned(), fault);
    }
    endpoints.into()
}

fn options(rng: &mut Rng) -> Value {
    json!({
        "reading": if rng.bool() { "replace" } else { "merge" },
        "lag": if rng.u8(..3) == 0 { rng.u32(1..4) } else { 0 },
        "clock_offset_seconds": rng.i32(-5_000..5_000),
        "kept_us": one_of(rng, &[1, 1_000, 1_000_000]),
        "told_us": one_of(rng, &[1, 1_000, 1_000_000]),
        "time": one_of(rng, &["utc", "utc", "utc", "offset", "naive", "none"]),
    })
}

fn faults(rng: &mut Rng) -> Vec<Value> {
    let one = |rng: &mut Rng| match rng.u32(..8) {
        0 => json!({"status": 500}),
        1 => json!({"status": 502, "applied": true}),
        2 => json!({"status": 429, "retry_after": 0}),
        5 => json!({"status": 429}),
        3 => json!({"drop": true}),
        4 => json!({"drop": true, "applied": true}),
        _ => Value::Null,
    };
    (0..rng.u32(..12)).map(|_| one(rng)).collect()
}

fn request(rng: &mut Rng) -> Request {
    let mode = if rng.u8(..4) == 0 {
        Mode::Full
    } else {
        Mode::Incremental
    };
    Request {
        integration: "okta".to_owned(),
        mode,
        wishes: Wishes::default(),
    }
}

/// A loader that may be killed at a step of its work.
async fn woken(rig: &Rig, request: &Request, fuse: &Fuse) {
    let loader = rig.loader(rig.store(fuse));
    let deadline = rig.now() + SignedDuration::from_mins(15);
    tokio::select! {
        // An error is an end like any other: the next wake-up goes on.
        ended = loader.load(request, deadline) => println!("  {request:?}: {ended:?}"),
        () = fuse.blown() => println!("  {request:?}: killed"),
    }
}

async fn step(rig: &mut Rig, rng: &mut Rng) {
    let before = rig.fake.items().await;
    match rng.u32(..13) {
        0..=3 => rig.ledger.happen(rng),
        4 | 5 => woken(rig, &request(rng), &Fuse::never()).await,
        6 | 7 => woken(rig, &request(rng), &Fuse::after(rng.i64(0..60))).await,
        8 => {
            let (first, second) = (request(rng), request(rng));
            let fuse = Fuse::after(if rng.bool() { rng.i64(0..60) } else { i64::MAX });
            let never = Fuse::never();
            tokio::join!(woken(rig, &first, &fuse), woken(rig, &second, &never));
        }
        10 => {
            let endpoints = endpoints(rng);
            println!("  out of order: {endpoints}");
            rig.fake
                .set(json!({"endpoints": endpoints, "empty_lists": rng.u32(..3)}))
                .await;
        }
        11 => match rng.u32(..4) {
            0 => rig.fake.rename("Theirs").await,
            1 => rig.fake.double("Okta").await,
            _ => rig.fake.rename("Okta").await,
        },
        _ => {
            let refuse = if rng.u8(..3) == 0 {
                vec![format!("00u{}", rng.u32(..9))]
            } else {
                vec![]
            };
            let blindly = if rng.u8(..4) == 0 {
                vec![format!("00g{}", rng.u32(..4))]
            } else {
                vec![]
            };
            rig.fake
                .set(json!({"faults": faults(rng), "refuse": refuse, "refuse_blindly": blindly}))
                .await;
        }
    }
    let (after, expected) = (rig.fake.items().await, rig.ledger.expected());
    println!("  now at manifest {}", rig.ledger.sequence);
    for key in before.keys().filter(|key| expected.contains_key(*key)) {
        assert!(
            after.contains_key(key),
            "{key:?} was deleted, and a reader has it"
        );
    }
    rig.pass(rng.i64(0..30)).await;
}

async fn case(rig: &mut Rig, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    rig.fake.reset(options(&mut rng)).await;
    rig.ledger = Ledger::new(Objects::default());
    rig.ledger.found(&mut rng);
    for _ in 0..rng.u32(4..16) {
        step(rig, &mut rng).await;
    }
    rig.fake
        .set(
            json!({"faults": [], "refuse": [], "refuse_blindly": [], "lag": 0,
            "endpoints": {}, "empty_lists": 0, "time": "utc"}),
        )
        .await;
    rig.fake.rename("Okta").await;
    rig.ledger.happen(&mut rng);
    rig.ledger.status("succeeded");
    rig.pass(16).await;
    println!("  settles: {:?}", rig.load().await);
    rig.pass(25 * 60).await;
    let report = rig.load().await;
    println!("  in the end: {report:?}");
    assert!(report.swept, "{report:#?}");
    rig.assert_equal().await;
    let requests = rig.fake.requests().await;
    assert_eq!(rig.load().await.load, "none");
    assert_eq!(rig.fake.requests().await, requests);
    for purge in rig.fake.counts().await["purges"].as_array().unwrap() {
        assert!(
            purge["modifiedBefore"].is_string(),
            "everything was deleted"
        );
    }
}

#[tokio::test]
async fn authomize_ends_with_the_folded_newest_state_in_spite_of_any_trouble() {
    let mut rig = Rig::new(json!({})).await;
    let seeds = match number("LOADER_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("LOADER_CASES").unwrap_or(CASES),
    };
    for seed in seeds {
        println!("LOADER_SEED={seed}");
        case(&mut rig, seed).await;
    }
}
