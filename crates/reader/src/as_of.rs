//! A bucket as it was: without the manifests that were committed after a time, or after another one.

use jiff::Timestamp;

use crate::manifest::{Manifest, manifest_prefix, sequence_of};
use crate::objects::{Objects, ObjectsError};

/// Objects without an integration's manifests from a sequence on.
pub struct AsOf<'a> {
    objects: &'a dyn Objects,
    prefix: String,
    integration: String,
    /// The first manifest that is left out.
    until: u64,
}

impl<'a> AsOf<'a> {
    /// Leaves out the first manifest that was committed after `time`, and its successors.
    ///
    /// # Errors
    /// An object cannot be had.
    pub fn new(
        objects: &'a dyn Objects,
        prefix: &str,
        integration: &str,
        time: Timestamp,
    ) -> Result<Self, ObjectsError> {
        let mut until = u64::MAX;
        for key in objects.list(&manifest_prefix(prefix, integration))? {
            let Some(sequence) = sequence_of(&key, prefix, integration) else {
                continue;
            };
            let manifest = objects
                .get(&key)?
                .and_then(|bytes| Manifest::parse(&bytes).ok());
            // An unreadable manifest stays: the reader reports its fault.
            if manifest.is_some_and(|manifest| manifest.committed_at > time) {
                until = until.min(sequence);
            }
        }
        Ok(Self {
            objects,
            prefix: prefix.to_owned(),
            integration: integration.to_owned(),
            until,
        })
    }

    /// Leaves out the manifests after `sequence`.
    #[must_use]
    pub fn manifest(
        objects: &'a dyn Objects,
        prefix: &str,
        integration: &str,
        sequence: u64,
    ) -> Self {
        let until = sequence.saturating_add(1);
        Self {
            objects,
            prefix: prefix.to_owned(),
            integration: integration.to_owned(),
            until,
        }
    }

    fn shows(&self, key: &str) -> bool {
        sequence_of(key, &self.prefix, &self.integration)
            .is_none_or(|sequence| sequence < self.until)
    }
}

impl Objects for AsOf<'_> {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, ObjectsError> {
        if self.shows(key) {
            self.objects.get(key)
        } else {
            Ok(None)
        }
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectsError> {
        let mut keys = self.objects.list(prefix)?;
        keys.retain(|key| self.shows(key));
        Ok(keys)
    }
}
