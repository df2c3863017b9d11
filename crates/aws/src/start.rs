//! A function's beginning: its log, and the word to Lambda where it cannot start.

use std::process::ExitCode;

use serde_json::json;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, registry};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Begins the log: one JSON object per line, with the `timestamp` and `level` by which Lambda labels and filters lines.
/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html>
///
/// `level` is Lambda's word (`AWS_LAMBDA_LOG_LEVEL`), `own` the targets to which it applies. The libraries' finer
/// levels show requests, answers and events, and so secrets: they stay at INFO with any setting. A panic is logged
/// by its place alone, for its message may hold the object in hand.
pub fn begin_log(level: &str, own: &[&'static str]) {
    // Lambda has FATAL beside the levels that there are here.
    let level = match level {
        "FATAL" => LevelFilter::ERROR,
        // It would be read as ERROR.
        "" => LevelFilter::INFO,
        word => word
            .parse()
            .unwrap_or(LevelFilter::INFO)
            .max(LevelFilter::ERROR),
    };
    let levels = own.iter().fold(Targets::new(), |levels, target| {
        levels.with_target(*target, level)
    });
    let levels = levels
        // It would log every failure a second time.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF)
        .with_default(level.min(LevelFilter::INFO));
    let lines = fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false);
    registry()
        .with(lines.with_writer(std::io::stdout))
        .with(levels)
        .init();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::error!(
            kind = "Panicked",
            place,
            "a bug: please report it with this place in the code"
        );
    }));
}

/// Runs a function until it ends. If it cannot begin, log and Lambda get the reason, as `InitFailed`.
pub async fn start(function: impl Future<Output = Result<(), Error>>) -> ExitCode {
    let Err(error) = function.await else {
        return ExitCode::SUCCESS;
    };
    let kind = "InitFailed";
    tracing::error!(kind, %error, "the function cannot start");
    if let Err(unheard) = tell_lambda(kind, &error.to_string()).await {
        tracing::warn!(error = %unheard, "Lambda could not be told");
    }
    ExitCode::FAILURE
}

/// Reports to Lambda why the init failed: without it the failure shows as `Runtime.ExitError` alone.
/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-initerror>
async fn tell_lambda(kind: &str, message: &str) -> Result<(), Error> {
    let body = json!({"errorType": kind, "errorMessage": message, "stackTrace": []}).to_string();
    let request = lambda_runtime_api_client::build_request()
        .method("POST")
        .uri("/2018-06-01/runtime/init/error")
        .header("lambda-runtime-function-error-type", kind)
        .body(body.into())?;
    lambda_runtime_api_client::Client::builder()
        .build()?
        .call(request)
        .await?;
    Ok(())
}
