//! The end of a reading: what it did not repeat is forgotten, if that is to be believed.

use jiff::Timestamp;

use super::state::Answers;
use crate::engine::belief::{Belief, Ended, doubt, doubted, forget, note_part};
use crate::engine::job::Key;
use crate::engine::reading::Shape;
use crate::engine::work::Work;
use crate::streams::Stream;

impl Answers {
    /// All records of one object are read: what they do not repeat is forgotten, if that is to be believed.
    pub(super) fn end_records(
        &mut self,
        work: &mut Work,
        key: &Key,
        stream: &'static Stream,
        shape: Option<Shape>,
        now: Timestamp,
    ) {
        let was_anchored = self.anchored.remove(key);
        let Some(job) = work.queue.get(key).cloned() else {
            return;
        };
        if job.change.is_none() {
            note_part(work, stream, &key.scope, job.lines);
            return work.end(key, now);
        }
        match doubt(
            work,
            key,
            &Ended {
                stream,
                job: &job,
                shape,
                was_anchored,
            },
        ) {
            // The snapshot that it is a part of decides.
            Belief::Open(_) | Belief::Doubted(_) if job.of_snapshot => {
                note_part(work, stream, &key.scope, job.lines);
                work.end(key, now);
            }
            Belief::Sound => forget(work, key, stream, now),
            Belief::Open(look) => {
                // No request of its own is sent meanwhile.
                work.queue.send(key, now);
                self.looks.add(key.clone(), look);
            }
            Belief::Doubted(why) => doubted(work, key, why, now),
        }
    }
}
