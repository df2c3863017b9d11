//! A demo org that looks like a real company and lives on: people come and go, sign in and use their apps.
//!
//! The org's objects and log at a time are a pure function of seed, start, bursts and that time. A day is planned
//! from the seed alone ([`days`]); each act draws its choices and ids from a generator of its own ([`acts`]), so that
//! nothing that is asked of the org, or changed in it from outside, moves what has happened before.

mod acts;
mod attack;
mod company;
mod days;
mod founding;
mod people;
mod sins;
mod visits;

use std::collections::VecDeque;

use jiff::Timestamp;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::clients::Client;
use crate::clock::{Clock, at_ms};
use crate::ids::Ids;
use crate::org::{Options, Org};
use acts::Act;

/// Client id of the demo's API service integration, an app of the org.
pub const DEMO_CLIENT_ID: &str = "0oaAuthomizeDemo0697";
/// Its secret.
pub const DEMO_CLIENT_SECRET: &str = "demo-secret-of-a-fake-org";
/// An API token (SSWS).
pub const DEMO_API_TOKEN: &str = "00demoTokenOfAFakeOrg";

/// The ingredients of a demo org.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoOptions {
    /// Of everything that is drawn.
    pub seed: u64,
    /// People at the start.
    pub people: u32,
    /// When the System Log begins; what is older is there, but not logged.
    pub start: Timestamp,
    /// The time at first; the org's clock is simulated.
    pub now: Timestamp,
    /// Times at which a handful of changes happens at once.
    pub bursts: Vec<Timestamp>,
}

/// Something that will happen.
#[derive(Clone, Debug)]
struct Tick {
    at_ms: i64,
    seed: u64,
    act: Act,
}

/// The life of a demo org: what is still to come.
#[derive(Debug)]
pub(crate) struct Life {
    seed: u64,
    start_ms: i64,
    next_day: i64,
    plan: VecDeque<Tick>,
    bursts: VecDeque<i64>,
    /// When the attack is over, in a company that is large enough to be attacked.
    attack_ms: Option<i64>,
    /// An act is under way: its events are persisted at its own time.
    pub(crate) acting: bool,
}

impl Life {
    /// The next tick at or before a time.
    fn next(&mut self, until_ms: i64) -> Option<Tick> {
        while self.plan.back().is_none_or(|last| last.at_ms <= until_ms)
            && days::begin_ms(self.next_day) <= until_ms
        {
            let start_ms = self.start_ms;
            let attack = self
                .attack_ms
                .filter(|at_ms| days::day_of(*at_ms) == self.next_day);
            let planned = days::plan(self.seed, self.next_day, attack);
            self.plan
                .extend(planned.into_iter().filter(|tick| tick.at_ms >= start_ms));
            self.next_day += 1;
        }
        let planned = self.plan.front().map(|tick| tick.at_ms);
        match (planned, self.bursts.front().copied()) {
            (planned, Some(burst))
                if burst <= until_ms && planned.is_none_or(|planned| burst <= planned) =>
            {
                self.bursts.pop_front();
                Some(Tick {
                    at_ms: burst,
                    seed: days::mix(self.seed, burst, 0),
                    act: Act::Burst,
                })
            }
            (Some(planned), _) if planned <= until_ms => self.plan.pop_front(),
            _ => None,
        }
    }
}

impl Org {
    /// A demo company of `people` at `start`, grown until `now`; see [`DemoOptions`]. Its clients are
    /// [`DEMO_CLIENT_ID`] and [`DEMO_API_TOKEN`].
    #[must_use]
    pub fn demo(demo: &DemoOptions) -> Self {
        let start_ms = even(demo.start.as_millisecond());
        let mut org = Self::new(Options {
            seed: demo.seed,
            clock: Clock::Simulated(demo.start),
            ..Options::default()
        });
        org.add_client(Client::with_secret(DEMO_CLIENT_ID, DEMO_CLIENT_SECRET));
        org.add_api_token(DEMO_API_TOKEN);
        org.silently(|org| founding::found(org, demo.people));
        let mut bursts: Vec<i64> = demo
            .bursts
            .iter()
            .map(|burst| even(burst.as_millisecond()))
            .collect();
        bursts.retain(|burst| *burst >= start_ms);
        bursts.sort_unstable();
        org.life = Some(Life {
            seed: demo.seed,
            start_ms,
            next_day: days::day_of(start_ms),
            plan: VecDeque::new(),
            bursts: bursts.into(),
            attack_ms: (demo.people >= sins::LEAST_PEOPLE).then(|| days::attack_ms(start_ms)),
            acting: false,
        });
        org.set_now(demo.now);
        org
    }

    /// Lets a handful of changes with their events happen now: a hire, a leaver, groups, apps, an admin, sign-ins.
    pub fn burst(&mut self) {
        let now_ms = self.now().as_millisecond();
        let mut rng = StdRng::seed_from_u64(days::mix(self.options.seed, now_ms, 1));
        let actor = self.actor.clone();
        acts::perform(self, Act::Burst, &mut rng);
        self.actor = actor;
    }

    /// Lets everything happen that is due by now.
    pub(crate) fn live(&mut self) {
        let Some(mut life) = self.life.take() else {
            return;
        };
        if life.acting {
            self.life = Some(life);
            return;
        }
        let (clock, until_ms) = (self.options.clock, self.now().as_millisecond());
        while let Some(tick) = life.next(until_ms) {
            life.acting = true;
            self.life = Some(life);
            self.act(tick);
            // Nothing within an act takes the life away.
            life = self
                .life
                .take()
                .expect("an act leaves the life where it is");
        }
        life.acting = false;
        self.life = Some(life);
        self.options.clock = clock;
    }

    fn act(&mut self, tick: Tick) {
        self.options.clock = Clock::Simulated(at_ms(tick.at_ms));
        let ids = std::mem::replace(&mut self.ids, Ids::seeded(tick.seed));
        let silent = std::mem::replace(&mut self.silent, false);
        let actor = self.actor.clone();
        acts::perform(
            self,
            tick.act,
            &mut StdRng::seed_from_u64(tick.seed.rotate_left(17)),
        );
        (self.ids, self.silent, self.actor) = (ids, silent, actor);
    }
}

/// Logs so many events of people signing in, spread over the time from the org's now to `until`.
pub(crate) fn log_visits(org: &mut Org, events: usize, until: Timestamp) {
    let (from_ms, until_ms) = (org.now().as_millisecond(), until.as_millisecond());
    let total = i64::try_from(events).unwrap_or(i64::MAX).max(1);
    let mut rng = StdRng::seed_from_u64(org.options.seed);
    while org.log.len() < events {
        let done = i64::try_from(org.log.len()).unwrap_or(0);
        org.options.clock = Clock::Simulated(at_ms(from_ms + (until_ms - from_ms) * done / total));
        visits::visit(org, &mut rng, events - org.log.len());
    }
}

/// Acts happen in even milliseconds and everything else in odd ones, so that what clients cause (token grants) never
/// moves the cursor of a demo event.
fn even(ms: i64) -> i64 {
    ms & !1
}
