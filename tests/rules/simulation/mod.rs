//! Whatever happens, what a reader holds stays right: the engine by itself against the fake org's answers, in one thread
//! and virtual time, without HTTP, bucket or runtime.
//!
//! Each case is drawn from its seed: `SIMULATION_SEED=…` plays that one alone and prints its steps, `SIMULATION_CASES=…`
//! sets how many there are, `SIMULATION_FROM=…` which is the first. A case that fails is shrunk to the steps that it needs,
//! and printed as a rule of its own.

mod case;
mod client;
mod draw;
mod driver;
mod exhaustive;
mod invariants;
mod rows;
mod shrink;
mod truth;
mod world;

use std::collections::BTreeMap;

use case::Case;
use driver::Broken;
use invariants::Violation;

const CASES: u64 = 500;
const THREADS: u64 = 2;
/// Histories in which nothing fails.
const HEALTHY_CASES: u64 = 100;
/// Cases that have to show that a collector is broken on purpose.
const MOST_TO_FIND: u64 = 60;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("a number"))
}

/// Asserts that every invariant holds throughout a history.
pub fn holds(case: &Case) {
    if let Err(violation) = case.play(None) {
        panic!("{violation}");
    }
}

/// Plays cases in all threads; those that fail, by seed.
fn play_all(seeds: std::ops::Range<u64>, draw: fn(u64) -> Case) -> BTreeMap<u64, Violation> {
    let play = |first: u64| {
        let seeds = (first..seeds.end).step_by(THREADS as usize);
        let failed = seeds.filter_map(|seed| Some((seed, draw(seed).play(None).err()?)));
        failed.collect::<BTreeMap<_, _>>()
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || play(seeds.start + thread)))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    })
}

/// Tells the first failure of each invariant, shrunk.
fn assert_none(failed: &BTreeMap<u64, Violation>, cases: u64, draw: fn(u64) -> Case) {
    let mut by_rule: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (seed, violation) in failed {
        by_rule.entry(violation.rule).or_default().push(*seed);
    }
    for (rule, seeds) in &by_rule {
        let (case, violation) = shrink::shrunk(&draw(seeds[0]));
        eprintln!(
            "{violation}\n{}",
            case.as_rule(&format!("of_seed_{}", seeds[0]))
        );
        eprintln!(
            "{} of {cases} cases: {rule}; seeds {:?}\n",
            seeds.len(),
            &seeds[..seeds.len().min(20)]
        );
    }
    assert!(
        failed.is_empty(),
        "{} of {cases} cases fail, see above",
        failed.len()
    );
}

#[test]
fn whatever_happens_a_reader_stays_right() {
    if let Some(seed) = number("SIMULATION_SEED") {
        let case = draw::any(seed);
        println!("{}", case.as_rule(&format!("of_seed_{seed}")));
        let played = case.play(None);
        println!("{played:?}");
        return holds(&case);
    }
    let from = number("SIMULATION_FROM").unwrap_or_default();
    let cases = number("SIMULATION_CASES").unwrap_or(CASES);
    let began_at = std::time::Instant::now();
    let failed = play_all(from..from + cases, draw::any);
    println!("{cases} cases in {:?}", began_at.elapsed());
    assert_none(&failed, cases, draw::any);
}

#[test]
fn in_a_healthy_org_nothing_is_held_and_every_told_change_is_in_step() {
    if let Some(seed) = number("HEALTHY_SEED") {
        return holds(&draw::healthy(seed));
    }
    let from = number("HEALTHY_FROM").unwrap_or_default();
    let failed = play_all(from..from + HEALTHY_CASES, draw::healthy);
    assert_none(&failed, HEALTHY_CASES, draw::healthy);
}

#[test]
fn a_seed_replays_to_the_step() {
    for seed in 0..20 {
        let case = draw::any(seed);
        assert_eq!(case, draw::any(seed));
        assert_eq!(case.play(None), case.play(None), "seed {seed}");
    }
}

#[test]
fn a_collector_that_is_broken_on_purpose_is_found_out() {
    for (broken, rules) in [
        (Broken::ForgetsAll, &["nothing live is forgotten"][..]),
        (Broken::ForgetsNothing, &["told changes are in step"]),
        (
            Broken::LosesPages,
            &[
                "told changes are in step",
                "nothing live is forgotten",
                "every event is committed",
            ],
        ),
        (Broken::RepeatsEvents, &["each event is committed once"]),
        (
            Broken::LosesCursor,
            &[
                "each event is committed once",
                "told changes are in step",
                "nothing live is forgotten",
            ],
        ),
    ] {
        let mut played =
            (0..MOST_TO_FIND).filter_map(|seed| draw::any(seed).play(Some(broken)).err());
        let found = played.any(|violation| rules.contains(&violation.rule));
        assert!(found, "{broken:?} is not found in {MOST_TO_FIND} cases");
    }
}

#[test]
fn a_failure_is_shrunk_to_the_steps_that_it_needs() {
    let case = draw::any(1);
    let (shrunk, violation) = shrink::by(&case, |case| case.play(Some(Broken::ForgetsAll)).err());
    assert_eq!(violation.rule, "nothing live is forgotten");
    assert!(shrunk.steps.len() <= 2, "{:#?}", shrunk.steps);
}
