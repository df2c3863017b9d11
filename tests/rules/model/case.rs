//! One case: an org, what happens to it and to the function, and what has to be true in the end.

use std::collections::BTreeSet;

use fake_org::{Event, Org};
use jiff::SignedDuration;
use okta_authomize::invocation::{Outcome, Report};
use serde_json::{Value, json};

use super::Rng;
use super::compare::{assert_equal, assert_newest};
use super::doom::Crash;
use super::found::supply;
use super::mutations::{MUTATIONS, Told};
use super::order::assert_ordered;
use super::world::{Ended, Meanwhile, Traffic, World};

/// How a change is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Plainly,
    Silently,
    /// Its events are stored when all late ones are released.
    Late,
    /// Its events are stored after so many minutes.
    LateBy(i64),
    /// Its events lose their targets.
    WithoutTargets,
}

pub struct Case<'w> {
    pub world: &'w mut World,
    pub rng: Rng,
    pub number: u64,
    /// What happened, to be told where it ends badly.
    steps: Vec<String>,
    /// Changes since the last run that came to its end.
    pending: BTreeSet<usize>,
    /// Changes with the crashes that a run died of before it had come to its end after them.
    pub seen: BTreeSet<(usize, Crash)>,
    /// Something has changed that no event tells of.
    untold: bool,
    /// Something has changed that only the time of a group tells of.
    swept: bool,
}

impl Drop for Case<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("Jobs: {:#}", self.cursor()["jobs"]);
            eprintln!(
                "Case {}, and these steps:\n  {}",
                self.number,
                self.steps.join("\n  ")
            );
        }
    }
}

/// Runs that may be needed until there is nothing left to do.
pub const MOST_RUNS: usize = 30;

impl<'w> Case<'w> {
    pub fn new(world: &'w mut World, number: u64, mut rng: Rng, org: Org) -> Self {
        let step = SignedDuration::from_millis([1, 40, 300][rng.usize(..3)]);
        let page = (rng.u8(..4) == 0).then(|| rng.u32(1..=4));
        let jitter = (rng.u8(..4) == 0).then(|| rng.fork());
        let quiet = &org.options.quiet_effects;
        let steps = vec![format!(
            "{quiet:?}, step {step}, pages of {page:?}, {jitter:?}, {:#?}",
            org.state()
        )];
        world.begin(
            org,
            Traffic {
                step,
                page,
                jitter,
                ..Traffic::default()
            },
        );
        let (pending, seen) = (BTreeSet::new(), BTreeSet::new());
        Self {
            world,
            rng,
            number,
            steps,
            pending,
            seen,
            untold: false,
            swept: false,
        }
    }

    /// Where collecting stands, as the bucket has it.
    pub fn cursor(&self) -> Value {
        let copy = self
            .world
            .rig
            .store
            .objects
            .lock()
            .unwrap()
            .get("okta/cursors/okta.json")
            .cloned();
        let copy: Value = serde_json::from_slice(&copy.unwrap_or_default()).unwrap_or_default();
        copy["cursor"].clone()
    }

    pub fn say(&mut self, step: impl Into<String>) {
        let now = self.world.rig.org().now();
        self.steps.push(format!("{now:.3} {}", step.into()));
    }

    pub fn advance(&mut self, by: SignedDuration) {
        self.say(format!("advance {by}"));
        self.world.rig.org().advance(by);
    }

    /// Makes a change; false where there was nothing to change.
    pub fn mutate(&mut self, mutation: usize, how: How) -> bool {
        let (name, _, act) = MUTATIONS[mutation];
        let mut rng = Rng::with_seed(self.rng.u64(..));
        let changed = {
            let mut org = self.world.rig.org();
            let until = org.now();
            match how {
                How::Plainly => act(&mut org, &mut rng),
                How::Silently => org.silently(|org| act(org, &mut rng)),
                How::Late => org.late(|org| act(org, &mut rng)),
                How::LateBy(minutes) => org
                    .late_until(until + SignedDuration::from_mins(minutes), |org| {
                        act(org, &mut rng)
                    }),
                How::WithoutTargets => {
                    org.lose_targets(u64::MAX);
                    let changed = act(&mut org, &mut rng);
                    org.lose_targets(0);
                    changed
                }
            }
        };
        if changed {
            self.say(format!("{name} {how:?}"));
            self.note(mutation, how == How::Silently);
        }
        changed
    }

    /// As [`Case::mutate`], after adding what there is to change.
    pub fn surely_mutate(&mut self, mutation: usize) {
        // What is drawn may not be the one that can be changed.
        if (0..5).any(|_| self.mutate(mutation, How::Plainly)) {
            return;
        }
        self.say("supply");
        supply(&mut self.world.rig.org(), &mut self.rng);
        // It tied users to IdPs, of which no event tells.
        self.untold = true;
        let changed = (0..5).any(|_| self.mutate(mutation, How::Plainly));
        assert!(changed, "{} finds nothing to change", MUTATIONS[mutation].0);
    }

    fn note(&mut self, mutation: usize, silently: bool) {
        let (_, told, _) = MUTATIONS[mutation];
        self.pending.insert(mutation);
        self.untold |= silently || told == Told::Never;
        self.swept |= told == Told::BySweep;
    }

    /// A run, with whatever was planned for it; none where it was killed or failed.
    pub async fn run(&mut self, event: Value) -> Option<Report> {
        self.say(format!("run {event}"));
        self.world.traffic.lock().unwrap().asked = 0;
        let ended = self.world.run(event).await;
        self.after_run();
        match ended {
            Ended::Killed => {
                self.say("killed");
                None
            }
            Ended::Told(Err(failure)) => {
                self.say(format!("failed: {failure:?}"));
                None
            }
            Ended::Told(Ok(report)) => {
                self.say(format!(
                    "{:?}, continue {}, sequence {}",
                    report.outcome, report.go_on, report.sequence
                ));
                if !report.go_on && report.outcome == Outcome::Succeeded {
                    self.pending.clear();
                }
                Some(report)
            }
        }
    }

    /// Two instances at once; one of them may find that the other was first.
    pub async fn run_twice(&mut self, event: Value) {
        self.say(format!("two runs at once {event}"));
        let other = self.world.handler();
        let ended = tokio::join!(
            self.world.run_of(&self.world.rig.handler, event.clone()),
            self.world.run_of(&other, event.clone())
        );
        self.after_run();
        for ended in [ended.0, ended.1] {
            let Ended::Told(Ok(report)) = ended else {
                panic!("one of two runs failed")
            };
            self.say(format!("{:?}", report.outcome));
        }
    }

    /// Takes what was planned for the run away, and notes what changed while it was under way.
    fn after_run(&mut self) {
        let changed = {
            let mut traffic = self.world.traffic.lock().unwrap();
            traffic.cut = None;
            traffic.slow.clear();
            traffic.meanwhile.clear();
            std::mem::take(&mut traffic.changed)
        };
        for mutation in changed {
            self.say(format!("meanwhile {}", MUTATIONS[mutation].0));
            self.note(mutation, false);
        }
    }

    /// Plans changes for while the next run is under way.
    pub fn plan_meanwhile(&mut self, mutation: usize, at: u64) {
        let (act, seed) = (MUTATIONS[mutation].2, self.rng.u64(..));
        self.world
            .traffic
            .lock()
            .unwrap()
            .meanwhile
            .push(Meanwhile {
                at,
                mutation,
                act,
                seed,
            });
    }

    /// A run that is killed where it comes to a point for the `nth` time; whether it came there.
    pub async fn kill(&mut self, crash: Crash, nth: u64, event: Value) -> bool {
        self.say(format!("kill at {crash:?} {nth}"));
        self.world.doom.kill(crash, nth);
        let pending = self.pending.clone();
        let runs = self.steps.len();
        let report = self.run(event).await;
        let killed = report.is_none()
            && self.steps[runs..]
                .iter()
                .any(|step| step.ends_with("killed"));
        if killed {
            self.seen
                .extend(pending.into_iter().map(|mutation| (mutation, crash)));
        }
        killed
    }

    /// Undisturbed runs until there is nothing left to do.
    pub async fn settle(&mut self, first: Value) {
        {
            let mut org = self.world.rig.org();
            org.heal();
            org.release_late();
            // Grants of tokens alone are no news; with this one they are.
            org.append_event(Event::new("user.session.start"));
        }
        let (mut event, mut last) = (first, None);
        for _ in 0..MOST_RUNS {
            let report = self.run(event).await.expect("an undisturbed run ends well");
            if report.outcome == Outcome::Succeeded && !report.go_on {
                return;
            }
            let (held, doubted) = self.held(&report);
            event = json!({"mode": "incremental"});
            if doubted {
                // A reading that took away what no event explains is left to the next snapshot.
                event = json!({"mode": "full"});
            } else if !held.is_empty() {
                event = json!({"accept_shrink": held});
            } else if report.outcome == Outcome::Degraded || !report.go_on {
                // What failed, or is looked at once more, sinks for minutes at first.
                self.advance(SignedDuration::from_mins(20));
            }
            if let Some(seconds) = report.retry_after_seconds {
                self.advance(SignedDuration::from_secs(seconds));
            }
            last = Some(report);
        }
        panic!("{MOST_RUNS} runs were not enough: {last:#?}");
    }

    /// Streams that are held because the org has none of their records left, which somebody has to accept; and whether
    /// others are, which the next snapshot decides on.
    fn held(&self, report: &Report) -> (Vec<String>, bool) {
        let state = self.world.rig.org().state();
        let is_empty = |stream: &str| match stream {
            "users" => state.users.is_empty(),
            "factors" => state.factors.is_empty(),
            "groups" => state.groups.is_empty(),
            "group_memberships" => state.memberships.is_empty(),
            "applications" => state.apps.is_empty(),
            "application_users" => state.app_users.is_empty(),
            "application_groups" => state.app_groups.is_empty(),
            "role_assignments" => state.role_assignments.is_empty(),
            "resource_sets" => state.resource_sets.is_empty(),
            "idps" => state.idps.is_empty(),
            "idp_users" => state.idp_users.is_empty(),
            _ => false,
        };
        let held = report
            .streams
            .iter()
            .filter(|(_, stream)| stream.outcome == Outcome::Held);
        let (held, doubted): (Vec<_>, Vec<_>) = held
            .map(|(name, _)| name.clone())
            .partition(|name| is_empty(name));
        (held, !doubted.is_empty())
    }

    /// What has to be true in the end.
    pub async fn conclude(&mut self, at_once: bool) {
        if self.swept {
            self.advance(SignedDuration::from_mins(61));
        }
        self.settle(json!({"mode": "incremental"})).await;
        if at_once && !self.untold {
            assert_equal(&self.world.rig, false);
        }
        if self.untold || !at_once {
            // What was open joined the full snapshot and may be older than the last change: it is closed by now.
            self.settle(json!({"mode": "full"})).await;
            assert_equal(&self.world.rig, true);
        }
        assert_newest(&self.world.rig);
        assert_ordered(&self.world.rig);
        if let Some(folder) = &self.world.kept_in {
            self.world
                .rig
                .copy_to(&folder.join(self.number.to_string()));
        }
    }
}
