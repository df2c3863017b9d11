//! The AWS clients of the programs.

use aws_config::BehaviorVersion;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// Clients of S3 and Secrets Manager, as the environment configures them.
pub async fn clients() -> (aws_sdk_s3::Client, aws_sdk_secretsmanager::Client) {
    // The SDK's own client would leave the proxy variables unread.
    let http = aws_smithy_http_client::Builder::new().build_with_connector_fn(|settings, components| {
        let connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        let mut connector = connector.proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.build()
    });
    let aws = aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await;
    // An endpoint of one's own (an emulator) seldom answers to bucket names as host names.
    let s3 = aws_sdk_s3::config::Builder::from(&aws).force_path_style(aws.endpoint_url().is_some()).build();
    (aws_sdk_s3::Client::from_conf(s3), aws_sdk_secretsmanager::Client::new(&aws))
}
