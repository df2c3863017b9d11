//! A run's plan: settings, secret and event, in the engine's words.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::config::Config;
use crate::engine::Plan;
use crate::invocation::{Mode, Request};
use crate::secret::Integration;
use crate::streams::Stream;

/// Plans a run. `swept_at`: since when earlier runs of this process know all changes, by stream.
pub(super) fn plan(
    config: &Config,
    integration: &Integration,
    request: &Request,
    streams: &[&'static Stream],
    reads_log: bool,
    swept_at: BTreeMap<String, Timestamp>,
) -> Plan {
    let asked = streams.iter().filter(|stream| request.mode == Mode::Full && request.names(stream.name));
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
