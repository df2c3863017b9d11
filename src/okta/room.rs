//! How many requests may be under way at once.
//! <https://developer.okta.com/docs/reference/rl2-concurrency/>

use jiff::{SignedDuration, Timestamp};

/// Room for requests: it grows while Okta takes them, and is halved when Okta says that they are too many at once.
#[derive(Debug)]
pub(super) struct Room {
    width: usize,
    under_way: usize,
    /// Answers since the width last changed.
    answers: usize,
    /// How often it was halved.
    halvings: u32,
    /// It does not grow before.
    grows_at: Timestamp,
}

/// Requests under way at first.
const FIRST_ROOM: usize = 16;
/// Requests under way at most.
pub(super) const MOST_ROOM: usize = 24;
/// Room that is kept free for other classes once a class has half of the first room.
const ROOM_FOR_OTHERS: usize = 8;
/// Time between two steps of growth after a refusal.
const GROW_EVERY: SignedDuration = SignedDuration::from_secs(5);

impl Room {
    pub(super) fn new() -> Self {
        Self {
            width: FIRST_ROOM,
            under_way: 0,
            answers: 0,
            halvings: 0,
            grows_at: Timestamp::MIN,
        }
    }

    /// Requests that may be under way.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Those of them that may count against one rate limit: requests that wait for their turn
    /// leave room to those of other limits.
    pub(super) fn width_of_a_class(&self) -> usize {
        self.width
            .min(ROOM_FOR_OTHERS)
            .max(self.width.saturating_sub(ROOM_FOR_OTHERS))
    }

    pub(super) fn is_full(&self) -> bool {
        self.under_way >= self.width
    }

    /// Lets a request in; gives the number that [`Room::halve`] asks for.
    pub(super) fn enter(&mut self) -> u32 {
        self.under_way += 1;
        self.halvings
    }

    pub(super) fn leave(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// Notes a request that was one too many. Several that were sent together count once.
    pub(super) fn halve(&mut self, entered: u32, now: Timestamp) {
        if entered == self.halvings {
            self.width = (self.under_way.min(self.width) / 2).max(1);
            self.halvings += 1;
            self.answers = 0;
        }
        self.grows_at = now + GROW_EVERY;
    }

    /// Notes a request that was not too many.
    pub(super) fn widen(&mut self, now: Timestamp) {
        self.answers += 1;
        if self.width < MOST_ROOM && self.answers >= self.width && now >= self.grows_at {
            self.width += 1;
            self.answers = 0;
            if self.halvings > 0 {
                self.grows_at = now + GROW_EVERY;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000_000 + seconds).unwrap()
    }

    #[test]
    fn room_grows_to_its_most_while_nothing_is_refused() {
        let mut room = Room::new();
        assert_eq!((room.width(), room.width_of_a_class()), (16, 8));
        (0..10_000).for_each(|_| room.widen(at(0)));
        assert_eq!((room.width(), room.width_of_a_class()), (MOST_ROOM, 16));
    }

    #[test]
    fn requests_that_were_refused_together_halve_the_room_once() {
        let mut room = Room::new();
        let entered: Vec<u32> = (0..16).map(|_| room.enter()).collect();
        assert!(room.is_full());
        for entered in entered {
            room.halve(entered, at(0));
            room.leave();
        }
        assert_eq!((room.width(), room.width_of_a_class()), (8, 8));
        let entered = room.enter();
        room.halve(entered, at(1));
        assert_eq!(
            room.width(),
            1,
            "what was under way is halved, not what might have been"
        );
    }

    #[test]
    fn room_grows_again_slowly_after_a_refusal() {
        let mut room = Room::new();
        let entered: Vec<u32> = (0..4).map(|_| room.enter()).collect();
        room.halve(entered[0], at(0));
        assert_eq!(room.width(), 2);
        for (second, width) in [(4, 2), (5, 3), (9, 3), (10, 4), (20, 5)] {
            (0..1_000).for_each(|_| room.widen(at(second)));
            assert_eq!(room.width(), width, "after {second} s");
        }
    }
}
