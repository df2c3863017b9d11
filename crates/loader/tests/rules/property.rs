//! Whatever is committed, however loaders are woken, killed and raced, and whatever the API answers: in the end
//! Authomize has the folded newest state, and on the way nothing was deleted that a reader has.
//!
//! `LOADER_SEED=…` runs one case alone, `LOADER_CASES=…` sets how many there are.

use fastrand::Rng;
use jiff::SignedDuration;
use loader::event::{Mode, Request};
use serde_json::{Value, json};

use super::history::Ledger;
use super::memory::{Fuse, Objects};
use super::rig::Rig;

const CASES: u64 = 150;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable)
        .ok()
        .map(|text| text.parse().expect("a number"))
}

fn options(rng: &mut Rng) -> Value {
    json!({
        "reading": if rng.bool() { "replace" } else { "merge" },
        "lag": if rng.u8(..3) == 0 { rng.u32(1..4) } else { 0 },
        "clock_offset_seconds": rng.i32(-5_000..5_000),
        "time": if rng.u8(..4) == 0 { "offset" } else { "utc" },
    })
}

fn faults(rng: &mut Rng) -> Vec<Value> {
    let one = |rng: &mut Rng| match rng.u32(..8) {
        0 => json!({"status": 500}),
        1 => json!({"status": 502, "applied": true}),
        2 => json!({"status": 429, "retry_after": 0}),
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
        accept_shrink: false,
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
    match rng.u32(..10) {
        0..=3 => rig.ledger.happen(rng),
        4 | 5 => woken(rig, &request(rng), &Fuse::never()).await,
        6 | 7 => woken(rig, &request(rng), &Fuse::after(rng.i64(0..60))).await,
        8 => {
            let (first, second) = (request(rng), request(rng));
            let fuse = Fuse::after(if rng.bool() { rng.i64(0..60) } else { i64::MAX });
            let never = Fuse::never();
            tokio::join!(woken(rig, &first, &fuse), woken(rig, &second, &never));
        }
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
    rig.pass(rng.i64(0..30));
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
        .set(json!({"faults": [], "refuse": [], "refuse_blindly": [], "lag": 0}))
        .await;
    rig.ledger.happen(&mut rng);
    rig.ledger.status("succeeded");
    rig.pass(16);
    println!("  settles: {:?}", rig.load().await);
    rig.pass(25 * 60);
    let report = rig.load().await;
    println!("  in the end: {report:?}");
    assert!(report.swept, "{report:#?}");
    rig.assert_equal().await;
    let requests = rig.fake.requests().await;
    assert_eq!(rig.load().await.load, "none");
    assert_eq!(rig.fake.requests().await, requests);
    for sweep in rig.fake.counts().await["sweeps"].as_array().unwrap() {
        assert!(
            sweep["modifiedBefore"].is_string(),
            "everything was deleted"
        );
    }
}

#[tokio::test]
async fn authomize_ends_with_the_folded_newest_state_whatever_happens() {
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
