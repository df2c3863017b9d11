//! Requests to the org: counts by path template and, when wanted, a journal of every request.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::message::{Request, Response};

/// Counts since the org began or since they were last reset.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Counts {
    /// Requests by method and path template, such as `GET /api/v1/groups/{id}/users`.
    pub requests: BTreeMap<String, u64>,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Answers 429.
    pub rate_limited: u64,
    /// Bytes of all bodies, before compression.
    pub bytes_out: u64,
    /// The most requests that were under way at once.
    pub max_concurrency: u64,
}

impl Counts {
    /// Requests of all templates together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.requests.values().sum()
    }

    /// Requests of one template, such as `GET /api/v1/users`.
    #[must_use]
    pub fn of(&self, template: &str) -> u64 {
        self.requests.get(template).copied().unwrap_or(0)
    }

    pub(crate) fn add(&mut self, template: String, response: &Response) {
        *self.requests.entry(template).or_default() += 1;
        *self.statuses.entry(response.status).or_default() += 1;
        self.rate_limited += u64::from(response.status == 429);
        self.bytes_out += response.body.len() as u64;
    }
}

/// One request in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// 1, 2, 3, … in the order of the answers.
    pub sequence: u64,
    /// The org's time.
    pub at: Timestamp,
    /// `GET`, `POST`, ….
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// The answer's status; 0 for a reset connection.
    pub status: u16,
}

impl JournalEntry {
    pub(crate) fn new(
        sequence: u64,
        at: Timestamp,
        request: &Request,
        response: &Response,
    ) -> Self {
        let query = if request.query.is_empty() {
            String::new()
        } else {
            format!("?{}", request.query)
        };
        let target = format!("{}{query}", request.path);
        Self {
            sequence,
            at,
            method: request.method.clone(),
            target,
            status: response.status,
        }
    }
}
