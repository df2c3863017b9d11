//! The org: what it holds, its clock, and the way of a request through it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::access::Denial;
use crate::clients::Credentials;
use crate::clock::Clock;
use crate::counts::{Counts, JournalEntry};
use crate::demo::Life;
use crate::event::Party;
use crate::faults::{Failure, Faults, Matcher};
use crate::ids::Ids;
use crate::limits::{Class, Limits, Others, WindowUse, Windows};
use crate::log::Log;
use crate::mishaps::Mishaps;
use crate::paging::Links;
use crate::streamed::Streamed;
use crate::table::{Relation, Table};
use crate::unseen::Unseen;

/// An org's features and behaviour.
#[derive(Clone, Debug)]
pub struct Options {
    /// Public origin, in links and tokens: `https://acme.okta.com`.
    pub domain: String,
    /// Id of the org itself.
    pub org_id: String,
    /// Of all ids, uuids and tokens.
    pub seed: u64,
    /// Real or simulated time.
    pub clock: Clock,
    /// Rate limits; unlimited by default.
    pub limits: Limits,
    /// How links are written.
    pub links: Links,
    /// Lifetime of access tokens in seconds.
    pub token_seconds: i64,
    /// Lifetime of paging cursors in seconds; without one they live for ever.
    pub cursor_seconds: Option<u64>,
    /// Every answer over HTTP takes this long, in milliseconds.
    pub latency_ms: u64,
    /// Keep a journal of all requests.
    pub journal: bool,
    /// Consequences of a change log nothing: what activation, deactivation and deletion of a user give
    /// and take, app users that an assignment of a group gives and takes.
    pub quiet_effects: bool,
    /// The events of each user that a group rule moves come late, see [`Org::late`].
    pub late_rules: bool,
    /// Scopes that the org does not know: a token request that names one is refused as a whole.
    pub unknown_scopes: Vec<String>,
    /// The API wants its nonce in every DPoP proof, too.
    pub api_nonce: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            domain: "https://acme.okta.com".into(),
            org_id: "00oAcmeFakeOrg000697".into(),
            seed: 7,
            clock: Clock::Real,
            limits: Limits::none(),
            links: Links::default(),
            token_seconds: 3600,
            cursor_seconds: None,
            latency_ms: 0,
            journal: false,
            quiet_effects: false,
            late_rules: false,
            unknown_scopes: Vec::new(),
            api_nonce: false,
        }
    }
}

/// A fake Okta org. See the crate's documentation.
#[derive(Debug)]
pub struct Org {
    /// May be changed at any time.
    pub options: Options,
    pub(crate) ids: Ids,
    /// Tokens and nonces draw from here, so that they do not move the ids of objects.
    pub(crate) secrets: Ids,
    pub(crate) users: Table,
    pub(crate) groups: Table,
    /// Group to user.
    pub(crate) members: Relation,
    pub(crate) apps: Table,
    /// App to user.
    pub(crate) app_users: Relation,
    /// App to group.
    pub(crate) app_groups: Relation,
    /// User to factor.
    pub(crate) factors: Relation,
    /// Principal (user, group, client) to role assignment.
    pub(crate) assignments: Relation,
    /// `principal:assignment` to the ids of target groups and apps.
    pub(crate) role_targets: Relation,
    pub(crate) custom_roles: Table,
    /// Custom role to permission.
    pub(crate) permissions: Relation,
    pub(crate) resource_sets: Table,
    /// Resource set to resource.
    pub(crate) resources: Relation,
    /// Resource set to custom role.
    pub(crate) bindings: Relation,
    pub(crate) idps: Table,
    /// Identity provider to user.
    pub(crate) idp_users: Relation,
    /// Certificates that providers sign with, by kid.
    pub(crate) idp_keys: Table,
    /// Keys that the org itself signs with, by kid.
    pub(crate) idp_signing_keys: Table,
    pub(crate) life: Option<Life>,
    pub(crate) streamed: Option<Streamed>,
    pub(crate) dpop_nonce: Option<String>,
    pub(crate) log: Log,
    pub(crate) mishaps: Mishaps,
    pub(crate) credentials: Credentials,
    pub(crate) denials: Vec<(Matcher, Denial)>,
    pub(crate) cursor_generation: u64,
    /// Generations of cursors that the org fails on.
    pub(crate) broken_cursors: BTreeSet<u64>,
    pub(crate) unseen: Unseen,
    /// Changes are not logged while this is set.
    pub(crate) silent: bool,
    /// The actor of the changes that are logged.
    pub(crate) actor: Party,
    pub(crate) counts: Counts,
    pub(crate) faults: Faults,
    pub(crate) windows: Windows,
    pub(crate) journal: Vec<JournalEntry>,
    pub(crate) in_flight: u64,
    pub(crate) answered: u64,
}

impl Org {
    /// An empty org.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            ids: Ids::seeded(options.seed),
            secrets: Ids::seeded(options.seed ^ 0x5ec2_e75e_c2e7_5ec2),
            users: Table::default(),
            groups: Table::default(),
            members: Relation::default(),
            apps: Table::default(),
            app_users: Relation::default(),
            app_groups: Relation::default(),
            factors: Relation::default(),
            assignments: Relation::default(),
            role_targets: Relation::default(),
            custom_roles: Table::default(),
            permissions: Relation::default(),
            resource_sets: Table::default(),
            resources: Relation::default(),
            bindings: Relation::default(),
            idps: Table::default(),
            idp_users: Relation::default(),
            idp_keys: Table::default(),
            idp_signing_keys: Table::default(),
            life: None,
            streamed: None,
            dpop_nonce: None,
            log: Log::default(),
            mishaps: Mishaps::default(),
            credentials: Credentials::default(),
            denials: Vec::new(),
            cursor_generation: 0,
            broken_cursors: BTreeSet::new(),
            unseen: Unseen::default(),
            silent: false,
            actor: Party::system(),
            counts: Counts::default(),
            faults: Faults::default(),
            windows: Windows::default(),
            journal: Vec::new(),
            in_flight: 0,
            answered: 0,
            options,
        }
    }

    /// The org's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    /// Simulates time: it is this until it is set again.
    pub fn set_now(&mut self, now: Timestamp) {
        self.options.clock = Clock::Simulated(now);
        self.live();
        self.release_due();
    }

    /// Moves simulated time forward; real time becomes simulated.
    pub fn advance(&mut self, by: SignedDuration) {
        self.set_now(self.now() + by);
    }

    /// Runs changes that the System Log does not see.
    pub fn silently<T>(&mut self, changes: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.silent, true);
        let result = changes(self);
        self.silent = before;
        result
    }

    /// Plans a failure for the next `times` requests that the matcher fits.
    pub fn fail(&mut self, matcher: impl Into<Matcher>, times: u64, failure: Failure) {
        self.faults.plan(matcher.into(), times, failure);
    }

    /// Forgets planned failures.
    pub fn heal(&mut self) {
        self.faults.clear();
    }

    /// Counts requests of others against a class's current window.
    pub fn use_by_others(&mut self, class: Class, requests: u64) {
        let now = self.now();
        self.windows
            .use_by_others(&self.options.limits, class, requests, now);
    }

    /// Lets others use so many requests at the opening of each window to come.
    pub fn set_use_by_others(&mut self, class: Class, per_window: u64) {
        self.set_use_by_others_between(class, per_window, [0, 0]);
    }

    /// Lets others spread so many requests evenly between two seconds of each window to come.
    pub fn set_use_by_others_between(&mut self, class: Class, per_window: u64, seconds: [i64; 2]) {
        let between_ms = seconds.map(|second| second * 1_000);
        self.windows.set_others(
            class,
            Others {
                per_window,
                between_ms,
            },
        );
    }

    /// How each window of a class was used, the open one last. It counts others up to the class's last request.
    #[must_use]
    pub fn windows(&self, class: Class) -> &[WindowUse] {
        self.windows.of(class)
    }

    /// The requests so far.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Begins to count anew; the journal is emptied too.
    pub fn reset_counts(&mut self) {
        self.counts = Counts::default();
        self.journal.clear();
    }

    /// Every request since the last reset, when [`Options::journal`] is set.
    #[must_use]
    pub fn journal(&self) -> &[JournalEntry] {
        &self.journal
    }

    /// Notes that a request is under way; [`crate::serve`] does so by itself.
    pub fn enter(&mut self) {
        self.in_flight += 1;
        self.counts.max_concurrency = self.counts.max_concurrency.max(self.in_flight);
    }

    /// Notes that a request noted by [`Org::enter`] has its answer.
    pub fn leave(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    pub(crate) fn admin_domain(&self) -> String {
        self.options.domain.replacen(".okta", "-admin.okta", 1)
    }
}
