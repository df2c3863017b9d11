//! The program itself, killed again and again.

use std::time::{Duration, Instant};

use fake_org::{Client, NewUser, Options, Org};
use fastrand::Rng;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::moto;
use crate::support::rig::{CLIENT, PASSWORD, Rig, secret};
use crate::support::runtime::{Answer, Lambda};

const KILLS: usize = 20;
const CHECKPOINT_S: u64 = 1;
/// What a round takes beyond its checkpoint on a busy machine: requests under way, mapping, storing.
const SLACK_S: f64 = 4.0;

/// A number that `KILL_SEED` repeats.
fn rng() -> Rng {
    let seed = std::env::var("KILL_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| fastrand::u64(..));
    println!("KILL_SEED={seed}");
    Rng::with_seed(seed)
}

async fn rig() -> Rig {
    let mut org = Org::new(Options {
        latency_ms: 40,
        ..Options::default()
    });
    org.add_client(Client::with_secret(CLIENT, PASSWORD));
    org.silently(|org| {
        org.create_everyone();
        for n in 0..40 {
            let user = org.create_user(NewUser::named(&format!("Ada{n}"), "Lovelace"));
            let group = org.create_group(&format!("Group {n}"));
            org.add_member(&group, &user);
        }
    });
    Rig::around(org, &secret(), &[]).await
}

fn change(org: &mut Org, rng: &mut Rng) {
    let (users, groups) = (org.state().users, org.state().groups);
    let (user, group) = (
        users[rng.usize(..users.len())].clone(),
        groups[rng.usize(1..groups.len())].clone(),
    );
    match rng.u8(..6) {
        0 => drop(org.create_user(NewUser::named(&format!("Grace{}", rng.u32(..)), "Hopper"))),
        1 => drop(org.delete_user(&user)),
        2 => drop(org.add_member(&group, &user)),
        3 => drop(org.remove_member(&group, &user)),
        4 => drop(org.deactivate_user(&user)),
        _ => drop(org.update_user(&user, |profile| {
            drop(profile.insert("title".into(), rng.u32(..).into()))
        })),
    }
}

const MANIFESTS: &str = "okta/manifests/okta/";

async fn commits(bucket: &str) -> Vec<String> {
    let listed = moto::s3()
        .list_objects_v2()
        .bucket(bucket)
        .prefix(MANIFESTS)
        .send()
        .await
        .unwrap();
    listed
        .contents()
        .iter()
        .filter_map(|object| object.key().map(str::to_owned))
        .collect()
}

/// When the newest manifest was committed.
async fn newest_commit(bucket: &str) -> Option<Timestamp> {
    let newest = commits(bucket).await.pop()?;
    let object = moto::s3()
        .get_object()
        .bucket(bucket)
        .key(newest)
        .send()
        .await
        .unwrap();
    let manifest: Value =
        serde_json::from_slice(&object.body.collect().await.unwrap().into_bytes()).unwrap();
    manifest["committed_at"].as_str().unwrap().parse().ok()
}

/// The instant of a kill: some time after the beginning, or as soon as something is committed.
async fn fatal_instant(bucket: &str, rng: &mut Rng) {
    let began = Instant::now();
    if rng.u8(..4) > 0 {
        return tokio::time::sleep(Duration::from_millis(rng.u64(..3_000))).await;
    }
    let before = commits(bucket).await.len();
    while commits(bucket).await.len() == before && began.elapsed() < Duration::from_secs(4) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn kill_nine_at_any_instant_leaves_a_log_that_a_reader_can_trust() {
    let mut rng = rng();
    let rig = rig().await;
    let (bucket, secret) = (moto::bucket().await, moto::secret(&secret()).await);
    let checkpoint = CHECKPOINT_S.to_string();
    let settings = [
        ("BUCKET", bucket.as_str()),
        ("SECRET_ID", &secret),
        ("OKTA_ENDPOINT_URL", &rig.url),
        ("RATE_LIMIT_SHARE", "100"),
        ("CHECKPOINT_INTERVAL_SECONDS", &checkpoint),
    ];
    let (mut lost_s, mut lambda) = (Vec::new(), Lambda::start(&settings).await);
    while lost_s.len() < KILLS {
        let began_at = Timestamp::now();
        let mode = if rng.bool() { "full" } else { "incremental" };
        let ended = tokio::select! {
            answer = lambda.invoke(json!({"mode": mode})) => Some(answer),
            () = fatal_instant(&bucket, &mut rng) => None,
        };
        if let Some(answer) = ended {
            assert!(
                matches!(answer, Answer::Report(_)),
                "{answer:#?}\n{}",
                lambda.log()
            );
        } else {
            // SIGKILL.
            drop(lambda);
            let killed_at = Timestamp::now();
            let committed_at = newest_commit(&bucket)
                .await
                .map_or(began_at, |committed_at| committed_at.max(began_at));
            lost_s.push(killed_at.duration_since(committed_at).as_secs_f64());
            lambda = Lambda::start(&settings).await;
        }
        for _ in 0..rng.usize(..4) {
            change(&mut rig.org(), &mut rng);
        }
    }
    // A run whose only news is the grant of its own token leaves that event to the next one.
    rig.org().create_user(NewUser::named("Last", "Change"));
    while let Answer::Report(report) = lambda.invoke(json!({"mode": "incremental"})).await
        && report["continue"] == true
    {}
    *rig.store.objects.lock().unwrap() = moto::objects(&bucket).await;
    rig.assert_in_step();
    let numbers: Vec<u64> = rig
        .read()
        .manifests
        .iter()
        .map(|manifest| manifest.sequence)
        .collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    lost_s.sort_by(f64::total_cmp);
    let (median, most) = (lost_s[lost_s.len() / 2], lost_s[lost_s.len() - 1]);
    println!(
        "{KILLS} kills, {} manifests; time lost by a kill: median {median:.1} s, most {most:.1} s",
        numbers.len()
    );
    assert!(
        most <= CHECKPOINT_S as f64 + SLACK_S,
        "a kill cost {most} s"
    );
}
