//! Usage: who used which app, and who signed in, per day; counted from the activity of a
//! manifest (see [`crate::usage`]), without a request.

use serde_json::value::RawValue;

use super::change::Identity;
use super::{Cadence, Context, Source, Stream, activity};
use crate::record::Normalized;

pub static STREAM: Stream = Stream {
    name: "usage",
    word: "actual usage",
    scope: "okta.logs.read",
    source: Source::Counted {
        from: &activity::STREAM,
    },
    identity: Identity::Own,
    cadence: Cadence::Full,
    changed_by: &[],
    rereads: &[],
    sweep: None,
    fixed: None,
    own_id: super::id_of,
    normalize,
    tombstone: None,
};

/// No answer holds usage: it is counted.
fn normalize(_: &RawValue, _: &Context<'_>) -> Option<Normalized> {
    None
}
