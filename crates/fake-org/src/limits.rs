//! Okta's rate limits: a window of 60 seconds for each class of paths, and how they are announced.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::message::Response;

const WINDOW_SECONDS: i64 = 60;
/// What is announced where nothing is limited.
const UNLIMITED: u64 = 100_000;

/// A rate-limit bucket: a class of paths that share one count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// `/oauth2/v1/token`.
    Token,
    /// `/api/v1/users`.
    Users,
    /// `/api/v1/users/{id}`.
    User,
    /// What lies below a user: groups, factors, roles.
    UserParts,
    /// `/api/v1/groups` and what lies below a group.
    Groups,
    /// `/api/v1/groups/{id}`.
    Group,
    /// `/api/v1/apps` and what lies below an app.
    Apps,
    /// `/api/v1/apps/{id}`.
    App,
    /// `/oauth2/v1/clients`.
    Clients,
    /// `/api/v1/iam`.
    Iam,
    /// `/api/v1/idps`.
    Idps,
    /// `/api/v1/logs`.
    Logs,
    /// Everything else.
    Other,
}

/// Requests a minute for each [`Class`].
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Requests a minute; a class that is missing or 0 has no limit.
    pub per_minute: HashMap<Class, u64>,
    /// At most this many requests at once; more are answered 429 with limit 0 and remaining 0.
    pub concurrency: Option<u64>,
    /// Announce every rate header twice, as Okta sometimes does; the second one is the looser.
    pub duplicate_headers: bool,
}

impl Limits {
    /// No limit; a high one is announced.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The buckets of a Workforce org, of which one app may use half, as Okta presets it; 75 requests at once.
    #[must_use]
    pub fn workforce() -> Self {
        Self { concurrency: Some(75), ..Self::default() }
            .set(Class::Token, 150)
            .set(Class::Users, 300)
            .set(Class::User, 1000)
            .set(Class::UserParts, 300)
            .set(Class::Groups, 250)
            .set(Class::Group, 500)
            .set(Class::Apps, 50)
            .set(Class::App, 250)
            .set(Class::Clients, 50)
            .set(Class::Iam, 50)
            .set(Class::Idps, 500)
            .set(Class::Logs, 60)
            .set(Class::Other, 600)
    }

    /// Sets one class's limit; 0 means no limit.
    #[must_use]
    pub fn set(mut self, class: Class, per_minute: u64) -> Self {
        self.per_minute.insert(class, per_minute);
        self
    }

    fn of(&self, class: Class) -> Option<u64> {
        self.per_minute.get(&class).copied().filter(|limit| *limit > 0)
    }
}

/// What the rate headers of one answer say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Announced {
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    pub(crate) reset: i64,
}

impl Announced {
    pub(crate) fn write(self, response: &mut Response, twice: bool) {
        let mut put = |limit: u64, remaining: u64, reset: i64| {
            response.headers.push(("X-Rate-Limit-Limit".into(), limit.to_string()));
            response.headers.push(("X-Rate-Limit-Remaining".into(), remaining.to_string()));
            response.headers.push(("X-Rate-Limit-Reset".into(), reset.to_string()));
        };
        put(self.limit, self.remaining, self.reset);
        if twice {
            put(self.limit * 2, self.remaining + self.limit, self.reset - 1);
        }
    }
}

/// The use of every bucket in its current window.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    open: HashMap<Class, Window>,
    others: HashMap<Class, u64>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    reset: i64,
    used: u64,
}

impl Windows {
    /// Counts a request; `Err` carries the headers of a refusal.
    pub(crate) fn take(&mut self, limits: &Limits, class: Class, now: Timestamp) -> Result<Announced, Announced> {
        let window = self.window(class, now);
        let Some(limit) = limits.of(class) else {
            return Ok(Announced { limit: UNLIMITED, remaining: UNLIMITED - 1, reset: window.reset });
        };
        let reset = window.reset;
        if window.used >= limit {
            return Err(Announced { limit, remaining: 0, reset });
        }
        window.used += 1;
        Ok(Announced { limit, remaining: limit - window.used, reset })
    }

    /// Requests of others in the current window.
    pub(crate) fn use_by_others(&mut self, class: Class, requests: u64, now: Timestamp) {
        self.window(class, now).used += requests;
    }

    /// Requests of others at the opening of every window to come.
    pub(crate) fn set_others(&mut self, class: Class, per_window: u64) {
        self.others.insert(class, per_window);
    }

    fn window(&mut self, class: Class, now: Timestamp) -> &mut Window {
        let now = now.as_second();
        let fresh = Window { reset: now + WINDOW_SECONDS, used: self.others.get(&class).copied().unwrap_or(0) };
        let window = self.open.entry(class).or_insert(fresh);
        if now >= window.reset {
            *window = fresh;
        }
        window
    }
}
