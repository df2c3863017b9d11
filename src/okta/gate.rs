//! The gate that every request has to pass: the pace of its rate limit, and room beside the others.

use jiff::Timestamp;

use super::bucket::Wait;
use super::pace::{Pace, Taken};
use super::room::Room;

/// The pace of every rate limit, and room for requests at once.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) pace: Pace,
    pub(super) room: Room,
}

impl Gate {
    pub(super) fn new(share_percent: u32) -> Self {
        Self {
            pace: Pace::new(share_percent),
            room: Room::new(),
        }
    }

    /// Lets a request through, or gives the reason to wait; gives the values that [`Pace::take`] and
    /// [`Room::enter`] give.
    pub(super) fn pass(&mut self, path: &str, now: Timestamp) -> Result<(Taken, u32), Wait> {
        if self.room.is_full() {
            return Err(Wait::Answer);
        }
        let bucket = self.pace.take(path, now)?;
        Ok((bucket, self.room.enter()))
    }
}
