//! Problems that end a load: Lambda's `errorType` and a message with the remedy.

use std::fmt;

/// A load that cannot go on. Nothing was purged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The `errorType`, which alarms match on.
    pub kind: &'static str,
    /// The message: problem, place and remedy.
    pub message: String,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl std::error::Error for Failure {}

impl From<fold::Broken> for Failure {
    fn from(broken: fold::Broken) -> Self {
        let remedy = "a committed manifest was changed or is gone: restore the version that was written first";
        Self::new("ManifestDamaged", format!("{broken}; {remedy}"))
    }
}
