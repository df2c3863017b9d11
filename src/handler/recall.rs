//! Events that are committed already, read back from their batches.

use jiff::Timestamp;
use serde_json::Value;

use crate::clock::Clock;
use crate::commit::{CommitError, CommitLog, Head, ReadBack};
use crate::engine::{Cursor, Recalled};
use crate::ids::Ids;
use crate::store::Store;

/// Ids that are held at most; they take 17 to 34 bytes each.
const MOST_RECALLED: usize = 500_000;

/// The events that were committed at `since` or later. Where there are too many to hold, or to read
/// back until `until`, or where their batches are no longer there, the older ones are taken for committed as a whole.
pub(super) async fn recall<S: Store>(
    log: &CommitLog<S>,
    head: &Head,
    since: Timestamp,
    until: Timestamp,
    clock: &Clock,
) -> Result<Recalled, CommitError> {
    let mut known_until = None;
    let goes_on = |manifest: &Value, ids: &Ids| {
        let committed_at = manifest["committed_at"]
            .as_str()
            .and_then(|time| time.parse::<Timestamp>().ok());
        let newest = Cursor::newest_event(&manifest["cursor"]);
        if newest.is_none() || committed_at.is_some_and(|committed_at| committed_at < since) {
            return false;
        }
        let is_enough = ids.len() >= MOST_RECALLED || clock.now() >= until;
        known_until = newest.filter(|_| is_enough);
        !is_enough
    };
    let ReadBack {
        ids: uuids,
        ended_at,
    } = log.ids_back("activity", head, goes_on).await?;
    if let Some(manifest) = ended_at {
        let known_until = Cursor::newest_event(&manifest["cursor"]);
        return Ok(Recalled { uuids, known_until });
    }
    if let Some(known_until) = known_until {
        let ids = uuids.len();
        tracing::warn!(%known_until, ids, "too many committed events to read back: late ones of before are left out");
    }
    Ok(Recalled { uuids, known_until })
}
