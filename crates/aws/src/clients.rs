//! Clients of S3 and Secrets Manager, as the environment configures them.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::timeout::TimeoutConfig;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use crate::{Bucket, Vault};

/// Longest time of a call: until a connection is there, until one attempt is answered, and with its repetitions.
/// Without limits a service that does not answer holds an invocation until Lambda ends it.
const LONGEST_CONNECT: Duration = Duration::from_secs(5);
const LONGEST_ATTEMPT: Duration = Duration::from_secs(10);
const LONGEST_OPERATION: Duration = Duration::from_secs(30);

/// The clients of the account and region, made once per process.
#[derive(Debug, Clone)]
pub struct Clients {
    s3: aws_sdk_s3::Client,
    secrets: aws_sdk_secretsmanager::Client,
}

impl Clients {
    /// The bucket of this name.
    #[must_use]
    pub fn bucket(&self, name: String) -> Bucket {
        Bucket::new(self.s3.clone(), name)
    }

    /// Secrets Manager.
    #[must_use]
    pub fn vault(&self) -> Vault {
        Vault::new(self.secrets.clone())
    }
}

/// Reads region, credentials, endpoint and proxies from the environment.
pub async fn clients() -> Clients {
    // The SDK's own client would leave the proxy variables unread.
    let http =
        aws_smithy_http_client::Builder::new().build_with_connector_fn(|settings, components| {
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
    let aws = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(times)
        .load()
        .await;
    // An endpoint of one's own (an emulator) seldom answers to bucket names as host names.
    let s3 = aws_sdk_s3::config::Builder::from(&aws)
        .force_path_style(aws.endpoint_url().is_some())
        .build();
    Clients {
        s3: aws_sdk_s3::Client::from_conf(s3),
        secrets: aws_sdk_secretsmanager::Client::new(&aws),
    }
}
