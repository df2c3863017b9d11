//! Cold start of the loader's Lambda function: settings, clients once, hand over.

use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn, tracing};
use loader::authomize::{Http, http_client};
use loader::config::Config;
use loader::failure::Failure;
use loader::handler::handle;
use loader::load::{Loader, Settings};
use loader::secret::{Tenant, Vault};
use loader::store::Bucket;
use serde_json::{Value, json};

type Error = lambda_runtime::Error;

#[tokio::main]
async fn main() -> ExitCode {
    tracing::init_default_subscriber();
    match start().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let kind = "InitFailed";
            tracing::error!(kind, %error, "the loader cannot start");
            if let Err(unheard) = tell_lambda(kind, &error.to_string()).await {
                tracing::warn!(error = %unheard, "Lambda could not be told");
            }
            ExitCode::FAILURE
        }
    }
}

async fn start() -> Result<(), Error> {
    let config = Config::read(|name| std::env::var(name).ok())?;
    // Every TLS stack of the process uses this one; a second installation is no error.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (s3, secrets) = loader::aws::clients().await;
    let client = http_client()?;
    let connect = move |tenant: Tenant| Http::new(client.clone(), tenant);
    let settings = Settings {
        prefix: config.prefix.clone(),
        secret_id: config.secret_id,
        api_url: config.api_url,
        full_load_interval: config.full_load_interval,
        pause: Duration::from_millis(500),
    };
    let (bucket, vault) = (Bucket::new(s3, config.bucket), Vault::new(secrets));
    let loader = &Loader::new(settings, bucket, vault, connect, Arc::new(Timestamp::now));
    let prefix = &config.prefix;
    let answer = async |event: LambdaEvent<Value>| {
        let deadline = i64::try_from(event.context.deadline).unwrap_or_default();
        let deadline = Timestamp::UNIX_EPOCH.checked_add(SignedDuration::from_millis(deadline));
        let handling = handle(loader, prefix, &event.payload, deadline.unwrap_or(Timestamp::UNIX_EPOCH));
        // Without its type, which is too deep for the compiler.
        let handling: Pin<Box<dyn Future<Output = Result<Value, Failure>> + '_>> = Box::pin(handling);
        handling.await.map_err(|Failure { kind, message }| {
            tracing::error!(kind, message, "the load cannot go on");
            Diagnostic { error_type: kind.to_owned(), error_message: message }
        })
    };
    lambda_runtime::run(service_fn(answer)).await
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
