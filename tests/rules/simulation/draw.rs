//! Histories drawn from their seeds. Each has a few kinds of trouble only, drawn first: what is rare among all is common in
//! some.

use fastrand::Rng;

use super::case::{Case, Step};
use super::driver::{Kill, Run};
use super::world::{Fault, How, WAYS};
use crate::model::mutations::{MUTATIONS, Told};

/// Most steps of a history.
const MOST_STEPS: usize = 24;

/// What may happen in a history.
struct Swarm {
    faults: Vec<Fault>,
    /// Names of the changes that happen.
    changes: Vec<&'static str>,
    is_silent: bool,
    is_late: bool,
    kills: bool,
    cuts: bool,
    meanwhile: bool,
    accepts: bool,
}

/// A history with any trouble.
pub fn any(seed: u64) -> Case {
    let mut rng = Rng::with_seed(seed);
    let swarm = Swarm::drawn(&mut rng);
    drawn(seed, &mut rng, &swarm)
}

/// A history in which nothing fails, and events tell of every change.
pub fn healthy(seed: u64) -> Case {
    let mut rng = Rng::with_seed(seed ^ 0x4ea1);
    let changes = MUTATIONS
        .iter()
        .filter(|(_, told, _)| *told == Told::ByEvent);
    let swarm = Swarm {
        faults: Vec::new(),
        changes: changes.map(|(name, ..)| *name).collect(),
        is_silent: false,
        is_late: false,
        kills: false,
        cuts: false,
        meanwhile: false,
        accepts: false,
        ..Swarm::drawn(&mut rng)
    };
    drawn(seed, &mut rng, &swarm)
}

impl Swarm {
    fn drawn(rng: &mut Rng) -> Self {
        let mut known = vec![
            Fault::Empty,
            Fault::Absent,
            Fault::Short(20),
            Fault::Limit(30),
            Fault::Limit(600),
            Fault::PositionsRefused,
            Fault::PositionsBroken,
            Fault::LogRefused(2),
            Fault::LogRefused(9),
            Fault::Lag(3),
            Fault::Lag(40),
            Fault::FilterRefused,
        ];
        known.extend(
            WAYS.iter()
                .flat_map(|way| [Fault::Object(*way), Fault::Paths(*way)]),
        );
        let one_in = rng.u8(2..12);
        let mut some = |one_in: u8| rng.u8(..one_in) == 0;
        known.retain(|_| some(one_in));
        let has_crowd = some(8);
        known.retain(|fault| has_crowd || !matches!(fault, Fault::Short(_)));
        let is_silent = some(3);
        let changes = MUTATIONS
            .iter()
            .filter(|(_, told, _)| is_silent || *told == Told::ByEvent);
        let every = 1 + u8::from(some(2)) * 2;
        Self {
            faults: known,
            changes: changes
                .map(|(name, ..)| *name)
                .filter(|_| some(every))
                .collect(),
            is_silent,
            is_late: some(3),
            kills: some(3),
            cuts: some(4),
            meanwhile: some(2),
            accepts: some(6),
        }
    }

    fn change(&self, rng: &mut Rng) -> Option<&'static str> {
        rng.choice(&self.changes).copied()
    }
}

fn drawn(seed: u64, rng: &mut Rng, swarm: &Swarm) -> Case {
    let is_short = swarm
        .faults
        .iter()
        .any(|fault| matches!(fault, Fault::Short(_)));
    let mut steps = vec![Step::Run(Run {
        seed: rng.u64(..),
        ..Run::default()
    })];
    for _ in 0..rng.usize(4..MOST_STEPS) {
        steps.extend(step(rng, swarm));
    }
    Case {
        seed,
        is_rich: rng.bool(),
        has_everyone: rng.u8(..4) > 0,
        has_crowd: is_short,
        page: (!is_short && rng.u8(..4) == 0).then(|| rng.u32(1..5)),
        steps,
    }
}

fn step(rng: &mut Rng, swarm: &Swarm) -> Option<Step> {
    let seed = rng.u64(..) >> 32;
    Some(match rng.u8(..20) {
        0..8 => {
            let how = match rng.u8(..8) {
                0..2 if swarm.is_silent => How::Silently,
                2..4 if swarm.is_late => How::LateBy(rng.i64(1..300)),
                _ => How::Plainly,
            };
            Step::Change(swarm.change(rng)?, how, seed)
        }
        8..10 => Step::Pass([5, 300, 3_600, 6 * 3_600, 25 * 3_600][rng.usize(..5)]),
        10..12 => {
            let hours = [0, 0, 1, 7, 30][rng.usize(..5)];
            Step::Fails(*rng.choice(&swarm.faults)?, seed, hours)
        }
        12 if !swarm.faults.is_empty() => Step::Mend,
        13 if swarm.meanwhile => Step::Meanwhile(rng.usize(..40), swarm.change(rng)?, seed),
        14 if swarm.accepts => Step::Accept(seed),
        15 if swarm.kills => Step::Cold,
        _ => Step::Run(Run {
            full: rng.u8(..5) == 0,
            accept: Vec::new(),
            seconds: if swarm.cuts && rng.bool() {
                rng.i64(5..60)
            } else {
                300
            },
            kill: (swarm.kills && rng.u8(..3) == 0).then(|| match rng.u8(..3) {
                0 => Kill::BeforeManifest(rng.usize(..2)),
                1 => Kill::AfterManifest(rng.usize(..2)),
                _ => Kill::Request(rng.usize(..40)),
            }),
            seed,
        }),
    })
}
