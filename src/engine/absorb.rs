//! The effects of an answer, and those of a listing's page: records, and the parts of the snapshots that it serves.

use jiff::Timestamp;

use super::Engine;
use super::ask::{Answer, Parked};
use super::due::Due;
use super::flights::{Flight, Target};
use super::harvest::Harvest;
use super::lists::Failed;
use super::scope::Scope;
use crate::body::{Body, Item};
use crate::streams::change::Of;
use crate::streams::{Context, Listing, Stream, by_name, id_of, listing, own_stream};

pub(super) const NO_POSITION: &str = "Okta keeps rejecting page cursors that it has just issued; the next run starts this listing over";
const CIRCLE: &str = "the next link leads to a page that was read before in this listing";
const HANGS: &str =
    "Okta has answered many later requests and not this one; a later run asks again";

impl Engine {
    /// Takes an answer; returns what can be absorbed now that it is there (nothing, while an earlier request is
    /// unanswered that may hold the same records). An unknown ticket is ignored.
    pub fn absorb(&mut self, ticket: u64, answer: Answer, now: Timestamp) -> Vec<Harvest> {
        self.flights.answer(ticket, answer);
        let mut harvests = Vec::new();
        loop {
            while let Some((flight, answer)) = self.flights.release() {
                self.epoch.order.answered(flight.ticket);
                harvests.extend(self.absorb_one(&flight, answer, now));
            }
            let Some(hanging) = self.flights.give_up() else {
                break;
            };
            self.epoch.order.answered(hanging.ticket);
            let failed = Answer::Failed {
                error: HANGS.to_owned(),
            };
            harvests.extend(self.absorb_one(&hanging, failed, now));
        }
        self.settle_evidence(now);
        harvests.extend(self.finish(now));
        harvests
    }

    fn absorb_one(&mut self, flight: &Flight, answer: Answer, now: Timestamp) -> Vec<Harvest> {
        match &flight.target {
            Target::Log => self.absorb_log(flight, answer, now),
            Target::List(name) => match listing(name) {
                Some(listing) => self.absorb_list(listing, flight, answer, now),
                None => Vec::new(),
            },
            Target::Changes(name) => match by_name(name) {
                Some(stream) => self.absorb_changes(stream, flight, answer, now),
                None => Vec::new(),
            },
            Target::Scope(name, scope) => match by_name(name) {
                Some(stream) => self.absorb_scope(stream, scope, flight, answer, now),
                None => Vec::new(),
            },
            Target::Look(name, _) => {
                if let Answer::Limited { retry_after_s } = answer {
                    self.park_limited(&[(*name).to_owned()], retry_after_s);
                }
                if let Some((doubt, verdict)) = self.evidence.take(flight.ticket, &answer) {
                    self.decide(doubt, verdict, now);
                }
                Vec::new()
            }
        }
    }

    /// Notes a limit: the streams wait, and the run says for how long.
    pub(super) fn park_limited(&mut self, streams: &[String], retry_after_s: i64) {
        for stream in streams {
            if let Some(replica) = self.replicas.get_mut(stream) {
                replica.park(Parked::Limited);
            }
        }
        self.run.limited(retry_after_s);
    }

    /// Counts a listing's request for the snapshots that it serves.
    fn count_request(&mut self, served: &[String]) {
        for stream in served {
            if let Some(replica) = self.replicas.get_mut(stream) {
                replica.count(0, 1);
            }
        }
    }

    fn absorb_list(
        &mut self,
        listing: &'static Listing,
        flight: &Flight,
        answer: Answer,
        now: Timestamp,
    ) -> Vec<Harvest> {
        let served = self.lists.serves(listing.name);
        if !self.lists.answered(listing.name) {
            return Vec::new();
        }
        self.count_request(&served);
        let error = match answer {
            Answer::Page { body, next } => match self.items(flight, &body, next) {
                Ok((items, next)) => {
                    let harvest = self.listed(listing, flight.sent_at, items, next, now);
                    return harvest.into_iter().collect();
                }
                Err(error) => error,
            },
            Answer::Dropped => return Vec::new(),
            Answer::Limited { retry_after_s } => {
                self.park_limited(&served, retry_after_s);
                return Vec::new();
            }
            Answer::Expired => {
                self.expired_list(&served, now);
                return Vec::new();
            }
            Answer::NotApplicable { error } => {
                for stream in &served {
                    self.lack(stream, error.clone(), now);
                }
                return Vec::new();
            }
            Answer::Unavailable { error } => {
                self.failed_list(listing, &served, error, true, now);
                return Vec::new();
            }
            Answer::Failed { error } | Answer::Refused { error } => error,
            Answer::Gone => format!(
                "Okta has no {} at this address: check that the secret's domain is an Okta org",
                listing.name
            ),
        };
        self.failed_list(listing, &served, error, false, now);
        Vec::new()
    }

    /// The items of a page, and the next page's path. A page that says nothing and leads where the reading has been is
    /// the end.
    ///
    /// # Errors
    /// If the page is no list, or its link leads in a circle.
    pub(super) fn items(
        &mut self,
        flight: &Flight,
        body: &Body,
        next: Option<String>,
    ) -> Result<(Vec<Item>, Option<String>), String> {
        let items = body.items()?;
        let Some(next) = next else {
            return Ok((items, None));
        };
        if self.run.follow(&flight.target, &flight.path, &next) {
            Ok((items, Some(next)))
        } else if items.is_empty() {
            Ok((items, None))
        } else {
            Err(CIRCLE.to_owned())
        }
    }

    fn failed_list(
        &mut self,
        listing: &Listing,
        served: &[String],
        error: String,
        is_refusal: bool,
        now: Timestamp,
    ) {
        self.run.leave(&Target::List(listing.name));
        let failed = self.lists.failed(listing.name, error.clone(), is_refusal);
        for stream in served {
            if failed == Failed::Anew {
                self.abandon(stream, now);
            }
            if let Some(replica) = self.replicas.get_mut(stream) {
                if failed == Failed::Anew && is_refusal {
                    replica.park(Parked::Unavailable(error.clone()));
                }
                // It cannot end as long as Okta answers so: what it is to answer is read by itself.
                replica.uncover(now);
            }
        }
    }

    /// Lines that were read before a listing's position was lost may be out of date: new snapshots begin.
    fn expired_list(&mut self, served: &[String], now: Timestamp) {
        let may_go_on = self.run.may_expire();
        for stream in served {
            self.abandon(stream, now);
            if !may_go_on && let Some(replica) = self.replicas.get_mut(stream) {
                replica.park(Parked::Failed(NO_POSITION.to_owned()));
            }
        }
    }

    /// Items of a listing: records of its own stream, and parts of the snapshots that it serves.
    fn listed(
        &mut self,
        listing: &'static Listing,
        at: Timestamp,
        items: Vec<Item>,
        next: Option<String>,
        now: Timestamp,
    ) -> Option<Harvest> {
        let served: Vec<_> = self
            .lists
            .serves(listing.name)
            .iter()
            .filter_map(|name| by_name(name))
            .collect();
        for stream in &served {
            self.note_rows(stream, &items);
            self.add_parts(listing, stream, &items, now);
        }
        let own =
            own_stream(listing).filter(|own| served.iter().any(|served| served.name == own.name));
        let lines = items.len() as u64;
        let harvest = own.and_then(|own| {
            if let Some(replica) = self.replicas.get_mut(own.name) {
                replica.count(lines, 0);
            }
            self.lines(own, &Scope::Whole, None, at, items).0
        });
        if let Some(next) = next {
            self.lists.go_on(listing.name, next);
        } else {
            for stream in &served {
                if let Some(replica) = self.replicas.get_mut(stream.name) {
                    replica.listed(listing.name);
                }
            }
            self.lists.end(listing.name);
            self.run.leave(&Target::List(listing.name));
        }
        harvest
    }

    fn add_parts(
        &mut self,
        listing: &Listing,
        stream: &'static Stream,
        items: &[Item],
        now: Timestamp,
    ) {
        let (Some(parents), Some(replica)) = (
            stream.parents_of(listing.name),
            self.replicas.get_mut(stream.name),
        ) else {
            return;
        };
        for item in items.iter().filter(|item| (parents.wanted)(item)) {
            let Some(scope) = id_of(item)
                .filter(|id| !self.graves.is_buried(id))
                .and_then(|id| Scope::of(stream, Of::All(parents.of), &id))
            else {
                continue;
            };
            let kept = Some(item).filter(|_| parents.keep);
            let object = kept.and_then(|item| Context::default().object(item));
            let object = object.unwrap_or_else(|| serde_json::json!({}));
            let part = Due::part(Some(object).filter(|_| stream.is_assembled()));
            replica.dues.add(scope, part, now);
        }
    }
}
