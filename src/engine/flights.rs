//! Requests under way. Of each lane answers that may hold the same records are released in the order in which their
//! requests were sent, whenever they arrive, so that the newest word on a record is the last one. An object that does
//! not answer keeps none of the others waiting.

use jiff::{SignedDuration, Timestamp};

use super::ask::Answer;
use super::scope::Scope;
use crate::streams::Stream;

/// Bytes of answers that may wait for an earlier one …
const MOST_HELD_BYTES: usize = 8 * 1024 * 1024;
/// … and how many of them; beyond either the earlier one is given up.
const MOST_HELD: usize = 500;
/// How long a commit, and the jobs that follow the log, wait for a request that does not answer.
const PATIENCE: SignedDuration = SignedDuration::from_secs(20);

/// What a request reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// The System Log.
    Log,
    /// The listing of this name.
    List(&'static str),
    /// What has changed lately of the stream of this name.
    Changes(&'static str),
    /// A scope of the stream of this name.
    Scope(&'static str, Scope),
    /// Evidence for a reading of the scope; no records.
    Look(&'static str, Scope),
}

/// A request that has no absorbed answer yet.
#[derive(Debug, Clone)]
pub(super) struct Flight {
    pub(super) ticket: u64,
    pub(super) target: Target,
    /// The stream whose records its answers hold; `None` for the System Log and for listings of others' parents.
    writes: Option<&'static Stream>,
    /// Its path and query.
    pub(super) path: String,
    pub(super) sent_at: Timestamp,
    answer: Option<Answer>,
}

impl Flight {
    /// Whether the answer is absorbed after that of an earlier request.
    fn waits_for(&self, earlier: &Self) -> bool {
        if self.target == earlier.target {
            return true;
        }
        let (Some(own), Some(other)) = (self.writes, earlier.writes) else {
            return false;
        };
        own.name == other.name && !self.scope().is_apart_from(earlier.scope(), own.identity)
    }

    fn scope(&self) -> &Scope {
        match &self.target {
            Target::Scope(_, scope) | Target::Look(_, scope) => scope,
            Target::Log | Target::List(_) | Target::Changes(_) => &Scope::Whole,
        }
    }
}

/// Every request under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Flights {
    flights: Vec<Flight>,
    tickets: u64,
}

impl Flights {
    /// Adds a request; returns its ticket.
    pub(super) fn send(
        &mut self,
        target: Target,
        writes: Option<&'static Stream>,
        path: String,
        sent_at: Timestamp,
    ) -> u64 {
        self.tickets += 1;
        self.flights.push(Flight {
            ticket: self.tickets,
            target,
            writes,
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

    /// Whether the System Log's request is under way.
    pub(super) fn reads_log(&self) -> bool {
        self.log().next().is_some()
    }

    /// Whether the System Log's request has been under way for so long that nothing else should wait for its answer.
    pub(super) fn log_hangs(&self, now: Timestamp) -> bool {
        self.log()
            .all(|flight| flight.answer.is_none() && now.duration_since(flight.sent_at) >= PATIENCE)
    }

    fn log(&self) -> impl Iterator<Item = &Flight> {
        self.flights
            .iter()
            .filter(|flight| flight.target == Target::Log)
    }

    pub(super) fn clear(&mut self) -> Vec<Flight> {
        std::mem::take(&mut self.flights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::by_name;
    use crate::streams::change::Kind;

    fn page(bytes: usize) -> Answer {
        Answer::Page {
            body: "x".repeat(bytes).into(),
            next: None,
        }
    }

    fn send(flights: &mut Flights, target: Target, writes: &str) -> u64 {
        flights.send(target, by_name(writes), String::new(), Timestamp::MIN)
    }

    #[test]
    fn answers_that_may_hold_the_same_records_are_released_in_the_order_of_their_requests() {
        let mut flights = Flights::default();
        let object = Target::Scope("groups", Scope::Object(Kind::Group, "00g1".into()));
        let tickets = [
            send(&mut flights, Target::List("groups"), "groups"),
            send(&mut flights, Target::List("users"), "users"),
            send(&mut flights, object, "groups"),
        ];
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
        let of = |id: &str| Target::Scope("factors", Scope::Object(Kind::User, id.to_owned()));
        let mut flights = Flights::default();
        let tickets = ["00u1", "00u2", "00u1"].map(|id| send(&mut flights, of(id), "factors"));
        flights.answer(tickets[1], page(1));
        flights.answer(tickets[2], page(1));
        assert_eq!(flights.release().unwrap().0.ticket, tickets[1]);
        assert!(flights.release().is_none());
    }

    #[test]
    fn a_request_that_keeps_too_much_waiting_is_given_up() {
        let mut flights = Flights::default();
        let hanging = send(&mut flights, Target::List("groups"), "groups");
        for n in 0..3 {
            let object = Target::Scope("groups", Scope::Object(Kind::Group, format!("00g{n}")));
            let ticket = send(&mut flights, object, "groups");
            assert!(flights.give_up().is_none());
            flights.answer(ticket, page(3 * 1024 * 1024));
        }
        assert_eq!(flights.give_up().unwrap().ticket, hanging);
        assert!(flights.release().is_some());
    }
}
