//! One HTTP page of an Okta org: authenticated, paced, repeated where that helps. Fetches a
//! path; does not know users.

mod announced;
mod answer;
mod asked;
mod assertion;
mod auth;
mod bucket;
mod client;
mod dpop;
mod full;
mod gate;
mod home;
mod link;
mod others;
mod pace;
mod received;
mod refusal;
mod remedy;
mod room;
mod tally;
mod token;
mod transport;
mod tries;

use std::fmt;

use jiff::Timestamp;

pub use assertion::KeyError;
pub use auth::Session;
pub use client::{Org, Page};
pub use home::home;
pub use pace::Limit;
pub use tally::{ClassUse, Use};
pub use transport::Transport;

/// The time that a request may take.
#[derive(Debug, Clone, Copy)]
pub struct Within {
    /// Until then it may wait to be sent; once it was, it is tried to its end.
    pub sent_by: Timestamp,
    /// Until then its answer is waited for.
    pub until: Timestamp,
}

impl From<Timestamp> for Within {
    fn from(until: Timestamp) -> Self {
        Self {
            sent_by: until,
            until,
        }
    }
}

/// Why a page could not be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// Okta does not accept the credentials: nothing can be had.
    Rejected(String),
    /// Okta does not answer properly, repeatedly: transient trouble, the position in a listing holds.
    Failed(String),
    /// Okta does not take the request as it is: the org does not support the question.
    Refused(String),
    /// This may not be read: a scope or an admin role is missing, or this endpoint alone does not take the token.
    Unavailable(String),
    /// The org does not have the feature.
    NotApplicable(String),
    /// The object is not there (any more), by Okta's own word.
    Gone,
    /// The position in a listing is no longer valid: Okta has said so twice.
    Expired,
    /// A rate limit lifts only after the time that was given.
    Limited {
        /// Seconds until it lifts.
        retry_after_s: i64,
    },
    /// The time that was given is over.
    OutOfTime,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(text)
            | Self::Failed(text)
            | Self::Refused(text)
            | Self::Unavailable(text)
            | Self::NotApplicable(text) => f.write_str(text),
            Self::Gone => f.write_str("the object does not exist"),
            Self::Expired => f.write_str("the position in the listing is no longer valid"),
            Self::Limited { retry_after_s } => {
                write!(f, "Okta's rate limit lifts in {retry_after_s} s")
            }
            Self::OutOfTime => f.write_str("the run's time is over"),
        }
    }
}

impl std::error::Error for Error {}

/// The HTTP client for orgs: one connection pool, gzip answers, no redirects (a token goes
/// nowhere but to the org).
///
/// # Errors
/// Where no TLS provider is installed or the system's certificates cannot be read.
pub fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .user_agent(concat!("okta-authomize/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .build()
}

const CONNECT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);
/// Longest silence within an answer; the whole answer has no longer either.
const READ_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(60);
