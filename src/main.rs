//! Cold start: settings, clients once, hand over.

use std::process::ExitCode;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::timeout::TimeoutConfig;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use okta_authomize::clock::Clock;
use okta_authomize::config::{Config, log_level};
use okta_authomize::handler::{Failure, Handler, Invocation};
use okta_authomize::invocation::Report;
use okta_authomize::secret::Vault;
use okta_authomize::store::Bucket;
use okta_authomize::{COLLECTOR, log};
use serde_json::{Value, json};

type Error = lambda_runtime::Error;

/// Time limits of a call of S3 or Secrets Manager: until a connection is there, until one attempt is answered, and
/// with its repetitions. Without them a service that does not answer holds a run until Lambda ends it.
const LONGEST_CONNECT: Duration = Duration::from_secs(5);
const LONGEST_ATTEMPT: Duration = Duration::from_secs(10);
const LONGEST_OPERATION: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> ExitCode {
    log::begin(&log_level());
    match start().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let kind = "InitFailed";
            tracing::error!(kind, %error, "the function cannot start");
            if let Err(unheard) = tell_lambda(kind, &error.to_string()).await {
                tracing::warn!(error = %unheard, "Lambda could not be told");
            }
            ExitCode::FAILURE
        }
    }
}

async fn start() -> Result<(), Error> {
    let config = Config::from_env()?;
    // Every TLS stack of the process uses this one; a second installation is no error.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let handler = &handler(config).await?;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| answer(handler, event).await)).await
}

async fn handler(config: Config) -> Result<Handler<Bucket, Vault>, Error> {
    // The SDK's own client would leave the proxy variables unread.
    let http = aws_smithy_http_client::Builder::new().build_with_connector_fn(|settings, components| {
        let connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        let mut connector = connector.proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.build()
    });
    let times = TimeoutConfig::builder()
        .connect_timeout(LONGEST_CONNECT)
        .operation_attempt_timeout(LONGEST_ATTEMPT)
        .operation_timeout(LONGEST_OPERATION)
        .build();
    let aws = aws_config::defaults(BehaviorVersion::latest()).http_client(http).timeout_config(times).load().await;
    // An endpoint of one's own (an emulator) seldom answers to bucket names as host names.
    let s3 = aws_sdk_s3::config::Builder::from(&aws).force_path_style(aws.endpoint_url().is_some()).build();
    let bucket = Bucket::new(aws_sdk_s3::Client::from_conf(s3), config.bucket.clone());
    let vault = Vault::new(aws_sdk_secretsmanager::Client::new(&aws));
    let okta = okta_authomize::okta::http_client()?;
    Ok(Handler::new(config, Clock::new(Timestamp::now), okta, bucket, vault, Duration::from_millis(500)))
}

async fn answer(handler: &Handler<Bucket, Vault>, event: LambdaEvent<Value>) -> Result<Report, Diagnostic> {
    let deadline = Timestamp::UNIX_EPOCH
        .checked_add(SignedDuration::from_millis(event.context.deadline.try_into().unwrap_or_default()))
        .unwrap_or(Timestamp::UNIX_EPOCH);
    let invocation = Invocation { request_id: event.context.request_id, deadline };
    let report = handler.run(&event.payload, &invocation).await;
    report.map_err(|Failure { kind, message }| {
        tracing::error!(kind, error = message, request_id = invocation.request_id, collector = COLLECTOR, "run failed");
        Diagnostic { error_type: kind.to_owned(), error_message: message }
    })
}

/// An init that fails silently shows as `Runtime.ExitError`; this gives it its own name and text.
/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-initerror>
async fn tell_lambda(kind: &str, message: &str) -> Result<(), Error> {
    let body = json!({"errorType": kind, "errorMessage": message, "stackTrace": []}).to_string();
    let request = lambda_runtime_api_client::build_request()
        .method("POST")
        .uri("/2018-06-01/runtime/init/error")
        .header("lambda-runtime-function-error-type", kind)
        .body(body.into())?;
    lambda_runtime_api_client::Client::builder().build()?.call(request).await?;
    Ok(())
}
