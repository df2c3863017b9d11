//! Secrets in Secrets Manager.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use secrecy::SecretString;

use crate::cause::causes;

/// A secret as it is kept.
#[derive(Debug, Clone)]
pub struct Content {
    /// Id of this version.
    pub version: String,
    /// Its text; a binary secret's bytes are taken for UTF-8.
    pub text: SecretString,
}

/// Why a secret cannot be had. The text names the cause and never the secret's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hidden {
    /// No such secret, or one marked for deletion.
    NotFound(String),
    /// It may not be read or decrypted.
    Refused(String),
    /// Secrets Manager did not answer.
    Unreachable(String),
}

/// Secrets Manager.
#[derive(Debug, Clone)]
pub struct Vault(Client);

impl Vault {
    /// Secrets Manager of the client's account and region.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self(client)
    }

    /// The current content and version of a secret, by its name or ARN.
    /// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>
    ///
    /// # Errors
    /// It is not there, may not be read, or nothing answers.
    pub async fn secret(&self, secret_id: &str) -> Result<Content, Hidden> {
        let answer = self
            .0
            .get_secret_value()
            .secret_id(secret_id)
            .send()
            .await
            .map_err(|error| {
                let code = error
                    .code()
                    .map(|code| format!("{code}: "))
                    .unwrap_or_default();
                let detail = format!("{code}{}", causes(&error));
                match error.code() {
                    Some(
                        "ResourceNotFoundException"
                        | "InvalidRequestException"
                        | "ValidationException",
                    ) => Hidden::NotFound(detail),
                    Some(
                        "AccessDeniedException"
                        | "DecryptionFailure"
                        | "InvalidSignatureException"
                        | "UnrecognizedClientException",
                    ) => Hidden::Refused(detail),
                    _ => Hidden::Unreachable(detail),
                }
            })?;
        let binary = answer
            .secret_binary
            .map(|blob| String::from_utf8_lossy(blob.as_ref()).into_owned());
        let text = answer.secret_string.or(binary).unwrap_or_default();
        Ok(Content {
            version: answer.version_id.unwrap_or_default(),
            text: SecretString::from(text),
        })
    }
}
