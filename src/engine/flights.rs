//! Requests under way. Of each lane answers are released in the order in which their requests were
//! sent, whenever they arrive, so that the newest word on a record is the last one.

use jiff::{SignedDuration, Timestamp};

use super::ask::Answer;
use super::job::Key;

/// Bytes of answers that may wait for an earlier one …
const MOST_HELD_BYTES: usize = 8 * 1024 * 1024;
/// … and how many of them; beyond either the earlier one is given up.
const MOST_HELD: usize = 500;
/// A commit waits so long for a request that does not answer, then goes without it.
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
    /// Where it was sent to.
    pub(super) path: String,
    pub(super) sent_at: Timestamp,
    answer: Option<Answer>,
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
        self.flights.push(Flight { ticket: self.tickets, lane, key, is_look, path, sent_at, answer: None });
        self.tickets
    }

    /// Takes an answer; an unknown ticket is ignored.
    pub(super) fn answer(&mut self, ticket: u64, answer: Answer) {
        if let Some(flight) = self.flights.iter_mut().find(|flight| flight.ticket == ticket) {
            flight.answer = Some(answer);
        }
    }

    /// The next answer that may be absorbed: the first of its lane.
    pub(super) fn release(&mut self) -> Option<(Flight, Answer)> {
        let is_first = |at: usize| !self.flights[..at].iter().any(|earlier| earlier.lane == self.flights[at].lane);
        let at = (0..self.flights.len()).find(|at| self.flights[*at].answer.is_some() && is_first(*at))?;
        let mut flight = self.flights.remove(at);
        flight.answer.take().map(|answer| (flight, answer))
    }

    /// The request that keeps too many answers waiting, given up.
    pub(super) fn give_up(&mut self) -> Option<Flight> {
        let held = self.flights.iter().filter_map(|flight| flight.answer.as_ref());
        let (count, bytes) = held.fold((0, 0), |(count, bytes), answer| (count + 1, bytes + answer.bytes()));
        if bytes <= MOST_HELD_BYTES && count <= MOST_HELD {
            return None;
        }
        let lane = self.flights.iter().find(|flight| flight.answer.is_some()).map(|flight| flight.lane)?;
        let at = self.flights.iter().position(|flight| flight.lane == lane && flight.answer.is_none())?;
        Some(self.flights.remove(at))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }

    /// Whether a commit need not wait any longer for what is under way.
    pub(super) fn are_overdue(&self, now: Timestamp) -> bool {
        self.flights.iter().all(|flight| flight.answer.is_none() && now.duration_since(flight.sent_at) >= PATIENCE)
    }

    pub(super) fn is_under_way(&self, lane: &str) -> bool {
        self.flights.iter().any(|flight| flight.lane == lane)
    }

    pub(super) fn clear(&mut self) -> Vec<Flight> {
        std::mem::take(&mut self.flights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(bytes: usize) -> Answer {
        Answer::Page { body: "x".repeat(bytes).into(), next: None }
    }

    #[test]
    fn answers_of_a_lane_are_released_in_the_order_of_their_requests() {
        let mut flights = Flights::default();
        let tickets: Vec<_> =
            ["a", "b", "a"].iter().map(|lane| flights.send(lane, None, false, String::new(), Timestamp::MIN)).collect();
        flights.answer(tickets[2], page(1));
        assert!(flights.release().is_none());
        flights.answer(tickets[1], page(1));
        assert_eq!(flights.release().unwrap().0.ticket, tickets[1]);
        flights.answer(tickets[0], page(1));
        let released: Vec<_> = std::iter::from_fn(|| flights.release()).map(|(flight, _)| flight.ticket).collect();
        assert_eq!(released, [tickets[0], tickets[2]]);
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
