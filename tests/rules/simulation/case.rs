//! A history as a list of steps, each with a seed of its own: whatever is left out, the others stay what they are.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fake_org::Event;
use fastrand::Rng;
use jiff::SignedDuration;

use super::driver::{Broken, Bucket, Report, Run, Settings, run};
use super::invariants::{self, Violation};
use super::truth::{Difference, Key, differences};
use super::world::{Fault, How, World};
use crate::model::found::found;

/// One step of a history.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A change by its name among `MUTATIONS`.
    Change(&'static str, How, u64),
    /// A change before the n-th request of the next run.
    Meanwhile(usize, &'static str, u64),
    /// So many seconds pass.
    Pass(i64),
    /// A fault, at a place drawn by a seed, for so many hours; 0 is for good.
    Fails(Fault, u64, i64),
    /// All faults end.
    Mend,
    Run(Run),
    /// A run in which somebody accepts whatever is held.
    Accept(u64),
    /// The next run is of a new instance.
    Cold,
}

/// A history and the org that it begins with.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    pub seed: u64,
    pub is_rich: bool,
    pub has_everyone: bool,
    /// With a group and an app of 130 people.
    pub has_crowd: bool,
    /// Most objects on a page.
    pub page: Option<u32>,
    pub steps: Vec<Step>,
}

/// An org, its collector, and what has happened so far.
pub struct Simulation {
    pub world: World,
    pub bucket: Bucket,
    pub last: Report,
    /// Keys of the reader's records after the last run.
    pub known: BTreeSet<Key>,
    /// In what the reader differs from the org, as of a commit and a change.
    pub differing: Vec<Difference>,
    compared: Option<(u64, u64)>,
    /// The org has lied, so that streams may be held.
    pub has_lied: bool,
    /// Somebody has accepted a lie.
    pub is_accepted: bool,
    /// Runs, requests and the state in the end: the same for the same case.
    pub trace: Vec<(usize, usize, u64)>,
}

/// Minutes between the runs of liveness: a few soon, then for longer than all intervals twice.
const SOON: [i64; 3] = [5, 5, 60];
const LATER_MINUTES: i64 = 8 * 60;
const LATER: usize = 14;
/// Runs one after the other until nothing is left to do.
pub const MOST_RUNS: usize = 30;

impl Simulation {
    pub fn new(world: World, settings: Settings) -> Self {
        Self {
            world,
            bucket: Bucket::new(settings),
            last: Report::default(),
            known: BTreeSet::new(),
            differing: Vec::new(),
            compared: None,
            has_lied: false,
            is_accepted: false,
            trace: Vec::new(),
        }
    }

    /// Brings `differing` up to date.
    pub fn compare(&mut self) {
        let of = Some((self.bucket.sequence, self.world.changes));
        if self.compared != of {
            let off = &self.bucket.settings.off;
            self.differing = differences(&self.world.truth, &self.bucket.reader, off);
            self.compared = of;
        }
    }

    /// A run, and what has to be true after it.
    ///
    /// # Errors
    /// The invariant that does not hold.
    pub fn run(&mut self, asked: &Run) -> Result<(), Violation> {
        let before = invariants::Before::of(self);
        self.world.begin_run();
        self.last = run(&mut self.world, &mut self.bucket, asked);
        let digest = self.bucket.cursor_bytes as u64;
        self.trace
            .push((self.last.requests.len(), self.last.commits, digest));
        invariants::after_run(self, &before, asked)
    }

    /// Runs until there is nothing left to do at once.
    ///
    /// # Errors
    /// The invariant that does not hold.
    pub fn settle(&mut self, seed: u64) -> Result<(), Violation> {
        for nth in 0..MOST_RUNS as u64 {
            self.run(&Run {
                seed: seed ^ nth,
                ..Run::default()
            })?;
            if !self.last.go_on {
                return Ok(());
            }
        }
        Err(Violation::new(
            "runs go on for ever",
            format!("{MOST_RUNS} runs say continue"),
        ))
    }

    fn step(&mut self, step: &Step) -> Result<(), Violation> {
        match step {
            Step::Change(name, how, seed) => _ = self.world.change(name, *how, *seed),
            Step::Meanwhile(at, name, seed) => {
                let (name, seed) = (*name, *seed);
                let act = move |world: &mut World| _ = world.change(name, How::Plainly, seed);
                self.world.meanwhile.push((*at, Box::new(act)));
            }
            Step::Pass(seconds) => self.world.advance(SignedDuration::from_secs(*seconds)),
            Step::Fails(fault, seed, hours) => {
                self.has_lied |= fault.is_lie();
                self.world.trouble(*fault, *seed, *hours);
            }
            Step::Mend => self.world.mend(),
            Step::Cold => self.bucket.start_cold(),
            Step::Run(asked) => {
                self.run(asked)?;
                if self.last.go_on {
                    self.settle(asked.seed)?;
                }
            }
            Step::Accept(seed) => {
                let accept: Vec<_> = self.last.held.keys().copied().collect();
                self.is_accepted |= !accept.is_empty();
                self.run(&Run {
                    accept,
                    seed: *seed,
                    ..Run::default()
                })?;
            }
        }
        Ok(())
    }

    /// Faults end, and nobody does anything: after some days all is in step.
    fn live_on(&mut self, seed: u64) -> Result<(), Violation> {
        self.world.mend();
        self.world.meanwhile.clear();
        self.world.release_late();
        self.world
            .org
            .append_event(Event::new("policy.evaluate_sign_on"));
        let later = std::iter::repeat_n(LATER_MINUTES, LATER);
        for (nth, minutes) in SOON.into_iter().chain(later).enumerate() {
            self.world.advance(SignedDuration::from_mins(minutes));
            self.settle(seed.wrapping_add(1_000 * nth as u64))?;
        }
        invariants::in_the_end(self)
    }

    fn play(&mut self, case: &Case) -> Result<(), Violation> {
        for (nth, step) in case.steps.iter().enumerate() {
            self.step(step)
                .map_err(|violation| violation.at(format!("step {nth}, {step:?}")))?;
        }
        self.live_on(case.seed)
            .map_err(|violation| violation.at("faults are over".to_owned()))
    }
}

impl Case {
    pub fn simulation(&self) -> Simulation {
        let mut rng = Rng::with_seed(self.seed);
        let mut org = found(&mut rng, self.is_rich, self.has_everyone);
        if self.has_crowd {
            crowd(&mut org);
        }
        let mut world = World::new(org);
        world.page = self.page;
        Simulation::new(world, Settings::default())
    }

    /// Plays the history to its end; what it did, step by step.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn play(&self, broken: Option<Broken>) -> Result<Vec<(usize, usize, u64)>, Violation> {
        let played = catch_unwind(AssertUnwindSafe(|| {
            let mut simulation = self.simulation();
            simulation.bucket.broken = broken;
            simulation.play(self).map(|()| simulation.trace)
        }));
        played.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| Some((*panic.downcast_ref::<&str>()?).to_owned()));
            Err(Violation::new("nothing panics", text.unwrap_or_default()))
        })
    }

    /// As a rule of its own, to be pasted.
    pub fn as_rule(&self, name: &str) -> String {
        let Self {
            seed,
            is_rich,
            has_everyone,
            has_crowd,
            page,
            steps,
        } = self;
        let steps: Vec<_> = steps
            .iter()
            .map(|step| format!("            {step:?},\n"))
            .collect();
        format!(
            "#[test]\nfn {name}() {{\n    holds(&Case {{\n        seed: {seed},\n        is_rich: {is_rich},\n        \
             has_everyone: {has_everyone},\n        has_crowd: {has_crowd},\n        page: {page:?},\n        \
             steps: vec![\n{}        ],\n    }});\n}}\n",
            steps.concat()
        )
    }
}

/// Adds a crowd that shares a group and an app: more than may be missing without a doubt.
fn crowd(org: &mut fake_org::Org) {
    use fake_org::{NewApp, NewUser};
    org.silently(|org| {
        let group = org.create_group("Crowd");
        let app = org.create_app(NewApp::new("bookmark", "Crowd", "BOOKMARK"));
        for n in 0..130 {
            let person = org.create_user(NewUser::named(&format!("Grace{n}"), "Hopper"));
            org.add_member(&group, &person);
            org.assign_user(&app, &person);
        }
    });
}
