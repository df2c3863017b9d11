//! Cold start: settings, clients once, hand over.

use std::process::ExitCode;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use okta_authomize::COLLECTOR;
use okta_authomize::clock::Clock;
use okta_authomize::config::{Config, log_level};
use okta_authomize::handler::{Failure, Handler, Invocation};
use okta_authomize::invocation::Report;
use okta_authomize::secret::Vault;
use okta_authomize::store::Bucket;
use serde_json::Value;

type Error = lambda_runtime::Error;

#[tokio::main]
async fn main() -> ExitCode {
    aws::begin_log(&log_level(), &["okta_authomize"]);
    aws::start(run()).await
}

async fn run() -> Result<(), Error> {
    let config = Config::from_env()?;
    // Every TLS stack of the process uses this one; a second installation is no error.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let handler = &handler(config).await?;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        answer(handler, event).await
    }))
    .await
}

async fn handler(config: Config) -> Result<Handler<Bucket, Vault>, Error> {
    let clients = aws::clients().await;
    let (bucket, vault) = (clients.bucket(config.bucket.clone()), clients.vault());
    let okta = okta_authomize::okta::http_client()?;
    Ok(Handler::new(
        config,
        Clock::new(Timestamp::now),
        okta,
        bucket,
        vault,
        Duration::from_millis(500),
    ))
}

async fn answer(
    handler: &Handler<Bucket, Vault>,
    event: LambdaEvent<Value>,
) -> Result<Report, Diagnostic> {
    let deadline = Timestamp::UNIX_EPOCH
        .checked_add(SignedDuration::from_millis(
            event.context.deadline.try_into().unwrap_or_default(),
        ))
        .unwrap_or(Timestamp::UNIX_EPOCH);
    let invocation = Invocation {
        request_id: event.context.request_id,
        deadline,
    };
    let report = handler.run(&event.payload, &invocation).await;
    report.map_err(|Failure { kind, message }| {
        tracing::error!(
            kind,
            error = message,
            request_id = invocation.request_id,
            collector = COLLECTOR,
            "run failed"
        );
        Diagnostic {
            error_type: kind.to_owned(),
            error_message: message,
        }
    })
}
