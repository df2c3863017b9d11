//! A set of ids that takes a few bytes for each.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

/// Ids of which the first half of their SHA-256 is kept: the same for two of them is out of the question.
#[derive(Debug, Default, Clone)]
pub struct Ids(HashSet<[u8; 16]>);

impl Ids {
    /// Adds an id.
    pub fn add(&mut self, id: &str) {
        self.0.insert(half(id));
    }

    /// Whether the id was added.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.0.contains(&half(id))
    }

    /// How many different ids were added.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn half(id: &str) -> [u8; 16] {
    *Sha256::digest(id)
        .first_chunk()
        .expect("a SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_there_and_nothing_else() {
        let mut ids = Ids::default();
        assert!(ids.is_empty());
        for id in ["a", "b", "a"] {
            ids.add(id);
        }
        assert!(ids.has("a") && ids.has("b") && !ids.has("c") && !ids.has(""));
        assert_eq!(ids.len(), 2);
    }
}
