//! A request without an answer to work with.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Why an endpoint does not do its work, after every repetition that might have helped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "trouble", rename_all = "snake_case")]
pub enum Trouble {
    /// It answers with this HTTP status.
    Status {
        /// The status.
        status: u16,
    },
    /// It has too much to do (429), for as long as a load can wait.
    Throttled,
    /// No answer arrives.
    NoAnswer {
        /// The transport's reason.
        reason: String,
    },
    /// Its answer is none that the API documents.
    Foreign,
    /// A trouble that a newer version wrote down.
    #[serde(other)]
    Other,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status { status } => write!(f, "HTTP {status}"),
            Self::Throttled => write!(f, "HTTP 429 for as long as the load could wait"),
            Self::NoAnswer { reason } => write!(f, "no answer: {reason}"),
            Self::Foreign => write!(f, "an answer that the API does not document"),
            Self::Other => write!(f, "a trouble that this version does not know"),
        }
    }
}

impl Trouble {
    /// The failure of a load that cannot go on without this request.
    #[must_use]
    pub fn failure(&self, request: &str) -> Failure {
        match self {
            Self::Status { status: 401 | 403 } => Failure::new(
                "TokenRefused",
                format!(
                    "Authomize does not accept the token ({self}): make a new API token there and put it into the secret"
                ),
            ),
            Self::Status { status: 300..=399 } => {
                url_wrong(&format!("{request} redirects ({self})"))
            }
            Self::Status {
                status: 408 | 425 | 429 | 500..=599,
            }
            | Self::Throttled
            | Self::NoAnswer { .. } => Failure::new(
                "AuthomizeUnreachable",
                format!(
                    "Authomize did not answer {request} ({self}); usually transient, the next invocation goes on"
                ),
            ),
            Self::Status { .. } | Self::Foreign | Self::Other => {
                url_wrong(&format!("{request} is answered with {self}"))
            }
        }
    }
}

/// The failure where something answers that is not the API.
fn url_wrong(what: &str) -> Failure {
    let message = format!(
        "the API is not what answers: {what}; check AUTHOMIZE_API_URL, or base_url in the secret"
    );
    Failure::new("AuthomizeUrlWrong", message)
}

/// Why a request has no answer to work with.
#[derive(Debug)]
pub enum Stop {
    /// The time is up; the next invocation goes on.
    OutOfTime,
    /// Nothing can be loaded.
    Failed(Failure),
    /// This endpoint does not do its work; others may.
    Endpoint {
        /// Method and path.
        request: String,
        /// Why.
        trouble: Trouble,
    },
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}
