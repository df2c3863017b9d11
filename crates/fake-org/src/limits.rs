//! Okta's rate limits: a window of 60 seconds for each class of paths, and how they are announced.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::message::Response;

const WINDOW_SECONDS: i64 = 60;
/// The limit that is announced where nothing is limited.
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
    /// Paths below a user: groups, factors, roles.
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
        Self {
            concurrency: Some(75),
            ..Self::default()
        }
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
        self.per_minute
            .get(&class)
            .copied()
            .filter(|limit| *limit > 0)
    }
}

/// The rate headers of one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Announced {
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    pub(crate) reset: i64,
}

impl Announced {
    pub(crate) fn write(self, response: &mut Response, twice: bool) {
        let mut put = |limit: u64, remaining: u64, reset: i64| {
            response
                .headers
                .push(("X-Rate-Limit-Limit".into(), limit.to_string()));
            response
                .headers
                .push(("X-Rate-Limit-Remaining".into(), remaining.to_string()));
            response
                .headers
                .push(("X-Rate-Limit-Reset".into(), reset.to_string()));
        };
        put(self.limit, self.remaining, self.reset);
        if twice {
            put(self.limit * 2, self.remaining + self.limit, self.reset - 1);
        }
    }
}

/// How one window of a class was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowUse {
    /// When the window ends, in seconds since 1970; it began 60 before.
    pub reset: i64,
    /// Requests that came over HTTP and were let through.
    pub own: u64,
    /// Requests of others that were let through.
    pub others: u64,
    /// Requests of others that were refused because the bucket was empty.
    pub others_refused: u64,
}

impl WindowUse {
    const fn of(reset: i64) -> Self {
        Self {
            reset,
            own: 0,
            others: 0,
            others_refused: 0,
        }
    }

    const fn used(&self) -> u64 {
        self.own + self.others
    }

    fn add_others(&mut self, requests: u64, limit: Option<u64>) {
        let granted = limit.map_or(requests, |limit| {
            requests.min(limit.saturating_sub(self.used()))
        });
        self.others += granted;
        self.others_refused += requests - granted;
    }
}

/// Use of each window by others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Others {
    pub(crate) per_window: u64,
    /// They spread their requests between these milliseconds of the window.
    pub(crate) between_ms: [i64; 2],
}

impl Others {
    /// How many they have made so many milliseconds after the window's opening.
    fn made_by(&self, elapsed_ms: i64) -> u64 {
        let [from, to] = self.between_ms;
        if elapsed_ms >= to {
            return self.per_window;
        }
        let part = u64::try_from((elapsed_ms - from).max(0)).unwrap_or_default();
        self.per_window * part / u64::try_from(to - from).unwrap_or(1).max(1)
    }
}

/// The use of every bucket in its windows.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    /// The last one of each class is open.
    of: HashMap<Class, Vec<WindowUse>>,
    others: HashMap<Class, Others>,
}

impl Windows {
    /// Counts a request; `Err` carries the headers of a refusal.
    pub(crate) fn take(
        &mut self,
        limits: &Limits,
        class: Class,
        now: Timestamp,
    ) -> Result<Announced, Announced> {
        let limit = limits.of(class);
        let window = self.window(limit, class, now);
        let reset = window.reset;
        let Some(limit) = limit else {
            window.own += 1;
            return Ok(Announced {
                limit: UNLIMITED,
                remaining: UNLIMITED - 1,
                reset,
            });
        };
        if window.used() >= limit {
            return Err(Announced {
                limit,
                remaining: 0,
                reset,
            });
        }
        window.own += 1;
        Ok(Announced {
            limit,
            remaining: limit - window.used(),
            reset,
        })
    }

    /// Requests of others in the current window.
    pub(crate) fn use_by_others(
        &mut self,
        limits: &Limits,
        class: Class,
        requests: u64,
        now: Timestamp,
    ) {
        let limit = limits.of(class);
        self.window(limit, class, now).add_others(requests, limit);
    }

    /// Requests of others in every window to come.
    pub(crate) fn set_others(&mut self, class: Class, others: Others) {
        self.others.insert(class, others);
    }

    /// All windows that a class has had.
    pub(crate) fn of(&self, class: Class) -> &[WindowUse] {
        self.of.get(&class).map_or(&[], Vec::as_slice)
    }

    /// The open window, with what others have done by now. Okta opens one with the first request after the last one's end.
    fn window(&mut self, limit: Option<u64>, class: Class, now: Timestamp) -> &mut WindowUse {
        let others = self.others.get(&class);
        let windows = self.of.entry(class).or_default();
        if let Some(window) = windows.last_mut() {
            catch_up(window, others, limit, now);
        }
        if windows
            .last()
            .is_none_or(|window| now.as_second() >= window.reset)
        {
            windows.push(WindowUse::of(
                opens(windows.last(), others, now) + WINDOW_SECONDS,
            ));
        }
        let window = windows
            .last_mut()
            .expect("one was pushed where there was none");
        catch_up(window, others, limit, now);
        window
    }
}

/// When the next window opens, in seconds since 1970: others who ask all the time open it at once.
fn opens(last: Option<&WindowUse>, others: Option<&Others>, now: Timestamp) -> i64 {
    let now = now.as_second();
    match (last, others) {
        (Some(last), Some(_)) => now - (now - last.reset) % WINDOW_SECONDS,
        _ => now,
    }
}

fn catch_up(window: &mut WindowUse, others: Option<&Others>, limit: Option<u64>, now: Timestamp) {
    let Some(others) = others else { return };
    let elapsed_ms = now.as_millisecond() - (window.reset - WINDOW_SECONDS) * 1_000;
    let made = others.made_by(elapsed_ms.min(WINDOW_SECONDS * 1_000));
    window.add_others(
        made.saturating_sub(window.others + window.others_refused),
        limit,
    );
}
