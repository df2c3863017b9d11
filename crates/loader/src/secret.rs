//! Authomize's API token and where it goes, in types that do not print it.

use std::future::Future;

use aws::Hidden;
pub use aws::Vault;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::Url;

use crate::config::origin;
use crate::failure::Failure;

/// The tenant that is loaded: the API's address and its token.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// The API's origin.
    pub url: Url,
    /// The `Authorization` header's value, without any scheme word.
    pub token: SecretString,
}

/// Where the secret is kept.
pub trait Secrets: Send + Sync {
    /// The secret's current text.
    fn read(&self, secret_id: &str) -> impl Future<Output = Result<SecretString, Failure>> + Send;
}

/// Parses `{"token": "…", "base_url": "https://…"}`; `base_url` is optional and wins over the setting.
///
/// # Errors
/// `SecretInvalid`, with every problem and no value.
pub fn parse(secret_id: &str, text: &SecretString, setting: &Url) -> Result<Tenant, Failure> {
    let mut problems = Vec::new();
    let object: Map<String, Value> =
        serde_json::from_str(text.expose_secret()).unwrap_or_else(|_| {
            problems.push("it must be a JSON object: {\"token\": \"…\"}".to_owned());
            Map::new()
        });
    for key in object
        .keys()
        .filter(|key| !["token", "base_url"].contains(&key.as_str()))
    {
        problems.push(format!("unknown key {key:?}; the keys are token, base_url"));
    }
    let token = object
        .get("token")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        problems
            .push("token must be the API token, printable characters without spaces".to_owned());
    }
    let url = match object.get("base_url") {
        None | Some(Value::Null) => Ok(setting.clone()),
        Some(url) => url
            .as_str()
            .ok_or_else(|| "must be a text".to_owned())
            .and_then(|url| origin(url.trim())),
    };
    let url = url.map_err(|problem| problems.push(format!("base_url {problem}")));
    match (url, problems.is_empty()) {
        (Ok(url), true) => Ok(Tenant {
            url,
            token: SecretString::from(token),
        }),
        _ => {
            let told = format!(
                "secret {secret_id:?} is not usable: {}",
                problems.join("; ")
            );
            Err(Failure::new("SecretInvalid", told))
        }
    }
}

impl Secrets for Vault {
    async fn read(&self, secret_id: &str) -> Result<SecretString, Failure> {
        let content = self.secret(secret_id).await.map_err(|hidden| {
            let (kind, remedy, detail) = match hidden {
                Hidden::NotFound(detail) => {
                    ("SecretNotFound", "create it in this account and region, or correct AUTHOMIZE_SECRET_ID", detail)
                }
                Hidden::Refused(detail) => (
                    "SecretRefused",
                    "allow the loader's role secretsmanager:GetSecretValue on it, and kms:Decrypt on its key",
                    detail,
                ),
                Hidden::Unreachable(detail) => {
                    ("SecretsManagerUnreachable", "usually transient, the next invocation retries", detail)
                }
            };
            Failure::new(kind, format!("secret {secret_id:?} cannot be read: {remedy} ({detail})"))
        })?;
        Ok(content.text)
    }
}

/// A file with the content that the secret in Secrets Manager will have, for `make load`.
#[derive(Debug, Clone)]
pub struct SecretFile;

impl Secrets for SecretFile {
    async fn read(&self, path: &str) -> Result<SecretString, Failure> {
        let text = std::fs::read_to_string(path);
        text.map(SecretString::from).map_err(|error| {
            Failure::new(
                "SecretNotFound",
                format!("{path} cannot be read: {error}; name a readable file with --secret"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Tenant, Failure> {
        parse(
            "authomize",
            &SecretString::from(text),
            &Url::parse("https://api.authomize.com").unwrap(),
        )
    }

    #[test]
    fn base_url_wins_over_the_setting() {
        assert_eq!(
            parsed(r#"{"token": "t"}"#).unwrap().url.as_str(),
            "https://api.authomize.com/"
        );
        let own = parsed(r#"{"token": "t", "base_url": "https://eu.example"}"#).unwrap();
        assert_eq!(own.url.as_str(), "https://eu.example/");
    }

    #[test]
    fn problems_are_told_and_the_token_is_not() {
        let text =
            r#"{"token": "s3cr3t with space", "base_url": "http://eu.example", "tokne": "x"}"#;
        let failure = parsed(text).unwrap_err();
        assert_eq!(failure.kind, "SecretInvalid");
        for word in ["token must", "base_url", "tokne"] {
            assert!(failure.message.contains(word), "{failure}");
        }
        assert!(!failure.message.contains("s3cr3t"));
        assert!(!format!("{:?}", parsed(r#"{"token": "s3cr3t"}"#).unwrap()).contains("s3cr3t"));
        assert!(parsed("[]").is_err() && parsed(r#"{"token": ""}"#).is_err());
    }
}
