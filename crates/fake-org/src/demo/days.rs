//! A day's acts and their times: drawn from the seed and the day alone.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::acts::Act;
use super::{Tick, attack, even};

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;

/// Visits on a weekday and on a day of the weekend; a visit is five to six events.
const WEEKDAY_VISITS: std::ops::Range<usize> = 112..128;
const WEEKEND_VISITS: std::ops::Range<usize> = 14..24;

/// Changes on a weekday, by how many of a thousand days see one more of it.
const CHANGES: [(Act, u32); 13] = [
    (Act::Hire, 300),
    (Act::Leave, 220),
    (Act::Profile, 1200),
    (Act::Join, 1600),
    (Act::Part, 900),
    (Act::Assign, 1100),
    (Act::Unassign, 500),
    (Act::Enroll, 700),
    (Act::Suspend, 120),
    (Act::Unsuspend, 110),
    (Act::Lock, 350),
    (Act::Admin, 90),
    (Act::UpdateApp, 250),
];

pub(super) fn day_of(ms: i64) -> i64 {
    ms.div_euclid(DAY_MS)
}

pub(super) fn begin_ms(day: i64) -> i64 {
    day * DAY_MS
}

/// When the attack is over, in a log that begins then.
pub(super) fn attack_ms(start_ms: i64) -> i64 {
    even(begin_ms(day_of(start_ms) + attack::DAY) + attack::HOUR * HOUR_MS)
}

/// A day's ticks in their order, with the attack if it is on that day.
pub(super) fn plan(seed: u64, day: i64, attack_ms: Option<i64>) -> Vec<Tick> {
    let mut rng = StdRng::seed_from_u64(mix(seed, day, 2));
    // 1970-01-01 was a Thursday.
    let weekend = matches!((day + 3).rem_euclid(7), 5 | 6);
    let mut acts = vec![
        Act::Visit;
        rng.random_range(if weekend {
            WEEKEND_VISITS
        } else {
            WEEKDAY_VISITS
        })
    ];
    acts.extend(vec![Act::Service; 24]);
    acts.extend(vec![
        Act::FailedSignIn;
        rng.random_range(if weekend { 0..4 } else { 6..16 })
    ]);
    if !weekend {
        acts.extend(
            CHANGES
                .iter()
                .flat_map(|(act, per_mille)| vec![*act; drawn(&mut rng, *per_mille)]),
        );
    }
    let mut ticks: Vec<Tick> = acts
        .into_iter()
        .map(|act| Tick {
            at_ms: time(&mut rng, day, act),
            seed: rng.random(),
            act,
        })
        .collect();
    ticks.extend(attack_ms.map(|at_ms| Tick {
        at_ms,
        seed: mix(seed, at_ms, 4),
        act: Act::Attack,
    }));
    ticks.sort_by_key(|tick| (tick.at_ms, tick.seed));
    ticks
}

fn drawn(rng: &mut StdRng, per_mille: u32) -> usize {
    let sure = usize::try_from(per_mille / 1000).unwrap_or(0);
    sure + usize::from(rng.random_range(0..1000) < per_mille % 1000)
}

/// People work from six to nineteen with a peak in the morning; services never rest.
fn time(rng: &mut StdRng, day: i64, act: Act) -> i64 {
    let within = match act {
        Act::Service => rng.random_range(0..DAY_MS),
        _ => {
            let peak = *[7, 8, 8, 9, 9, 10, 12, 13, 14, 16]
                .choose(rng)
                .unwrap_or(&9);
            peak * HOUR_MS + rng.random_range(-HOUR_MS..3 * HOUR_MS)
        }
    };
    even(begin_ms(day) + within)
}

/// One seed of several numbers (the finalizer of SplitMix64).
pub(super) fn mix(seed: u64, number: i64, salt: u64) -> u64 {
    let mut mixed =
        seed ^ number.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt.rotate_left(48);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
