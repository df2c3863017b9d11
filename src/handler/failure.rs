//! A problem that stops the whole run.

use std::fmt;

use crate::commit::CommitError;
use crate::engine::CursorError;
use crate::okta;
use crate::secret::SecretError;
use crate::store::StoreError;

/// A run that could not go on: Lambda's `errorType` and a message with the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The `errorType`, which alarms match on.
    pub kind: &'static str,
    /// The message: what is wrong, where, and what to do.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl std::error::Error for Failure {}

impl Failure {
    pub(super) fn event(problems: Vec<String>) -> Self {
        Self {
            kind: "EventInvalid",
            message: format!("the event is not usable: {}", problems.join("; ")),
        }
    }

    pub(super) fn no_secret_named() -> Self {
        let message =
            "no secret is named: set SECRET_ID, or put \"secret_id\" into the event".to_owned();
        Self {
            kind: "SecretNotNamed",
            message,
        }
    }

    pub(super) fn secret(error: &SecretError) -> Self {
        let kind = match error {
            SecretError::NotFound { .. } => "SecretNotFound",
            SecretError::Refused { .. } => "SecretRefused",
            SecretError::Unreachable { .. } => "SecretsManagerUnreachable",
        };
        Self {
            kind,
            message: error.to_string(),
        }
    }

    pub(super) fn secret_invalid(secret_id: &str, problems: &[String]) -> Self {
        Self {
            kind: "SecretInvalid",
            message: format!(
                "secret {secret_id:?} is not usable: {}",
                problems.join("; ")
            ),
        }
    }

    pub(super) fn custom_domain(domain: &str, answered: &str) -> Self {
        let message = format!(
            "the secret's domain https://{domain} does not say which org it belongs to (asked for /.well-known/okta-organization: {answered}): check that it is the org's custom domain, or put the org's own address into the secret, such as https://acme.okta.com"
        );
        Self {
            kind: "OrgUnknown",
            message,
        }
    }

    pub(super) fn panicked() -> Self {
        let message = "the function met a bug of its own: nothing more is committed, the next run goes on; please report it with the place in the code that the log names";
        Self {
            kind: "Panicked",
            message: message.to_owned(),
        }
    }

    pub(super) fn taken(name: &str, org: &str, wanted: &str) -> Self {
        let message = format!(
            "the integration name {name:?} belongs to {org}, not to {wanted}: give this secret an integration_name of its own, or use another PREFIX or BUCKET"
        );
        Self {
            kind: "IntegrationTaken",
            message,
        }
    }

    pub(super) fn cursor(sequence: u64, error: &CursorError) -> Self {
        let message = format!("the cursor of manifest {sequence} cannot be read: {error}");
        Self {
            kind: "CursorUnreadable",
            message,
        }
    }

    pub(super) fn okta(error: okta::Error) -> Self {
        match error {
            okta::Error::Rejected(message) => Self {
                kind: "CredentialsRejected",
                message,
            },
            error => {
                let message = format!(
                    "the org cannot be reached: {error}; the next run tries again; if it stays so, check the secret's domain and, in a VPC, that its subnets lead out"
                );
                Self {
                    kind: "OktaUnreachable",
                    message,
                }
            }
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let kind = match error {
            StoreError::Refused(_) => "BucketRefused",
            StoreError::Unreachable(_) => "BucketUnreachable",
        };
        Self {
            kind,
            message: error.to_string(),
        }
    }
}

impl From<CommitError> for Failure {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Store(error) => error.into(),
            CommitError::Damaged { .. } => Self {
                kind: "ManifestDamaged",
                message: error.to_string(),
            },
            // Collecting ends as superseded and not as an error; the remedy would be the same: the next run goes on.
            CommitError::Superseded { .. } => StoreError::Unreachable(error.to_string()).into(),
        }
    }
}
