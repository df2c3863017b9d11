//! Requests under way. Of each lane answers that may hold the same records are released in the order in which their
//! requests were sent, whenever they arrive, so that the newest word on a record is the last one. An object that does
//! not answer keeps none of the others waiting.

use jiff::{SignedDuration, Timestamp};

use super::ask::Answer;
use super::job::Key;
use crate::streams::by_name;

/// Bytes of answers that may wait for an earlier one …
const MOST_HELD_BYTES: usize = 8 * 1024 * 1024;
/// … and how many of them; beyond either the earlier one is given up.
const MOST_HELD: usize = 500;
/// How long a commit, and the jobs that follow the log, wait for a request that does not answer.
const PATIENCE: SignedDuration = SignedDuration::from_secs(20);

/// A request that has no absorbed answer yet.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) ticket: u64,
    /// Names the lane: a stream, or a listing that is no stream's own.
    pub(super) lane: &'static str,
    /// The job that it reads for; `None` for the System Log.
    pub(super) key: Option<Key>,
    /// It looks whether a doubtful answer can be believed, and reads no records.
    pub(super) is_look: bool,
    /// Its path and query.
    pub(super) path: String,
    pub(super) sent_at: Timestamp,
    answer: Option<Answer>,
}

impl Flight {
    /// Whether the answer is absorbed after that of an earlier request.
    fn waits_for(&self, earlier: &Self) -> bool {
        let is_apart = || {
            let (own, other) = (self.key.as_ref()?, earlier.key.as_ref()?);
            Some(
                own.scope
                    .is_apart_from(&other.scope, by_name(own.reads)?.identity),
            )
        };
        self.lane == earlier.lane && !is_apart().unwrap_or_default()
    }
}

/// Every request under way.
#[derive(Debug, Default)]
pub(super) struct Flights {
    flights: Vec<Flight>,
    tickets: u64,
}

impl Flights {
    /// Adds a request; returns its ticket.
    pub(super) fn send(
        &mut self,
        lane: &'static str,
        key: Option<Key>,
        is_look: bool,
        path: String,
        sent_at: Timestamp,
    ) -> u64 {
        self.tickets += 1;
        self.flights.push(Flight {
            ticket: self.tickets,
            lane,
            key,
            is_look,
            path,
            sent_at,
            answer: None,
        });
        self.tickets
    }

    /// Takes an answer; an unknown ticket is ignored.
    pub(super) fn answer(&mut self, ticket: u64, answer: Answer) {
        if let Some(flight) = self
            .flights
            .iter_mut()
            .find(|flight| flight.ticket == ticket)
        {
            flight.answer = Some(answer);
        }
    }

    /// The next answer that may be absorbed: no earlier one may hold a record of it.
    pub(super) fn release(&mut self) -> Option<(Flight, Answer)> {
        let awaits = |at: usize| {
            self.flights[..at]
                .iter()
                .any(|earlier| self.flights[at].waits_for(earlier))
        };
        let at = (0..self.flights.len())
            .find(|at| self.flights[*at].answer.is_some() && !awaits(*at))?;
        let mut flight = self.flights.remove(at);
        flight.answer.take().map(|answer| (flight, answer))
    }

    /// The request that keeps too many answers waiting, given up.
    pub(super) fn give_up(&mut self) -> Option<Flight> {
        let held = self
            .flights
            .iter()
            .filter_map(|flight| flight.answer.as_ref());
        let (count, bytes) = held.fold((0, 0), |(count, bytes), answer| {
            (count + 1, bytes + answer.bytes())
        });
        if bytes <= MOST_HELD_BYTES && count <= MOST_HELD {
            return None;
        }
        let held = self
            .flights
            .iter()
            .position(|flight| flight.answer.is_some())?;
        let is_awaited =
            |flight: &Flight| flight.answer.is_none() && self.flights[held].waits_for(flight);
        let at = self.flights[..held].iter().position(is_awaited)?;
        Some(self.flights.remove(at))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }

    /// Whether a commit need not wait any longer for what is under way.
    pub(super) fn are_overdue(&self, now: Timestamp) -> bool {
        self.flights
            .iter()
            .all(|flight| flight.answer.is_none() && now.duration_since(flight.sent_at) >= PATIENCE)
    }

    pub(super) fn is_under_way(&self, lane: &str) -> bool {
        self.flights.iter().any(|flight| flight.lane == lane)
    }

    /// Whether a lane's requests have been under way for so long that nothing else should wait for their answers.
    pub(super) fn hangs(&self, lane: &str, now: Timestamp) -> bool {
        let mut of_lane = self.flights.iter().filter(|flight| flight.lane == lane);
        of_lane
            .all(|flight| flight.answer.is_none() && now.duration_since(flight.sent_at) >= PATIENCE)
    }

    pub(super) fn clear(&mut self) -> Vec<Flight> {
        std::mem::take(&mut self.flights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::job::Scope;
    use crate::streams::change::{Identity, Kind};

    fn page(bytes: usize) -> Answer {
        Answer::Page {
            body: "x".repeat(bytes).into(),
            next: None,
        }
    }

    #[test]
    fn answers_of_a_lane_are_released_in_the_order_of_their_requests() {
        let mut flights = Flights::default();
        let tickets: Vec<_> = ["a", "b", "a"]
            .iter()
            .map(|lane| flights.send(lane, None, false, String::new(), Timestamp::MIN))
            .collect();
        flights.answer(tickets[2], page(1));
        assert!(flights.release().is_none());
        flights.answer(tickets[1], page(1));
        assert_eq!(flights.release().unwrap().0.ticket, tickets[1]);
        flights.answer(tickets[0], page(1));
        let released: Vec<_> = std::iter::from_fn(|| flights.release())
            .map(|(flight, _)| flight.ticket)
            .collect();
        assert_eq!(released, [tickets[0], tickets[2]]);
    }

    #[test]
    fn an_object_that_hangs_keeps_no_other_one_waiting() {
        let of = |id: &str| Key {
            reads: "factors",
            scope: Scope::Object(Kind::User, id.to_owned()),
        };
        let mut flights = Flights::default();
        let mut send = |id: &str| {
            flights.send(
                "factors",
                Some(of(id)),
                false,
                String::new(),
                Timestamp::MIN,
            )
        };
        let tickets: Vec<_> = ["00u1", "00u2", "00u1"]
            .into_iter()
            .map(&mut send)
            .collect();
        flights.answer(tickets[1], page(1));
        flights.answer(tickets[2], page(1));
        assert_eq!(flights.release().unwrap().0.ticket, tickets[1]);
        assert!(flights.release().is_none());
    }

    #[test]
    fn scopes_that_may_share_a_record_are_not_apart() {
        let of = |kind, id: &str| Scope::Parent(kind, id.to_owned());
        let pair = Scope::Pair("00g1".into(), "00u1".into());
        let both = Identity::Pair(Kind::Group, Kind::User);
        assert!(of(Kind::Group, "00g1").is_apart_from(&of(Kind::Group, "00g2"), both));
        assert!(!of(Kind::Group, "00g1").is_apart_from(&of(Kind::User, "00u1"), both));
        assert!(!pair.is_apart_from(&of(Kind::User, "00u1"), both));
        assert!(pair.is_apart_from(&of(Kind::User, "00u2"), both));
        assert!(!Scope::Whole.is_apart_from(&pair, both));
    }

    #[test]
    fn one_request_that_hangs_does_not_keep_all_that_comes_after_it() {
        let mut flights = Flights::default();
        let hanging = flights.send("a", None, false, String::new(), Timestamp::MIN);
        let mut given_up = None;
        for _ in 0..20 {
            let ticket = flights.send("a", None, false, String::new(), Timestamp::MIN);
            flights.answer(ticket, page(1024 * 1024));
            assert!(given_up.is_some() || flights.release().is_none());
            given_up = given_up.or(flights.give_up());
        }
        assert_eq!(given_up.unwrap().ticket, hanging);
        assert_eq!(std::iter::from_fn(|| flights.release()).count(), 20);
    }
}
