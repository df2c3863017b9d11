//! What may happen to a case, drawn step by step.

use fake_org::Failure;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::case::{Case, How};
use super::doom::CRASHES;
use super::mutations::{MUTATIONS, Told};
use crate::support::memory::{Act, Fault};

/// One drawn step. What is not `told` may happen in silence.
pub async fn happen(case: &mut Case<'_>, told: bool) {
    match case.rng.u8(..100) {
        0..40 => change(case, told),
        40..50 => pass_time(case),
        50..58 => drop(case.run(incremental()).await),
        58..68 => disturbed(case, told).await,
        68..82 => killed(case).await,
        82..85 => case.run_twice(incremental()).await,
        85..90 => unanswered(case).await,
        90..93 => troubled(case).await,
        93..96 => copy_lost(case),
        96..98 => begin_anew(case),
        _ => drop(case.run(json!({"mode": "full"})).await),
    }
}

fn incremental() -> Value {
    json!({"mode": "incremental"})
}

/// Any change; with `told` one that leaves a trace.
fn draw(case: &mut Case<'_>, told: bool) -> usize {
    loop {
        let mutation = case.rng.usize(..MUTATIONS.len());
        if !told || MUTATIONS[mutation].1 != Told::Never {
            return mutation;
        }
    }
}

/// Any change, logged in one of the ways that there are.
pub fn change(case: &mut Case<'_>, told: bool) {
    let how = match case.rng.u8(..20) {
        0..3 if !told => How::Silently,
        3..6 => How::Late,
        6..8 => How::LateBy(case.rng.i64(1..180)),
        8..10 => How::WithoutTargets,
        _ => How::Plainly,
    };
    let mutation = draw(case, told);
    case.mutate(mutation, how);
}

fn pass_time(case: &mut Case<'_>) {
    let seconds = [1, 60, 600, 4_000, 8_000, 90_000][case.rng.usize(..6)];
    case.advance(SignedDuration::from_secs(seconds));
    if case.rng.u8(..3) == 0 {
        case.say("release late events");
        case.world.rig.org().release_late();
    }
}

/// A run during which the org changes, answers come out of order, positions expire, or time runs out.
async fn disturbed(case: &mut Case<'_>, told: bool) {
    for _ in 0..case.rng.usize(..4) {
        let (mutation, at) = (draw(case, told), case.rng.u64(..30));
        case.plan_meanwhile(mutation, at);
    }
    {
        let mut traffic = case.world.traffic.lock().unwrap();
        traffic.slow = (0..case.rng.usize(..4))
            .map(|_| case.rng.u64(..40))
            .collect();
        traffic.cut = case.rng.bool().then(|| case.rng.u64(1..40));
    }
    if case.rng.u8(..4) == 0 {
        case.say("positions in listings expire");
        case.world.rig.org().expire_cursors();
    }
    let event = if case.rng.u8(..3) == 0 {
        json!({"mode": "full"})
    } else {
        incremental()
    };
    let cut = case.world.traffic.lock().unwrap().cut;
    case.say(format!("disturbed, cut {cut:?}"));
    case.run(event).await;
}

async fn killed(case: &mut Case<'_>) {
    let (crash, nth) = (CRASHES[case.rng.usize(..CRASHES.len())], case.rng.u64(..4));
    let nth = if crash.is_request() { nth * 7 } else { nth };
    case.kill(crash, nth, incremental()).await;
}

/// Okta fails a few times, in one of its ways.
async fn unanswered(case: &mut Case<'_>) {
    let paths = [
        "POST /oauth2/v1/token",
        "GET /api/v1/logs",
        "GET /api/v1/users",
        "GET /api/v1/groups/*/users",
        "GET /api/v1/apps/*/users",
        "GET /api/v1/users/*/factors",
        "/api/v1/iam/**",
        "/api/v1/**",
    ];
    let path = paths[case.rng.usize(..paths.len())];
    let expired = r#"{"errorCode":"E0000031","errorSummary":"Invalid search criteria."}"#;
    let forbidden = r#"{"errorCode":"E0000006","errorSummary":"You do not have permission"}"#;
    // Limits that last are waited for, in a time that stands still here; `limits` tries them.
    let (path, failure) = match case.rng.u8(..7) {
        0 => (path, Failure::Html(502)),
        1 => (path, Failure::NotJson),
        2 => (
            path,
            Failure::RateLimited {
                limit: 0,
                reset_in_seconds: 60,
            },
        ),
        3 => (
            "GET /api/v1/logs?after",
            Failure::Status(400, expired.into()),
        ),
        4 if !path.starts_with("POST") => (path, Failure::Status(403, forbidden.into())),
        _ => (path, Failure::Status(500, "{}".into())),
    };
    let times = case.rng.u64(1..=6);
    case.say(format!("{path} fails {times} times with {failure:?}"));
    case.world.rig.org().fail(path, times, failure);
    let event = if case.rng.bool() {
        json!({"mode": "full"})
    } else {
        incremental()
    };
    case.run(event).await;
    case.world.rig.org().heal();
}

/// The bucket fails once.
async fn troubled(case: &mut Case<'_>) {
    let faults = [
        (Act::Put, "/data/", Fault::Refused),
        (Act::Put, "/data/", Fault::AnswerLost),
        (Act::Put, "/cursors/", Fault::Refused),
        (Act::Put, "/cursors/", Fault::AnswerLost),
        (Act::Create, "/manifests/", Fault::Refused),
        (Act::Create, "/manifests/", Fault::AnswerLost),
        (Act::Create, "/manifests/", Fault::Conflict),
        (Act::Get, "/manifests/", Fault::Refused),
        (Act::List, "", Fault::Refused),
    ];
    let (act, key, fault) = faults[case.rng.usize(..faults.len())].clone();
    case.say(format!("{act:?} of {key} meets {fault:?}"));
    case.world.doom.trouble(act, key, fault);
    case.run(incremental()).await;
}

/// The cursor's copy is lost, old or damaged.
fn copy_lost(case: &mut Case<'_>) {
    const COPY: &str = "okta/cursors/okta.json";
    let store = case.world.rig.store.clone();
    let Some(copy) = store.objects.lock().unwrap().get(COPY).cloned() else {
        return;
    };
    let with_sequence = |sequence: u64| {
        // It may be damaged already.
        let mut copy: Value = serde_json::from_slice(&copy).unwrap_or_else(|_| json!({}));
        copy["sequence"] = sequence.into();
        copy.to_string().into_bytes()
    };
    let (what, body) = match case.rng.u8(..4) {
        0 => ("lost", None),
        1 => ("old", Some(with_sequence(1))),
        // A whole copy of a manifest that is not there would mean that history was deleted: an error, and no case here.
        2 => (
            "a part of one that names no manifest",
            Some(br#"{"schema":1,"sequence":900}"#.to_vec()),
        ),
        _ => ("damaged", Some(b"{".to_vec())),
    };
    case.say(format!("the cursor's copy is {what}"));
    match body {
        Some(body) => store.write(COPY, &body),
        None => store.remove(COPY),
    }
}

/// A cold start, with a token that was revoked or a secret that is new.
fn begin_anew(case: &mut Case<'_>) {
    match case.rng.u8(..3) {
        0 => {
            case.say("cold start");
            case.world.start();
        }
        1 => {
            // A token that is revoked within a minute of the last one ends its runs until the minute is over.
            case.advance(SignedDuration::from_secs(61));
            case.say("tokens are revoked");
            case.world.rig.org().revoke_access_tokens();
        }
        _ => {
            case.say("the secret is rotated");
            case.world
                .rig
                .secrets
                .put("okta/acme", &crate::support::rig::secret());
        }
    }
}
