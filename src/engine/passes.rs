//! Snapshots begin, end, and are given up; objects end.

use jiff::Timestamp;
use serde_json::Value;

use super::Engine;
use super::ask::Parked;
use super::assembly::made;
use super::harvest::Harvest;
use super::replica::{Concluded, Readiness};
use super::scope::Scope;
use crate::streams::change::Identity;
use crate::streams::{LISTINGS, Listing, Stream, by_name};

/// The problem of an org that shows nothing, and the remedy.
const BLIND: &str = "Okta shows nothing, not even a user: an admin role is missing. Assign the app, or the API token's \
     owner, an admin role that may read users, groups and applications, such as Read-only Administrator";

impl Engine {
    /// Streams that are switched off, or whose scope is gone, hold nothing open; what was due of them is given back.
    pub(super) fn leave_what_is_not_planned(&mut self, now: Timestamp) {
        let planned = self.replicas.planned().to_vec();
        for (name, replica) in self.replicas.iter_mut() {
            if planned.iter().any(|stream| stream.name == name) {
                continue;
            }
            let had_dues = replica.dues.len() > 0;
            if replica.is_open() {
                replica.abandon(now);
            }
            replica.dues.retain(|_, _| false);
            if had_dues && replica.complete().is_some() {
                replica.ask(now);
            }
            self.lists.leave(name);
        }
    }

    /// Makes every snapshot due that is not open: events of some time are lost.
    pub(super) fn ask_for_all(&mut self, now: Timestamp) {
        for (_, replica) in self.replicas.iter_mut() {
            if !replica.is_open() {
                replica.ask(now);
            }
        }
    }

    /// A snapshot that is asked for joins an unfinished one and never restarts it.
    pub(super) fn note_what_is_asked(&mut self, now: Timestamp) {
        for stream in self.replicas.planned().to_vec() {
            let is_in = |names: &[String]| names.iter().any(|name| name == stream.name);
            let (asked, accepted) = (
                is_in(&self.run.plan.asked),
                is_in(&self.run.plan.accept_shrink),
            );
            let Some(replica) = self.replicas.get_mut(stream.name) else {
                continue;
            };
            if accepted {
                replica.accept(now);
            }
            if asked {
                replica.wish(now);
            }
        }
    }

    /// Schedules what is due by time.
    pub(super) fn schedule(&mut self, now: Timestamp) {
        for (stream, until) in std::mem::take(&mut self.run.plan.swept_at) {
            let swept = self
                .replicas
                .get_mut(&stream)
                .and_then(|replica| replica.swept.as_mut());
            if let Some(swept) = swept {
                swept.raise(until);
            }
        }
        for stream in self.replicas.planned().to_vec() {
            let is_narrowed = self.run.is_narrowed_to_others(stream.name);
            let is_failing = self.lists.trouble(stream.name).is_some();
            let Some(replica) = self.replicas.get_mut(stream.name) else {
                continue;
            };
            if let Some(swept) = &mut replica.swept {
                swept.schedule(now);
            }
            replica.refresh(now);
            if is_narrowed && !replica.is_open() || is_failing {
                replica.uncover(now);
            }
            replica.wake_a_little(now);
        }
    }

    /// Begins the snapshots that are due, ends those that are read, and the objects that are gone.
    pub(super) fn begin_and_end(&mut self, now: Timestamp) -> Vec<Harvest> {
        self.run.is_blocked = false;
        let mut harvests = self.end_objects(now);
        self.settle_evidence(now);
        harvests.extend(self.finish(now));
        // The events read so far have happened before anything that a snapshot reads that begins now.
        if self.log_lets_go_on(now) {
            self.begin(now);
        }
        harvests
    }

    /// Writes that objects are gone, as far as no answer is awaited, and no line uncommitted, that may hold them.
    fn end_objects(&mut self, now: Timestamp) -> Vec<Harvest> {
        if !self.graves.has_open() || !self.has_ledgers {
            return Vec::new();
        }
        let mut harvests = Vec::new();
        let mut left = Vec::new();
        for (name, scope, cause) in self.graves.take_open() {
            let (Some(stream), Scope::Object(kind, id) | Scope::Parent(kind, id)) =
                (by_name(&name), &scope)
            else {
                continue;
            };
            if matches!(stream.identity, Identity::Object(_)) {
                let harvest = self.tombstone(stream, &scope, now);
                harvests.extend(harvest.map(|harvest| harvest.because_of(cause)));
            } else if self.epoch.order.may_forget(stream, *kind, id) {
                let since = self.epoch.number();
                self.forget(stream, &scope, since);
                if let Some(replica) = self.replicas.get_mut(stream.name) {
                    replica.ledger.bury(id);
                }
            } else {
                self.run.is_blocked = true;
                left.push((name, scope, cause));
            }
        }
        self.graves.give_back(left);
        harvests
    }

    /// Begins every snapshot that is due and may begin: no listing that it shares is being read, and nothing of it is
    /// uncommitted or under way.
    fn begin(&mut self, now: Timestamp) {
        for listing in LISTINGS {
            let due = self.due(listing, now);
            let may_begin = |stream: &&'static Stream| {
                self.is_open(stream)
                    || self.epoch.order.may_begin(stream.name)
                        && !self.evidence.concerns(stream.name)
            };
            if due.is_empty() || !due.iter().all(may_begin) {
                continue;
            }
            for stream in &due {
                if self.is_open(stream) {
                    continue;
                }
                let listings = stream.listings_without(&self.run.plan.off);
                let listings = listings
                    .iter()
                    .map(|listing| listing.name.to_owned())
                    .collect();
                let since = self.epoch.number();
                if let Some(replica) = self.replicas.get_mut(stream.name) {
                    replica.begin(since, listings, now);
                }
                self.assemblies.leave_all(stream.name);
                self.run.begins(stream.name);
            }
            let serves = due.iter().map(|stream| stream.name.to_owned());
            self.lists.begin(listing.name, serves);
            self.run.leave(&super::flights::Target::List(listing.name));
        }
    }

    fn is_open(&self, stream: &Stream) -> bool {
        self.replicas
            .get(stream.name)
            .is_some_and(super::replica::Replica::is_open)
    }

    /// Streams whose snapshot would read the listing now: those that are due, and those that have begun with another.
    fn due(&self, listing: &'static Listing, now: Timestamp) -> Vec<&'static Stream> {
        if self.lists.is_open(listing.name) {
            return Vec::new();
        }
        let is_due = |stream: &&'static Stream| {
            let Some(replica) = self.replicas.get(stream.name) else {
                return false;
            };
            let due = if replica.is_open() {
                replica.is_left(listing)
            } else {
                !self.run.is_narrowed_to_others(stream.name)
                    && replica.is_due(now, self.run.plan.interval(stream))
            };
            due && replica.parked().is_none()
                && stream
                    .listings_without(&self.run.plan.off)
                    .contains(&listing)
        };
        self.replicas
            .planned()
            .iter()
            .copied()
            .filter(is_due)
            .collect()
    }

    /// Whether a snapshot is due that has not begun, or can be read on.
    pub(super) fn have_due_snapshots(&self, now: Timestamp) -> bool {
        LISTINGS
            .iter()
            .any(|listing| !self.due(listing, now).is_empty())
    }

    /// Ends every snapshot that was read to its end, but for parts that do not answer; returns the objects that needed
    /// no request.
    pub(super) fn finish(&mut self, now: Timestamp) -> Vec<Harvest> {
        let streams = self.replicas.planned().to_vec();
        streams
            .into_iter()
            .filter_map(|stream| self.finish_one(stream, now))
            .collect()
    }

    fn finish_one(&mut self, stream: &'static Stream, now: Timestamp) -> Option<Harvest> {
        if self.evidence.concerns(stream.name) || !self.is_read(stream, now) {
            return None;
        }
        let fixed = self.fixed_objects(stream);
        if fixed.is_empty() && !self.may_be_empty(stream, now) {
            return None;
        }
        let count = fixed.len() as u64;
        let fixed = if self.run.brings_fixed(stream.name) {
            made(&fixed)
        } else {
            Vec::new()
        };
        let (harvest, _) = self.lines(stream, &Scope::Whole, None, now, fixed);
        let replica = self.replicas.get_mut(stream.name)?;
        replica.count(if harvest.is_some() { count } else { 0 }, 0);
        if replica.is_doubtful() && self.waits_for_log(stream.name) {
            return harvest;
        }
        let replica = self.replicas.get_mut(stream.name)?;
        // What it contradicts is to be read in the cheapest way.
        self.run.is_settled = false;
        if let Some(Concluded::Complete {
            since,
            except,
            kept_sequences,
        }) = replica.conclude(now)
        {
            self.epoch.complete(stream, since, except, kept_sequences);
        }
        harvest
    }

    /// Whether the open snapshot of a stream is read; one that cannot be is given up.
    fn is_read(&mut self, stream: &'static Stream, now: Timestamp) -> bool {
        let interval = self.run.plan.interval(stream);
        let Some(replica) = self.replicas.get_mut(stream.name) else {
            return false;
        };
        match replica.readiness() {
            Readiness::Open => false,
            Readiness::Stuck => {
                if replica.get_stuck(interval, now) {
                    // The next one lists what is new.
                    self.abandon(stream.name, now);
                }
                false
            }
            Readiness::Lacking => {
                let error = replica.lacking_error().unwrap_or_default();
                self.lack(stream.name, error, now);
                false
            }
            Readiness::Read => true,
        }
    }

    /// Whether a first snapshot that is empty may be so: an org that shows no user shows nothing.
    fn may_be_empty(&mut self, stream: &'static Stream, now: Timestamp) -> bool {
        let Some(replica) = self.replicas.get(stream.name) else {
            return false;
        };
        let is_empty = replica.pass_lines().is_some_and(|(lines, _)| lines == 0);
        if !is_empty || replica.complete().is_some() {
            return true;
        }
        let sees_nobody = self.sees_nobody();
        if sees_nobody == Some(true) {
            self.abandon(stream.name, now);
            if let Some(replica) = self.replicas.get_mut(stream.name) {
                replica.park(Parked::Unavailable(BLIND.to_owned()));
            }
        }
        sees_nobody == Some(false)
    }

    /// Whether the log is to be read once more before a snapshot is held: what went away while it was read may have an event
    /// since.
    fn waits_for_log(&mut self, stream: &'static str) -> bool {
        if self.run.asks_log_again(stream) {
            self.log.begin_again();
        }
        self.log.has_more()
    }

    /// Whether Okta shows no user, though every org has one; `None` while the users are still to be read.
    fn sees_nobody(&self) -> Option<bool> {
        let Some(users) = self
            .replicas
            .users()
            .and_then(|users| self.replicas.get(users.name))
        else {
            return Some(false);
        };
        if let Some(why) = users.parked() {
            return Some(matches!(why, Parked::Unavailable(error) if error == BLIND));
        }
        match (users.pass_lines(), users.complete()) {
            (Some((0, false)), None) => None,
            (Some((lines, _)), None) => Some(lines == 0),
            _ => Some(false),
        }
    }

    /// Gives up a stream's snapshot; it stays due if there was one before.
    pub(super) fn abandon(&mut self, stream: &str, now: Timestamp) {
        self.lists.leave(stream);
        if let Some(replica) = self.replicas.get_mut(stream) {
            replica.abandon(now);
        }
    }

    /// The org does not have a stream's feature.
    pub(super) fn lack(&mut self, stream: &str, error: String, now: Timestamp) {
        self.lists.leave(stream);
        if let Some(replica) = self.replicas.get_mut(stream) {
            replica.lack(error, now);
        }
    }

    /// The objects of a stream that need no request.
    fn fixed_objects(&self, stream: &Stream) -> Vec<Value> {
        let Some(fixed) = &stream.fixed else {
            return Vec::new();
        };
        let mentioned = self
            .mentioned
            .get(stream.name)
            .into_iter()
            .flatten()
            .map(String::as_str);
        fixed
            .known
            .iter()
            .copied()
            .chain(mentioned)
            .map(fixed.object)
            .collect()
    }
}
