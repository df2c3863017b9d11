//! Histories drawn from their seeds. Each has a few kinds of trouble only, drawn first: what is rare among all is common in
//! some.

use fastrand::Rng;

use super::case::{Case, Step};
use super::driver::{Kill, Run};
use super::world::{Fault, How, WAYS};
use crate::model::mutations::{MUTATIONS, Told};

/// Most runs that a history has, beside those after its last fault; of a healthy org, which costs little.
const MOST_ROUNDS: usize = 7;
const MOST_HEALTHY_ROUNDS: usize = 25;
/// Most changes between two runs.
const MOST_CHANGES: usize = 7;
/// Kinds of fault that a history has at most.
const MOST_FAULTS: usize = 4;

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
    drawn(seed, &mut rng, &swarm, MOST_ROUNDS)
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
    };
    drawn(seed, &mut rng, &swarm, MOST_HEALTHY_ROUNDS)
}

impl Swarm {
    fn drawn(rng: &mut Rng) -> Self {
        let has_crowd = rng.u8(..12) == 0;
        let is_silent = rng.u8(..3) == 0;
        // All kinds of change, or a third of them.
        let one_in = [1, 3][rng.usize(..2)];
        let changes = MUTATIONS
            .iter()
            .filter(|(_, told, _)| is_silent || *told == Told::ByEvent);
        let mut faults = faults(has_crowd);
        rng.shuffle(&mut faults);
        faults.truncate(rng.usize(..=MOST_FAULTS));
        faults.extend(has_crowd.then_some(Fault::Short(20)));
        Self {
            faults,
            changes: changes
                .map(|(name, ..)| *name)
                .filter(|_| rng.u8(..one_in) == 0)
                .collect(),
            is_silent,
            is_late: rng.u8(..3) == 0,
            kills: rng.u8(..3) == 0,
            cuts: rng.u8(..4) == 0,
            meanwhile: rng.bool(),
            accepts: rng.u8(..6) == 0,
        }
    }

    fn change(&self, rng: &mut Rng) -> Option<&'static str> {
        rng.choice(&self.changes).copied()
    }
}

/// Every kind of fault; what counts twice is drawn twice as often.
fn faults(has_crowd: bool) -> Vec<Fault> {
    let mut faults = vec![
        Fault::Empty,
        Fault::Absent,
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
    // A crowd takes its time; what it is for is a short list.
    let ways = if has_crowd { &WAYS[..1] } else { &WAYS[..] };
    faults.extend(
        ways.iter()
            .flat_map(|way| [Fault::Object(*way), Fault::Object(*way), Fault::Paths(*way)]),
    );
    faults
}

fn drawn(seed: u64, rng: &mut Rng, swarm: &Swarm, most_rounds: usize) -> Case {
    let has_crowd = swarm
        .faults
        .iter()
        .any(|fault| matches!(fault, Fault::Short(_)));
    let mut steps = vec![Step::Run(Run {
        seed: short(rng),
        ..Run::default()
    })];
    for _ in 0..rng.usize(1..=most_rounds) {
        round(rng, swarm, &mut steps);
    }
    Case {
        seed,
        is_rich: rng.u8(..3) > 0,
        has_everyone: rng.u8(..4) > 0,
        has_crowd,
        page: (!has_crowd && rng.u8(..4) == 0).then(|| rng.u32(1..5)),
        steps,
    }
}

/// A seed that is short to tell.
fn short(rng: &mut Rng) -> u64 {
    rng.u64(..1 << 20)
}

/// What happens between two runs, and the run.
fn round(rng: &mut Rng, swarm: &Swarm, steps: &mut Vec<Step>) {
    if rng.u8(..6) == 0 {
        steps.push(Step::Mend);
    }
    if rng.bool()
        && let Some(fault) = rng.choice(&swarm.faults)
    {
        let hours = [0, 0, 1, 7, 30][rng.usize(..5)];
        steps.push(Step::Fails(*fault, short(rng), hours));
    }
    for _ in 0..rng.usize(..MOST_CHANGES) {
        let Some(name) = swarm.change(rng) else { break };
        let how = match rng.u8(..8) {
            0..2 if swarm.is_silent => How::Silently,
            2..4 if swarm.is_late => How::LateBy(rng.i64(1..300)),
            _ => How::Plainly,
        };
        let step = match rng.u8(..8) {
            0 if swarm.meanwhile => Step::Meanwhile(rng.usize(..40), name, short(rng)),
            _ => Step::Change(name, how, short(rng)),
        };
        steps.push(step);
    }
    if swarm.kills && rng.u8(..6) == 0 {
        steps.push(Step::Cold);
    }
    steps.push(run(rng, swarm));
    steps.push(Step::Pass(
        [5, 300, 300, 3_600, 6 * 3_600, 25 * 3_600][rng.usize(..6)],
    ));
}

fn run(rng: &mut Rng, swarm: &Swarm) -> Step {
    if swarm.accepts && rng.u8(..3) == 0 {
        return Step::Accept(short(rng));
    }
    let is_cut = swarm.cuts && rng.bool();
    let kill = (swarm.kills && rng.u8(..3) == 0).then(|| match rng.u8(..3) {
        0 => Kill::BeforeManifest(rng.usize(..2)),
        1 => Kill::AfterManifest(rng.usize(..2)),
        _ => Kill::Request(rng.usize(..40)),
    });
    Step::Run(Run {
        full: rng.u8(..5) == 0,
        accept: Vec::new(),
        seconds: if is_cut { rng.i64(5..60) } else { 300 },
        kill,
        seed: short(rng),
    })
}
