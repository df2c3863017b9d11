//! A small org with its collector, to be told what happens.

use std::collections::BTreeSet;

use fake_org::{Clock, Failure, NewApp, NewUser, Options, Org, Targets};
use jiff::SignedDuration;

use super::super::case::Simulation;
use super::super::client::path_of;
use super::super::driver::{Report, Run, Settings};
use super::super::truth::differences;
use super::super::world::{Fault, How, Trouble, World};

const START: &str = "2026-11-23T18:00:00Z";

pub struct Scene {
    pub simulation: Simulation,
    /// Of the next run.
    pub seed: u64,
    /// Path and query of all requests since [`Scene::asked_anew`].
    pub asked: Vec<String>,
}

/// An org with the group Everyone and these people, each with a name of its own.
pub fn people(count: usize) -> (Org, Vec<String>) {
    let clock = Clock::Simulated(START.parse().unwrap());
    let mut org = Org::new(Options {
        clock,
        ..Options::default()
    });
    let people = org.silently(|org| {
        org.create_everyone();
        (0..count)
            .map(|n| org.create_user(NewUser::named(&format!("Ada{n}"), "Lovelace")))
            .collect()
    });
    (org, people)
}

/// A group of these people.
pub fn group(org: &mut Org, name: &str, people: &[String]) -> String {
    org.silently(|org| {
        let group = org.create_group(name);
        people
            .iter()
            .for_each(|person| assert!(org.add_member(&group, person)));
        group
    })
}

/// An app of these people.
pub fn app(org: &mut Org, label: &str, people: &[String]) -> String {
    org.silently(|org| {
        let app = org.create_app(NewApp::new("slack", label, "SAML_2_0"));
        people
            .iter()
            .for_each(|person| assert!(org.assign_user(&app, person)));
        app
    })
}

pub fn role(org: &mut Org, person: &str) -> String {
    let targets = Targets::default();
    org.assign_role(person, "REPORT_ADMIN", &targets)
        .expect("a role that is not held yet")
}

pub fn everyone(org: &Org) -> String {
    let is_it = |id: &String| {
        org.group(id)
            .is_some_and(|group| group["type"] == "BUILT_IN")
    };
    org.state().groups.into_iter().find(is_it).unwrap()
}

impl Scene {
    /// The org and a collector that has read all of it.
    pub fn of(org: Org) -> Self {
        Self::with(org, Settings::default())
    }

    pub fn with(org: Org, settings: Settings) -> Self {
        let mut scene = Self::begun(World::new(org), settings);
        scene.minutes(5);
        scene.settle();
        scene.minutes(5);
        scene.asked.clear();
        scene
    }

    /// A collector that has read what it could.
    pub fn begun(world: World, settings: Settings) -> Self {
        let mut scene = Self::new(world, settings);
        scene.settle();
        scene
    }

    /// A collector that has not run yet.
    pub fn new(world: World, settings: Settings) -> Self {
        Self {
            simulation: Simulation::new(world, settings),
            seed: 1,
            asked: Vec::new(),
        }
    }

    pub fn world(&mut self) -> &mut World {
        &mut self.simulation.world
    }

    pub fn report(&self) -> &Report {
        &self.simulation.last
    }

    /// Changes that events tell.
    pub fn told<T>(&mut self, change: impl FnOnce(&mut Org) -> T) -> T {
        self.world().act(How::Plainly, true, change)
    }

    /// Changes that nothing tells.
    pub fn untold<T>(&mut self, change: impl FnOnce(&mut Org) -> T) -> T {
        self.world().act(How::Silently, false, change)
    }

    pub fn minutes(&mut self, minutes: i64) {
        self.world().advance(SignedDuration::from_mins(minutes));
    }

    /// Hours with a run in each.
    pub fn live(&mut self, hours: i64) {
        for _ in 0..hours {
            self.minutes(60);
            self.settle();
        }
    }

    /// One run.
    pub fn run(&mut self, run: Run) {
        let seed = self.seed;
        self.seed += 1;
        let ran = self.simulation.run(&Run { seed, ..run });
        self.asked.extend(
            self.simulation
                .last
                .requests
                .iter()
                .map(|(target, _)| target.clone()),
        );
        if let Err(violation) = ran {
            panic!("{violation}");
        }
    }

    /// Runs until there is nothing left to do at once.
    pub fn settle(&mut self) {
        self.settle_after(Run::default());
    }

    pub fn full(&mut self) {
        self.settle_after(Run {
            full: true,
            ..Run::default()
        });
    }

    pub fn accept(&mut self, streams: &[&'static str]) {
        self.run(Run {
            accept: streams.to_vec(),
            ..Run::default()
        });
    }

    fn settle_after(&mut self, first: Run) {
        self.run(first);
        for _ in 0..super::super::case::MOST_RUNS {
            if !self.report().go_on {
                return;
            }
            self.run(Run::default());
        }
        panic!("runs say continue for ever");
    }

    /// Requests of a path fail from now on.
    pub fn fails(&mut self, path: &str, failure: Failure) {
        self.world().org.fail(path, u64::MAX, failure);
    }

    /// A weakened role, from now on.
    pub fn lies(&mut self, path: &str, fault: Fault) {
        self.simulation.has_lied = true;
        self.trouble(path, fault);
    }

    pub fn trouble(&mut self, path: &str, fault: Fault) {
        let trouble = Trouble {
            fault,
            path: path.to_owned(),
            id: None,
            until: None,
        };
        self.world().begin(trouble);
    }

    /// Everything answers again.
    pub fn mend(&mut self) {
        self.world().mend();
    }

    /// How many requests were sent for paths that fit.
    pub fn count_asked(&self, fits: impl Fn(&str) -> bool) -> usize {
        self.asked
            .iter()
            .filter(|target| fits(path_of(target)))
            .count()
    }

    pub fn held(&self) -> BTreeSet<&'static str> {
        self.report().held.keys().copied().collect()
    }

    pub fn assert_nothing_held(&self) {
        assert!(self.report().held.is_empty(), "{:#?}", self.report().held);
    }

    /// In what the reader differs from the org, but for what has one of these ids.
    pub fn assert_in_step_but(&self, but: &[&str]) {
        let world = &self.simulation.world;
        let settings = &self.simulation.bucket.settings;
        let differing = differences(&world.truth, &self.simulation.bucket.reader, &settings.off);
        let is_but = |id: &str| id.split(':').any(|part| but.contains(&part));
        let differing: Vec<_> = differing
            .iter()
            .filter(|difference| !is_but(&difference.key.1))
            .collect();
        let texts: Vec<_> = differing.iter().map(ToString::to_string).collect();
        assert!(
            texts.is_empty(),
            "{} differ: {}",
            texts.len(),
            texts.join("\n")
        );
    }

    pub fn assert_in_step(&self) {
        self.assert_in_step_but(&[]);
    }

    /// Whether the reader has a record.
    pub fn has(&self, stream: &str, id: &str) -> bool {
        self.simulation
            .bucket
            .reader
            .records(stream)
            .contains_key(id)
    }

    pub fn records(&self, stream: &str) -> usize {
        self.simulation.bucket.reader.records(stream).len()
    }
}
