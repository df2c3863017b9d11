//! The integration's secret: Secrets Manager → [`Integration`] with credentials that cannot be printed.

mod content;

use std::fmt;
use std::future::Future;

use aws::Hidden;
pub use aws::{Content, Vault};
use secrecy::SecretString;

pub use content::{Problems, org_host, parse};

use crate::scrub::Rules;

/// The org that is collected, and the way in: one secret, validated.
#[derive(Debug, Clone)]
pub struct Integration {
    /// Version of the secret that was read; an access token outlives no version.
    pub version: String,
    /// `acme.okta.com`: the org's own host, never the `-admin` one.
    pub host: String,
    /// Whether `host` is a custom domain, whose org has not been asked for yet.
    pub is_custom_domain: bool,
    /// The one way to authenticate that the secret holds.
    pub credentials: Credentials,
    /// Shown name, `Okta` unless set.
    pub name: String,
    /// The name as it stands in object keys: lowercase, `-` between words.
    pub slug: String,
    /// E-mail of the resource owner, copied to status and manifests.
    pub owner: Option<String>,
    /// Streams not to collect.
    pub streams_off: Vec<String>,
    /// Attributes and names that are never written.
    pub rules: Rules,
}

impl Integration {
    /// Takes the org's own address in place of a custom domain.
    pub fn move_to(&mut self, host: String) {
        self.rules.console = content::admin_console(&host);
        (self.host, self.is_custom_domain) = (host, false);
    }

    /// The OAuth client that it authenticates as, or `None` with an API token.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        match &self.credentials {
            Credentials::ClientSecret { client_id, .. }
            | Credentials::PrivateKey { client_id, .. } => Some(client_id),
            Credentials::Token(_) => None,
        }
    }

    /// The way in which it authenticates, for people.
    #[must_use]
    pub fn signs_in_with(&self) -> &'static str {
        match &self.credentials {
            Credentials::ClientSecret { .. } => "client secret",
            Credentials::PrivateKey { .. } => "private key",
            Credentials::Token(_) => "API token",
        }
    }
}

/// The three ways to authenticate to Okta.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// OAuth API service integration, `client_secret_basic`.
    ClientSecret {
        client_id: String,
        client_secret: SecretString,
    },
    /// OAuth service app, `private_key_jwt` (PEM or JWK).
    PrivateKey {
        client_id: String,
        private_key: SecretString,
        key_id: Option<String>,
    },
    /// Legacy API token (SSWS).
    Token(SecretString),
}

/// Why a secret could not be read.
#[derive(Debug)]
pub enum SecretError {
    /// No such secret, or one marked for deletion.
    NotFound { secret_id: String, detail: String },
    /// The function's role may not read or decrypt it.
    Refused { secret_id: String, detail: String },
    /// Secrets Manager did not answer.
    Unreachable { secret_id: String, detail: String },
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { secret_id, detail } => {
                write!(
                    f,
                    "secret {secret_id:?} was not found in this account and region: create it, or correct SECRET_ID or the event's secret_id ({detail})"
                )
            }
            Self::Refused { secret_id, detail } => {
                write!(
                    f,
                    "secret {secret_id:?} may not be read: allow the function's role secretsmanager:GetSecretValue on it (and kms:Decrypt on its key) ({detail})"
                )
            }
            Self::Unreachable { secret_id, detail } => {
                write!(
                    f,
                    "Secrets Manager did not answer for secret {secret_id:?}: {detail}; the next run tries again; if it stays so, check, in a VPC, that its subnets reach Secrets Manager by an endpoint or a NAT gateway"
                )
            }
        }
    }
}

impl std::error::Error for SecretError {}

/// Where secrets are kept.
pub trait Secrets: Send + Sync {
    /// The current content and version of a secret.
    fn read(&self, secret_id: &str) -> impl Future<Output = Result<Content, SecretError>> + Send;
}

impl Secrets for Vault {
    async fn read(&self, secret_id: &str) -> Result<Content, SecretError> {
        self.secret(secret_id).await.map_err(|hidden| {
            let secret_id = secret_id.to_owned();
            match hidden {
                Hidden::NotFound(detail) => SecretError::NotFound { secret_id, detail },
                Hidden::Refused(detail) => SecretError::Refused { secret_id, detail },
                Hidden::Unreachable(detail) => SecretError::Unreachable { secret_id, detail },
            }
        })
    }
}
