//! Cold start of the loader's Lambda function: settings, clients once, hand over.

use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use loader::authomize::{Http, http_client};
use loader::clock::Clock;
use loader::config::Config;
use loader::failure::Failure;
use loader::handler::handle;
use loader::load::{Loader, Settings};
use loader::secret::Tenant;
use serde_json::Value;

type Error = lambda_runtime::Error;

#[tokio::main]
async fn main() -> ExitCode {
    // Without it, which is outside Lambda, the level is INFO.
    let level = std::env::var("AWS_LAMBDA_LOG_LEVEL").unwrap_or_default();
    aws::begin_log(&level, &["loader", "okta_authomize_loader"]);
    aws::start(run()).await
}

async fn run() -> Result<(), Error> {
    let config = Config::read(|name| std::env::var(name).ok())?;
    // Every TLS stack of the process uses this one; a second installation is no error.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let clients = aws::clients().await;
    let client = http_client()?;
    let connect = move |tenant: Tenant| Http::new(client.clone(), tenant);
    let settings = Settings {
        prefix: config.prefix.clone(),
        secret_id: config.secret_id,
        api_url: config.api_url,
        full_load_interval: config.full_load_interval,
        pause: Duration::from_millis(500),
    };
    let (bucket, vault) = (clients.bucket(config.bucket), clients.vault());
    let loader = &Loader::new(settings, bucket, vault, connect, Clock::new(Timestamp::now));
    let prefix = &config.prefix;
    let answer = async |event: LambdaEvent<Value>| {
        let deadline = i64::try_from(event.context.deadline).unwrap_or_default();
        let deadline = Timestamp::UNIX_EPOCH.checked_add(SignedDuration::from_millis(deadline));
        let handling = handle(
            loader,
            prefix,
            &event.payload,
            deadline.unwrap_or(Timestamp::UNIX_EPOCH),
        );
        // Without its type, which is too deep for the compiler.
        let handling: Pin<Box<dyn Future<Output = Result<Value, Failure>> + '_>> =
            Box::pin(handling);
        handling.await.map_err(|Failure { kind, message }| {
            tracing::error!(kind, error = message, "the load cannot go on");
            Diagnostic {
                error_type: kind.to_owned(),
                error_message: message,
            }
        })
    };
    lambda_runtime::run(service_fn(answer)).await
}
