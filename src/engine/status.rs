//! The status of a user, as events and answers say it.

use serde::{Deserialize, Serialize};

/// A status of a user that events name.
/// <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/User/>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Staged,
    Suspended,
    LockedOut,
    Deprovisioned,
    /// Any other one.
    Other,
}

/// The status of an object, if it has one.
pub(super) fn status_of(body: &str) -> Option<Status> {
    #[derive(Deserialize)]
    struct User {
        status: String,
    }
    let user = serde_json::from_str::<User>(body).ok()?;
    Some(match user.status.as_str() {
        "STAGED" => Status::Staged,
        "SUSPENDED" => Status::Suspended,
        "LOCKED_OUT" => Status::LockedOut,
        "DEPROVISIONED" => Status::Deprovisioned,
        _ => Status::Other,
    })
}

/// Whether an answer is a user who was deactivated.
pub(super) fn is_deprovisioned(body: &str) -> bool {
    status_of(body) == Some(Status::Deprovisioned)
}
