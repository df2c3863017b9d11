//! A run's plan: settings, secret and event, in the engine's words.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::Run;
use crate::config::Config;
use crate::engine::Plan;
use crate::invocation::{Mode, Request};
use crate::secret::Integration;
use crate::streams::Stream;

/// Plans a run. `swept_at`: the time before which earlier runs of this process know all changes, by stream.
pub(super) fn plan(
    config: &Config,
    integration: &Integration,
    request: &Request,
    streams: &[&'static Stream],
    reads_log: bool,
    swept_at: BTreeMap<String, Timestamp>,
) -> Plan {
    let asked = streams
        .iter()
        .filter(|stream| request.mode == Mode::Full && request.names(stream.name));
    Plan {
        asked: asked.map(|stream| stream.name.to_owned()).collect(),
        streams: streams.to_vec(),
        off: integration.streams_off.clone(),
        narrowed: request.streams.clone(),
        accept_shrink: request.accept_shrink.clone(),
        reads_log,
        own_client: integration.client_id().map(str::to_owned),
        full_sync_interval: config.full_sync_interval,
        factors_interval: config.factors_interval,
        swept_at,
        log_lookback: config.log_lookback,
        checkpoint_interval: config.checkpoint_interval,
    }
}

/// Time at the end of a run in which the answers, and failures, of its last requests come.
const LAST_WORDS: SignedDuration = SignedDuration::from_secs(2);

/// When a run's requests end: a little before it stops, so that it is still told of those that failed.
pub(super) fn answered_by(run: &Run) -> Timestamp {
    run.stop_at - (run.stop_at.duration_since(run.began_at) / 20).min(LAST_WORDS)
}
