//! Whatever happens to an org and to the function, a reader ends in step with the org.
//!
//! Each case is drawn from its number: `MODEL_SEED=…` runs that one alone, `MODEL_CASES=…` sets how many there are, and
//! `MODEL_FROM=…` which is the first. `DAYS_SEED` and `DAYS_CASES` are the same for the cases that go on for days.
//! The first ones go through every change with every crash, the others are random.

mod case;
mod compare;
mod days;
mod doom;
pub mod found;
mod happen;
mod latency;
pub mod mutations;
mod order;
mod weakened;
mod world;

use std::collections::BTreeSet;

use fastrand::Rng;
use serde_json::json;

use case::Case;
use days::{Days, WAYS, Way};
use doom::{CRASHES, Crash};
use found::found;
use mutations::{MUTATIONS, Told};
use world::World;

/// Whether what Okta logs is in step after the next run already, not after the next full snapshot only.
const AT_ONCE: bool = true;
const CASES: u64 = 1_500;
const THREADS: u64 = 2;
/// Rare cases that found something once, beyond those that are always run.
const REGRESSION_SEEDS: [u64; 4] = [2_483, 6_166, 6_907, 16_670];
/// In one of so many cases an admin role is weakened.
const WEAKENED_EVERY: u64 = 41;
/// Pairs of a change and a crash in one of the first cases.
const PAIRS_A_CASE: usize = 6;

/// Every pair, crash by crash, so that the changes of a case differ.
fn pairs() -> Vec<(usize, Crash)> {
    CRASHES
        .iter()
        .flat_map(|crash| (0..MUTATIONS.len()).map(|mutation| (mutation, *crash)))
        .collect()
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable)
        .ok()
        .map(|text| text.parse().expect("a number"))
}

fn at_once() -> bool {
    AT_ONCE || number("MODEL_AT_ONCE").is_some()
}

/// A run is killed at each point after each change.
async fn systematic(
    world: &mut World,
    number: u64,
    pairs: &[(usize, Crash)],
) -> BTreeSet<(usize, Crash)> {
    let mut rng = Rng::with_seed(number);
    let without_everyone = pairs
        .iter()
        .any(|(mutation, _)| MUTATIONS[*mutation].0 == "create_everyone");
    let org = found(&mut rng, true, !without_everyone);
    let mut case = Case::new(world, number, rng, org);
    case.settle(json!({"mode": "incremental"})).await;
    for (mutation, crash) in pairs {
        case.surely_mutate(*mutation);
        // A change that nothing tells of gives an incremental run nothing to do, and may be possible once only.
        let untold = MUTATIONS[*mutation].1 == Told::Never;
        let (mode, nth) = if untold {
            ("full", 0)
        } else {
            ("incremental", case.rng.u64(..2))
        };
        if !case.kill(*crash, nth, json!({"mode": mode})).await {
            case.surely_mutate(*mutation);
            assert!(
                case.kill(*crash, 0, json!({"mode": "full"})).await,
                "no run comes to {crash:?}"
            );
        }
    }
    case.conclude(at_once()).await;
    std::mem::take(&mut case.seen)
}

async fn random(world: &mut World, number: u64) -> BTreeSet<(usize, Crash)> {
    let mut rng = Rng::with_seed(number);
    let everyone = rng.bool();
    let org = found(&mut rng, false, everyone);
    let mut case = Case::new(world, number, rng, org);
    let told = case.rng.bool();
    for _ in 0..case.rng.usize(4..=14) {
        happen::happen(&mut case, told).await;
    }
    case.conclude(at_once()).await;
    std::mem::take(&mut case.seen)
}

async fn short_of_lists(world: &mut World, number: u64) -> BTreeSet<(usize, Crash)> {
    let mut rng = Rng::with_seed(number);
    let everyone = rng.bool();
    let mut org = found(&mut rng, false, everyone);
    weakened::crowd(&mut org);
    let mut case = Case::new(world, number, rng, org);
    for _ in 0..case.rng.usize(..3) {
        happen::happen(&mut case, true).await;
    }
    weakened::weaken(&mut case).await;
    for _ in 0..case.rng.usize(..3) {
        happen::happen(&mut case, true).await;
    }
    case.conclude(at_once()).await;
    std::mem::take(&mut case.seen)
}

async fn run_case(world: &mut World, number: u64) -> BTreeSet<(usize, Crash)> {
    let pairs = pairs();
    let index = usize::try_from(number).unwrap();
    match pairs.chunks(PAIRS_A_CASE).nth(index) {
        Some(pairs) => systematic(world, number, pairs).await,
        None if number.is_multiple_of(WEAKENED_EVERY) => short_of_lists(world, number).await,
        None => random(world, number).await,
    }
}

/// Runs a thread's cases, one after the other in one world.
fn run_each<T: Ord>(
    numbers: impl Iterator<Item = u64>,
    case: impl AsyncFn(&mut World, u64) -> BTreeSet<T>,
) -> BTreeSet<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut world = World::new().await;
        let mut seen = BTreeSet::new();
        for number in numbers {
            seen.extend(case(&mut world, number).await);
        }
        seen
    })
}

/// Runs cases in all threads, `always` in each of them.
fn run_all<T: Ord + Send>(
    numbers: std::ops::Range<u64>,
    always: &[u64],
    case: impl AsyncFn(&mut World, u64) -> BTreeSet<T> + Copy + Send,
) -> BTreeSet<T> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| (numbers.start + thread..numbers.end).step_by(THREADS as usize))
            .map(|numbers| {
                scope.spawn(move || run_each(always.iter().copied().chain(numbers), case))
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("a case failed, see above"))
            .collect()
    })
}

/// Runs these cases, each of which leaves its bucket in a folder of its number.
pub fn keep_buckets(numbers: impl IntoIterator<Item = u64>, folder: &std::path::Path) {
    run_each(numbers.into_iter(), async |world: &mut World, number| {
        world.kept_in = Some(folder.to_owned());
        run_case(world, number).await
    });
}

#[test]
fn a_reader_ends_in_step_whatever_happens() {
    if let Some(seed) = number("MODEL_SEED") {
        run_each(std::iter::once(seed), run_case);
        return;
    }
    let from = number("MODEL_FROM").unwrap_or_default();
    let cases = from + number("MODEL_CASES").unwrap_or(CASES);
    let seen = run_all(from..cases, &REGRESSION_SEEDS, run_case);
    if from > 0 {
        return;
    }
    let missing: Vec<_> = pairs()
        .into_iter()
        .filter(|pair| !seen.contains(pair))
        .collect();
    let names: Vec<_> = missing
        .iter()
        .map(|(mutation, crash)| (MUTATIONS[*mutation].0, crash))
        .collect();
    assert!(names.is_empty(), "never seen: {names:?}");
}

/// Snapshots are due each day.
const DAILY_HOURS: u32 = 24;
/// Cases of days with trouble, beyond one for each way to fail with each crash.
const DAYS_CASES: u64 = 30;

/// Every way to fail with every crash.
fn ways_and_crashes() -> Vec<(Way, Crash)> {
    WAYS.iter()
        .flat_map(|way| CRASHES.iter().map(|crash| (*way, *crash)))
        .collect()
}

async fn days(world: &mut World, number: u64) -> BTreeSet<(Way, Crash)> {
    let pairs = ways_and_crashes();
    let mut rng = Rng::with_seed(number);
    world.snapshot_interval_hours = DAILY_HOURS;
    let is_rich = rng.bool();
    let mut org = found(&mut rng, is_rich, true);
    let pair = usize::try_from(number)
        .ok()
        .and_then(|number| pairs.get(number))
        .copied();
    let has_crowd =
        pair.is_some_and(|(way, _)| matches!(way, Way::Short | Way::Empty)) || rng.u8(..3) == 0;
    if has_crowd {
        weakened::crowd(&mut org);
    }
    let mut case = Case::new(world, number, rng, org);
    if has_crowd {
        case.world.traffic.lock().unwrap().page = None;
    }
    let mut days = Days::new(&mut case);
    days.live(pair, has_crowd).await;
    days.seen
}

#[test]
fn trouble_that_lasts_for_days_costs_itself_alone() {
    if let Some(seed) = number("DAYS_SEED") {
        run_each(std::iter::once(seed), days);
        return;
    }
    let pairs = ways_and_crashes();
    let seen = run_all(
        0..pairs.len() as u64 + number("DAYS_CASES").unwrap_or(DAYS_CASES),
        &[],
        days,
    );
    let missing: Vec<_> = pairs
        .into_iter()
        .filter(|pair| !seen.contains(pair))
        .collect();
    assert!(missing.is_empty(), "never seen: {missing:?}");
}

/// Public changes of an org, by the names of its methods.
#[test]
fn every_change_that_an_org_knows_is_made() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/fake-org/src/change");
    let files = std::fs::read_dir(directory)
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let source: String = files.collect();
    let changes = source
        .split("    pub fn ")
        .skip(1)
        .filter(|rest| rest.split('{').next().unwrap().contains("&mut self"));
    let names: Vec<&str> = changes
        .filter_map(|rest| rest.split('(').next())
        .filter(|name| *name != "set_actor")
        .collect();
    let made: BTreeSet<&str> = MUTATIONS
        .iter()
        .filter_map(|(name, ..)| name.split(' ').next())
        .collect();
    let missing: Vec<&&str> = names.iter().filter(|name| !made.contains(**name)).collect();
    assert!(
        names.len() > 40 && missing.is_empty(),
        "{missing:?} of {}",
        names.len()
    );
}
