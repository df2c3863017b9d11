//! Doubtful readings, and the looks that decide on them: one request to something that must be there.

use serde::Deserialize;

use super::ask::Answer;
use super::guard;
use super::job::{Key, Scope};

/// The object that a look reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Look {
    /// A user who is in no group Everyone, as every live user is.
    User(String),
    /// Another object, read in the same way, which is known to have so many records.
    Other(Scope, u64),
}

/// A reading that took more away than there is reason to believe.
#[derive(Debug)]
pub(super) struct Doubt {
    pub(super) key: Key,
    pub(super) look: Look,
    /// The ticket of the look that decides on it, once it is sent.
    ticket: Option<u64>,
}

/// Readings that wait for a look.
#[derive(Debug, Default)]
pub(super) struct Looks(Vec<Doubt>);

impl Looks {
    pub(super) fn add(&mut self, key: Key, look: Look) {
        self.0.push(Doubt {
            key,
            look,
            ticket: None,
        });
    }

    /// The next look that is to be sent: its job, and what is looked at.
    pub(super) fn next(&self) -> Option<(&Key, &Look)> {
        self.0
            .iter()
            .find(|doubt| doubt.ticket.is_none())
            .map(|doubt| (&doubt.key, &doubt.look))
    }

    /// Notes that a look was sent. One at another object decides on all doubts of that stream so far.
    pub(super) fn sent(&mut self, key: &Key, ticket: u64) {
        let Some(look) = self
            .0
            .iter()
            .find(|doubt| doubt.key == *key)
            .map(|doubt| doubt.look.clone())
        else {
            return;
        };
        for doubt in self.0.iter_mut().filter(|doubt| doubt.ticket.is_none()) {
            let is_shared = doubt.key.reads == key.reads
                && matches!((&doubt.look, &look), (Look::Other(..), Look::Other(other, _)) if doubt.key.scope != *other);
            if doubt.key == *key || is_shared {
                doubt.ticket = Some(ticket);
            }
        }
    }

    /// The doubts that a look decides on.
    pub(super) fn take(&mut self, ticket: u64) -> Vec<Doubt> {
        self.0
            .extract_if(.., |doubt| doubt.ticket == Some(ticket))
            .collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The verdict of a look on a doubt.
pub(super) enum Verdict {
    Believed,
    /// Not believed, for this reason; `None` where the reading is merely left to the next snapshot.
    Doubted(Option<String>),
}

/// Decides on a doubt.
pub(super) fn judge(doubt: &Doubt, page_items: u64, answer: &Answer) -> Verdict {
    match (&doubt.look, answer) {
        (Look::User(_), Answer::Page { body, .. }) if is_deprovisioned(body) => Verdict::Believed,
        (Look::User(id), Answer::Page { .. }) => Verdict::Doubted(Some(contradiction(id))),
        (Look::Other(_, expected), Answer::Page { body, .. }) => {
            let seen = body.items().map_or(0, |items| items.len() as u64);
            match guard::is_sound(*expected, page_items, seen) {
                true => Verdict::Believed,
                false => Verdict::Doubted(Some(blind(&doubt.key, *expected, seen))),
            }
        }
        (Look::Other(..), Answer::Failed { error }) => {
            Verdict::Doubted(Some(undecided(&doubt.key, error)))
        }
        (Look::Other(_, expected), _) => Verdict::Doubted(Some(blind(&doubt.key, *expected, 0))),
        (Look::User(_), _) => Verdict::Doubted(None),
    }
}

/// Why a user's memberships are not believed.
pub(super) fn contradiction(id: &str) -> String {
    format!(
        "records of user {id}, who is live, are missing in Okta's answer, and no event tells why: nothing of it is \
         forgotten; check the app's admin role in Okta"
    )
}

fn undecided(key: &Key, error: &str) -> String {
    format!(
        "records of {} are missing in Okta's answer, and the request that decides whether to believe it failed: nothing of \
         it is forgotten, and it is read again ({error})",
        key.scope.told()
    )
}

fn blind(key: &Key, expected: u64, seen: u64) -> String {
    format!(
        "records of {} are missing in Okta's answer, and so are others ({seen} seen where {expected} must be): nothing \
         of it is forgotten; check the app's admin role in Okta",
        key.scope.told()
    )
}

pub(super) fn is_deprovisioned(body: &str) -> bool {
    #[derive(Deserialize)]
    struct User {
        status: String,
    }
    serde_json::from_str::<User>(body).is_ok_and(|user| user.status == "DEPROVISIONED")
}
