//! The function's log: lines that Lambda understands, and nothing secret in them.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, registry};

/// One JSON object a line, with the `timestamp` and `level` by which Lambda tells and filters lines.
/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html>
///
/// `level` is a word of Lambda's, such as `WARN`; any other is taken for `INFO`. The libraries' finer levels show
/// requests, answers and events, and so secrets: they stay at INFO whatever is asked for. A panic is told by its place
/// alone, for its message may hold what was being read.
///
/// # Panics
/// If it was called before: a process has one log.
pub fn begin(level: &str) {
    // Lambda has FATAL beside the levels that there are here.
    let level = match level {
        "FATAL" => LevelFilter::ERROR,
        word => word.parse().unwrap_or(LevelFilter::INFO).max(LevelFilter::ERROR),
    };
    let levels = Targets::new()
        .with_target("okta_authomize", level)
        // It would tell every failure a second time.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF)
        .with_default(level.min(LevelFilter::INFO));
    let lines = fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false);
    registry().with(lines.with_writer(std::io::stdout)).with(levels).init();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(kind = "Panicked", place, "a bug: please report it with this place in the code");
    }));
}
