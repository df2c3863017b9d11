//! An error of another's library in words.

use std::error::Error;

/// The error and its causes, each once, from the outermost to the first: `dispatch failure: connection refused`.
/// Their debug form would hold whole answers, and one of Secrets Manager holds the secret.
#[must_use]
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut told = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let words = error.to_string();
        if !told.contains(&words) {
            told = if told.is_empty() {
                words
            } else {
                format!("{told}: {words}")
            };
        }
        next = error.source();
    }
    told
}
