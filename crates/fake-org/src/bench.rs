//! Large orgs for benchmarks.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::change::{NewApp, Targets};
use crate::clients::Client;
use crate::clock::Clock;
use crate::demo::{DEMO_API_TOKEN, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, log_visits};
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
        Self {
            users: 10_000,
            groups: 500,
            memberships: 39_940,
            apps: 100,
            assignments: 30_500,
            admins: 50,
            idps: 5,
            events: 50_000,
            now,
        }
    }
}

impl Org {
    /// A large org whose objects' texts are made beforehand. Its client is [`DEMO_CLIENT_ID`].
    #[must_use]
    pub fn bench(bench: &BenchOptions) -> Self {
        let mut org = empty(bench.now - SignedDuration::from_hours(24 * 7));
        org.silently(|org| {
            let users: Vec<String> = (0..bench.users).map(|n| org.create_user(person(n))).collect();
            let groups: Vec<String> = (0..bench.groups).map(|n| org.create_group(&format!("Group {n:04}"))).collect();
            for (group, user) in spread(&groups, &users, bench.memberships) {
                org.members.put(group, user, Value::Null);
            }
            let apps: Vec<String> = (0..bench.apps)
                .map(|n| org.create_app(NewApp::new("salesforce", &format!("App {n:03}"), "SAML_2_0")))
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
        org.streamed = Some(Streamed { count: users, group });
        org
    }

    /// Gives so many users another title; each change is an event.
    pub fn change_users(&mut self, count: usize) {
        let users: Vec<String> = self.users.ids().take(count).map(str::to_owned).collect();
        for user in users {
            self.update_user(&user, |profile| drop(profile.insert("title".into(), "Senior Analyst".into())));
        }
    }

    /// Makes every text that lists are joined from.
    fn warm(&mut self) {
        self.log.warm();
        self.users.rows().chain(self.groups.rows()).chain(self.apps.rows()).for_each(|row| {
            row.text();
        });
        self.app_users.tables().flat_map(|(_, table)| table.rows()).for_each(|row| {
            row.text();
        });
    }
}

fn empty(now: Timestamp) -> Org {
    let mut org = Org::new(Options { clock: Clock::Simulated(now), ..Options::default() });
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
fn spread<'a>(parents: &'a [String], children: &'a [String], pairs: usize) -> impl Iterator<Item = (&'a str, &'a str)> {
    let (width, height) = (parents.len().max(1), children.len().max(1));
    (0..pairs).map(move |n| {
        let parent = n % width;
        let child = (n / width + parent * 37) % height;
        (parents[parent].as_str(), children[child].as_str())
    })
}
