//! How far a purge is.

use serde::{Deserialize, Serialize};

use super::{Census, Evidence, Witness};
use crate::authomize::Trouble;

/// The steps of a purge that are done: the look at the app's items, the request, the looks after it. It is part of the
/// record, so that a load that is cut short goes on after them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Inquiry {
    /// The state for which the app's items are looked at.
    sequence: u64,
    evidence: Evidence,
    census: Census,
    sent: Option<Sent>,
    seen: Vec<Witness>,
}

/// The end of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Why Authomize did not purge; `None` if it did.
    pub trouble: Option<Trouble>,
}

impl Inquiry {
    /// Goes on, unless the state or the knowledge of Authomize has changed. A request that was sent is sent.
    #[must_use]
    pub fn resumed(self, sequence: u64, evidence: &Evidence) -> Self {
        if self.sent.is_some() || (self.sequence == sequence && self.evidence == *evidence) {
            return self;
        }
        Self {
            sequence,
            evidence: evidence.clone(),
            ..Self::default()
        }
    }

    /// The look at the app's items.
    #[must_use]
    pub fn census(&self) -> &Census {
        &self.census
    }

    /// The same, to go on with.
    pub fn census_mut(&mut self) -> &mut Census {
        &mut self.census
    }

    /// The end of the request; `None` as long as it was not sent.
    #[must_use]
    pub fn sent(&self) -> Option<&Sent> {
        self.sent.as_ref()
    }

    /// The request was sent, on this evidence.
    pub fn send(&mut self, trouble: Option<Trouble>) {
        self.sent = Some(Sent { trouble });
    }

    /// Items to look for after the request.
    #[must_use]
    pub fn to_see(&self) -> Vec<Witness> {
        let witnesses = self.evidence.witnesses().into_iter();
        witnesses
            .filter(|witness| !self.seen.contains(witness))
            .collect()
    }

    /// An item was looked for, and nothing is wrong with it.
    pub fn saw(&mut self, witness: Witness) {
        self.seen.push(witness);
    }
}
