//! Large orgs for benchmarks.

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::change::{NewApp, Targets};
use crate::clients::Client;
use crate::clock::Clock;
use crate::demo::{DEMO_API_TOKEN, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, log_visits};
use crate::faults::Failure;
use crate::org::{Options, Org};
use crate::streamed::Streamed;
use crate::users::NewUser;

/// How large a benchmark's org is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BenchOptions {
    /// Active users.
    pub users: usize,
    /// Groups, over which memberships are spread evenly.
    pub groups: usize,
    /// Memberships of all groups together.
    pub memberships: usize,
    /// Apps, over which assignments are spread evenly.
    pub apps: usize,
    /// Direct assignments of all apps together.
    pub assignments: usize,
    /// Users with a role.
    pub admins: usize,
    /// Identity providers.
    pub idps: usize,
    /// Events of the last week, 1.5 to 2 kB each.
    pub events: usize,
    /// The time at first; the org's clock is simulated.
    pub now: Timestamp,
}

impl BenchOptions {
    /// 10,000 users, 500 groups with 39,940 memberships, 100 apps with 30,500 assignments, 50 admins, 5 identity
    /// providers, 50,000 events.
    #[must_use]
    pub fn large(now: Timestamp) -> Self {
        Self::of_users(10_000, now)
    }

    /// As [`Self::large`], all in the proportion of another number of users but for what every org has few of: 50 admins,
    /// 5 identity providers, at least 100 apps and 100 groups.
    #[must_use]
    pub fn of_users(users: usize, now: Timestamp) -> Self {
        Self {
            users,
            groups: (users / 20).max(100),
            memberships: users * 3_994 / 1_000,
            apps: (users / 1_000).max(100),
            assignments: users * 305 / 100,
            admins: 50,
            idps: 5,
            events: 50_000,
            now,
        }
    }
}

/// A kind of change that a bench org makes many of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Another title of so many users.
    Profiles,
    /// So many users join a group, each another one.
    Memberships,
    /// So many users are assigned one app.
    Assignments,
    /// A factor of so many users.
    Factors,
}

impl FromStr for Change {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Ok(match name {
            "profiles" => Self::Profiles,
            "memberships" => Self::Memberships,
            "assignments" => Self::Assignments,
            "factors" => Self::Factors,
            _ => {
                return Err(format!(
                    "expected profiles, memberships, assignments or factors, not {name}"
                ));
            }
        })
    }
}

impl Org {
    /// A large org whose objects' texts are made beforehand. Its client is [`DEMO_CLIENT_ID`].
    #[must_use]
    pub fn bench(bench: &BenchOptions) -> Self {
        let mut org = empty(bench.now - SignedDuration::from_hours(24 * 7));
        org.silently(|org| {
            let users: Vec<String> = (0..bench.users)
                .map(|n| org.create_user(person(n)))
                .collect();
            let groups: Vec<String> = (0..bench.groups)
                .map(|n| org.create_group(&format!("Group {n:04}")))
                .collect();
            for (group, user) in spread(&groups, &users, bench.memberships) {
                org.members.put(group, user, Value::Null);
            }
            let apps: Vec<String> = (0..bench.apps)
                .map(|n| {
                    org.create_app(NewApp::new(
                        "salesforce",
                        &format!("App {n:03}"),
                        "SAML_2_0",
                    ))
                })
                .collect();
            for (app, user) in spread(&apps, &users, bench.assignments) {
                org.assign_user(app, user);
            }
            for user in users.iter().take(bench.admins) {
                org.assign_role(user, "READ_ONLY_ADMIN", &Targets::default());
            }
            (0..bench.idps).for_each(|n| drop(org.create_idp("OIDC", &format!("Provider {n}"))));
        });
        log_visits(&mut org, bench.events, bench.now);
        org.options.clock = Clock::Simulated(bench.now);
        org.warm();
        org
    }

    /// An org of so many users, all of them members of its only group, who are made while they are listed and never
    /// held. Its client is [`DEMO_CLIENT_ID`].
    #[must_use]
    pub fn streamed(users: u64, now: Timestamp) -> Self {
        let mut org = empty(now);
        let group = org.silently(|org| org.create_group("Everybody at once"));
        org.streamed = Some(Streamed {
            count: users,
            group,
        });
        org
    }

    /// Makes so many changes, each of another user; each is an event.
    pub fn change(&mut self, change: Change, count: usize) {
        let ids: Vec<String> = self.users.ids().take(count).map(str::to_owned).collect();
        let groups: Vec<String> = self.groups.ids().map(str::to_owned).collect();
        let app = self
            .apps
            .ids()
            .next()
            .map(str::to_owned)
            .unwrap_or_default();
        for (n, id) in ids.iter().enumerate() {
            match change {
                Change::Profiles => {
                    self.update_user(id, |profile| {
                        drop(profile.insert("title".into(), "Senior Analyst".into()))
                    });
                }
                Change::Memberships => {
                    // One that it is not in already.
                    let at = (0..groups.len()).map(|by| (n + by) % groups.len());
                    let other = at
                        .map(|at| &groups[at])
                        .find(|group| !self.members.contains(group, id));
                    if let Some(group) = other {
                        self.add_member(group, id);
                    }
                }
                Change::Assignments => {
                    self.unassign_user(&app, id);
                    self.assign_user(&app, id);
                }
                Change::Factors => drop(self.enroll_factor(id, "push")),
            }
        }
    }

    /// Refuses to tell the factors of so many users, spread over all, for good.
    pub fn refuse_factors(&mut self, users: usize) {
        let body = r#"{"errorCode":"E0000006","errorSummary":"You do not have permission to perform the requested action"}"#;
        let step = (self.users.ids().count() / users.max(1)).max(1);
        let ids: Vec<String> = self
            .users
            .ids()
            .step_by(step)
            .take(users)
            .map(str::to_owned)
            .collect();
        for id in ids {
            self.fail(
                format!("GET /api/v1/users/{id}/factors").as_str(),
                u64::MAX,
                Failure::Status(403, body.into()),
            );
        }
    }

    /// Lets a request for the members of the first group wait for an hour.
    pub fn hang_a_group(&mut self) {
        let id = self.groups.ids().next().map(str::to_owned);
        if let Some(id) = id {
            self.fail(
                format!("GET /api/v1/groups/{id}/users").as_str(),
                u64::MAX,
                Failure::Stall(3_600_000),
            );
        }
    }

    /// Makes every text that lists are joined from.
    fn warm(&mut self) {
        self.log.warm();
        self.users
            .rows()
            .chain(self.groups.rows())
            .chain(self.apps.rows())
            .for_each(|row| {
                row.text();
            });
        self.app_users
            .tables()
            .flat_map(|(_, table)| table.rows())
            .for_each(|row| {
                row.text();
            });
    }
}

fn empty(now: Timestamp) -> Org {
    let mut org = Org::new(Options {
        clock: Clock::Simulated(now),
        ..Options::default()
    });
    org.add_client(Client::with_secret(DEMO_CLIENT_ID, DEMO_CLIENT_SECRET));
    org.add_api_token(DEMO_API_TOKEN);
    org
}

fn person(n: usize) -> NewUser {
    let mut user = NewUser::named(&format!("First{n}"), &format!("Last{n}"));
    let (number, department) = (format!("{n:05}"), format!("Department {}", n % 40));
    for (key, value) in [
        ("employeeNumber", number.as_str()),
        ("department", &department),
        ("title", "Analyst"),
        ("city", "Berlin"),
        ("countryCode", "DE"),
        ("userType", "Employee"),
        ("organization", "Acme"),
    ] {
        user = user.with(key, value);
    }
    user
}

/// So many different pairs, spread evenly over the parents.
fn spread<'a>(
    parents: &'a [String],
    children: &'a [String],
    pairs: usize,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let (width, height) = (parents.len().max(1), children.len().max(1));
    (0..pairs).map(move |n| {
        let parent = n % width;
        let child = (n / width + parent * 37) % height;
        (parents[parent].as_str(), children[child].as_str())
    })
}
