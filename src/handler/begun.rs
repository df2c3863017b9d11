//! Requests that are begun and not yet answered, by the thing that they wait for.

use std::collections::HashMap;

use crate::okta::Org;

/// The requests of a run that have no answer.
#[derive(Debug, Default)]
pub(super) struct Begun {
    /// Limit and kind of each, as far as the limit was known when it was begun.
    by_ticket: HashMap<u64, (usize, String)>,
    by_limit: HashMap<usize, usize>,
    by_kind: HashMap<String, usize>,
}

impl Begun {
    /// Whether one more request, for this path, should be begun.
    pub(super) fn has_room(&self, org: &Org, path: &str) -> bool {
        let of_limit = self.by_limit.get(&org.limit_of(path));
        let of_kind = self.by_kind.get(&Org::kind_of(path));
        org.has_room(
            path,
            of_limit.copied().unwrap_or_default(),
            of_kind.copied().unwrap_or_default(),
        )
    }

    pub(super) fn add(&mut self, org: &Org, ticket: u64, path: &str) {
        let (limit, kind) = (org.limit_of(path), Org::kind_of(path));
        *self.by_limit.entry(limit).or_default() += 1;
        *self.by_kind.entry(kind.clone()).or_default() += 1;
        self.by_ticket.insert(ticket, (limit, kind));
    }

    pub(super) fn remove(&mut self, ticket: u64) {
        let Some((limit, kind)) = self.by_ticket.remove(&ticket) else {
            return;
        };
        let less = |count: &mut usize| *count = count.saturating_sub(1);
        self.by_limit.entry(limit).and_modify(less);
        self.by_kind.entry(kind).and_modify(less);
    }
}
