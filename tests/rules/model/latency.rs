//! How long a change takes from the org into a commit, in simulated time.

use fake_org::Event;
use fastrand::Rng;
use jiff::SignedDuration;
use serde_json::json;

use super::compare;
use super::found::found;
use super::mutations::{MUTATIONS, Told};
use super::world::{Ended, Traffic, World};

const SCHEDULE_S: i64 = 300;
const RUNS: usize = 144;

/// Runs every five minutes for twelve hours, with changes at any instant between them.
async fn latencies_s() -> Vec<f64> {
    let mut rng = Rng::with_seed(7);
    let mut world = World::new().await;
    let org = found(&mut rng, true, true);
    world.begin(
        org,
        Traffic {
            step: SignedDuration::from_millis(150),
            ..Traffic::default()
        },
    );
    let mut latencies_s = Vec::new();
    assert!(matches!(
        world.run(json!({"mode": "incremental"})).await,
        Ended::Told(Ok(_))
    ));
    for _ in 0..RUNS {
        let began_at = world.rig.org().now();
        let mut changed_at = Vec::new();
        let mut instants: Vec<i64> = (0..rng.usize(..4))
            .map(|_| rng.i64(0..SCHEDULE_S))
            .collect();
        instants.sort_unstable();
        for instant in instants {
            let mut org = world.rig.org();
            org.set_now(began_at + SignedDuration::from_secs(instant));
            let (_, told, act) = MUTATIONS[rng.usize(..MUTATIONS.len())];
            if told == Told::ByEvent && act(&mut org, &mut rng) {
                changed_at.push(org.now());
            }
        }
        world.rig.org().release_late();
        // Grants of tokens alone are no news; with this one they are.
        world
            .rig
            .org()
            .append_event(Event::new("user.session.start"));
        world
            .rig
            .org()
            .set_now(began_at + SignedDuration::from_secs(SCHEDULE_S));
        let Ended::Told(Ok(report)) = world.run(json!({"mode": "incremental"})).await else {
            panic!("a run failed")
        };
        assert!(!report.go_on);
        // What was changed before the run is in the reader's state after it.
        compare::assert_equal(&world.rig, false);
        let state = world.rig.read();
        let committed_at = state.manifests.last().unwrap().committed_at;
        latencies_s.extend(
            changed_at
                .iter()
                .map(|at| committed_at.duration_since(*at).as_secs_f64()),
        );
    }
    latencies_s
}

#[tokio::test]
async fn a_change_is_committed_within_one_interval_of_the_schedule() {
    let mut latencies_s = latencies_s().await;
    latencies_s.sort_by(f64::total_cmp);
    let at = |percent: usize| latencies_s[(latencies_s.len() - 1) * percent / 100];
    println!(
        "{} changes: p50 {:.0} s, p95 {:.0} s, most {:.0} s",
        latencies_s.len(),
        at(50),
        at(95),
        at(100)
    );
    assert!(at(100) <= SCHEDULE_S as f64 + 30.0);
}
