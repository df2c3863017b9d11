//! What a run is struck by: it is killed at a point, or the store troubles it once.

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::support::memory::{Act, Fault};

/// Where a run can be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Crash {
    BeforeBatch,
    AfterBatch,
    BeforeManifest,
    /// It is there, but the answer is lost.
    AfterManifest,
    BeforeCursor,
    AfterCursor,
    /// The request never reaches the org.
    BeforeRequest,
    /// The org has answered, but the answer is not seen.
    AfterRequest,
    /// Reading the bucket, or writing the status.
    Between,
}

pub const CRASHES: [Crash; 9] = [
    Crash::BeforeBatch,
    Crash::AfterBatch,
    Crash::BeforeManifest,
    Crash::AfterManifest,
    Crash::BeforeCursor,
    Crash::AfterCursor,
    Crash::BeforeRequest,
    Crash::AfterRequest,
    Crash::Between,
];

impl Crash {
    /// Whether it is at a request to the org.
    pub fn is_request(self) -> bool {
        matches!(self, Self::BeforeRequest | Self::AfterRequest)
    }
}

/// Shared by the bucket, the gate before the org, and whoever runs the function.
#[derive(Clone, Default)]
pub struct Doom(Arc<(Mutex<Plan>, Notify)>);

#[derive(Default)]
struct Plan {
    /// The crash to come, and how many times its point is passed before.
    crash: Option<(Crash, u64)>,
    /// Once: the first act whose name and key fit is answered so.
    trouble: Option<(Act, &'static str, Fault)>,
    dead: bool,
}

impl Doom {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.0.lock().unwrap()
    }

    /// The next run is killed when it comes to the point for the `nth` time, from 0.
    pub fn kill(&self, crash: Crash, nth: u64) {
        self.plan().crash = Some((crash, nth));
    }

    pub fn trouble(&self, act: Act, key_has: &'static str, fault: Fault) {
        self.plan().trouble = Some((act, key_has, fault));
    }

    /// Ends what was planned; whether a run was killed.
    pub fn lift(&self) -> bool {
        std::mem::take(&mut *self.plan()).dead
    }

    pub fn is_dead(&self) -> bool {
        self.plan().dead
    }

    /// Comes back when the run has been killed.
    pub async fn struck(&self) {
        while !self.is_dead() {
            self.0.1.notified().await;
        }
    }

    /// Whether the run dies here.
    pub fn strikes(&self, here: Crash) -> bool {
        let mut plan = self.plan();
        let Some((crash, nth)) = plan.crash.filter(|(crash, _)| *crash == here) else {
            return false;
        };
        plan.crash = (nth > 0).then_some((crash, nth.saturating_sub(1)));
        plan.dead |= nth == 0;
        if plan.dead {
            self.0.1.notify_waiters();
            self.0.1.notify_one();
        }
        plan.dead
    }

    /// What becomes of an act in the bucket. The dead have no effect there.
    pub fn meets(&self, act: Act, key: &str) -> Option<Fault> {
        if self.is_dead() {
            return Some(Fault::Refused);
        }
        let (before, after) = match act {
            Act::Put if key.contains("/data/") => (Crash::BeforeBatch, Crash::AfterBatch),
            Act::Create => (Crash::BeforeManifest, Crash::AfterManifest),
            Act::Put if key.contains("/cursors/") => (Crash::BeforeCursor, Crash::AfterCursor),
            _ => (Crash::Between, Crash::Between),
        };
        if self.strikes(before) {
            return Some(Fault::Refused);
        }
        if before != after && self.strikes(after) {
            return Some(Fault::AnswerLost);
        }
        let mut plan = self.plan();
        let fits = plan
            .trouble
            .as_ref()
            .is_some_and(|(wanted, part, _)| *wanted == act && key.contains(part));
        if fits {
            plan.trouble.take().map(|(_, _, fault)| fault)
        } else {
            None
        }
    }
}
