//! Sign-ins and what people do with them, as the log tells it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Map, Value};

use super::company::{AGENTS, OFFICES, Office};
use super::sins;
use crate::event::{Event, Origin, Party};
use crate::org::Org;
use crate::table::Row;

const BEHAVIORS: &str = "{New Device=NEGATIVE, New IP=NEGATIVE}";

/// One visit: policy, session, second factor, apps; at most so many events. It is persisted at once and published over
/// the seconds before.
pub(super) fn visit(org: &mut Org, rng: &mut StdRng, most: usize) {
    let Some(user) = someone(org, rng) else {
        return;
    };
    let visit = Visit::begin(org, rng, &user);
    let apps: Vec<String> = org.app_users.parents(&user).map(str::to_owned).collect();
    let mut events = opening(&visit);
    if rng.random_bool(0.8) && passes_a_factor(org, &user) {
        events.push(second_factor(&visit, &user));
    }
    for second in 0..rng.random_range(1..5) {
        let Some(app) = apps.choose(rng) else { break };
        let event = visit.event(
            "user.authentication.sso",
            5 + second * 2,
            &format!("/app/{app}/sso/saml"),
        );
        events.push(
            event
                .on(org.app_party(app))
                .on(org.app_user_party(app, &user))
                .debug("signOnMode", "SAML 2.0")
                .debug("initiationType", "SP_INITIATED"),
        );
    }
    if rng.random_bool(0.1) {
        events.push(visit.event("user.session.end", 14, "/login/signout"));
    }
    events
        .into_iter()
        .take(most)
        .for_each(|event| org.append_compact(event));
    // The session's time, as the events tell it.
    let signed_in = crate::clock::okta_time(visit.began + SignedDuration::from_secs(1));
    org.edit_user(&user, |user| user["lastLogin"] = signed_in.into());
}

/// The policy's verdict, and the session that follows.
fn opening(visit: &Visit) -> Vec<Event> {
    let policy = Party::new(
        "PolicyEntity",
        "00pDefaultPolicy0697",
        "unknown",
        "Default Policy",
    );
    vec![
        visit
            .event("policy.evaluate_sign_on", 0, "/api/v1/authn")
            .on(policy),
        visit
            .event("user.session.start", 1, "/api/v1/authn")
            .on(visit.actor.clone()),
    ]
}

fn second_factor(visit: &Visit, user: &str) -> Event {
    let factor = Party::new(
        "AuthenticatorEnrollment",
        &format!("opf{}", &user[3..]),
        "unknown",
        "Okta Verify",
    );
    let path = "/api/v1/authn/factors/verify";
    visit
        .event("user.authentication.auth_via_mfa", 3, path)
        .on(visit.actor.clone())
        .on(factor)
        .debug("factor", "OKTA_VERIFY_PUSH")
}

/// Whether somebody has a second factor: one that shows, or, of one in twenty of the others, one that Okta shows to the
/// company's own network only.
fn passes_a_factor(org: &Org, user: &str) -> bool {
    let is_strong = |factor: &serde_json::Value| factor["factorType"] != "question";
    let number = user
        .bytes()
        .fold(0_u32, |sum, byte| sum * 31 % 9_973 + u32::from(byte));
    org.factors(user).iter().any(is_strong) || number % 20 == 0
}

/// A sign-in with a wrong password.
pub(super) fn failed_sign_in(org: &mut Org, rng: &mut StdRng) {
    let Some(user) = someone(org, rng) else {
        return;
    };
    let visit = Visit::begin(org, rng, &user);
    let event = visit
        .event("user.session.start", 14, "/api/v1/authn")
        .on(visit.actor.clone());
    org.append_compact(event.failed("INVALID_CREDENTIALS"));
}

/// A service of the company gets an access token.
pub(super) fn service(org: &mut Org, rng: &mut StdRng) {
    let (id, name) = if rng.random_bool(0.5) {
        ("0oaPayrollSync000697", "Payroll Sync")
    } else {
        ("0oaTerraform00000697", "Terraform")
    };
    let event = Event::new("app.oauth2.token.grant.access_token")
        .by(Party::new("PublicClientApp", id, id, name))
        .on(Party::new(
            "access_token",
            &format!("AT.{}", org.ids.token(32)),
            "",
            "Access Token",
        ))
        .debug("grantType", "client_credentials")
        .debug("grantedScopes", "okta.users.read, okta.groups.read");
    let origin = Arc::new(origin(&OFFICES[1], 17, 3));
    org.append_compact(Event {
        origin: Some(origin),
        ..event
    });
}

/// An active person who is not on leave.
pub(super) fn someone(org: &Org, rng: &mut StdRng) -> Option<String> {
    let signs_in = |row: &Row| {
        row.value["status"] == "ACTIVE"
            && ![sins::ON_LEAVE, sins::SERVICE_ACCOUNT]
                .iter()
                .any(|title| row.value["profile"]["title"] == **title)
    };
    org.users
        .pick(rng.random(), signs_in)
        .map(|row| row.id.clone())
}

struct Visit {
    actor: Party,
    origin: Arc<Origin>,
    session: String,
    context: Arc<Map<String, Value>>,
    began: Timestamp,
}

impl Visit {
    fn begin(org: &mut Org, rng: &mut StdRng, user: &str) -> Self {
        let home = home(user);
        let office = &OFFICES[home % OFFICES.len()];
        let host = u8::try_from(home % 250).unwrap_or(0);
        // One visit in fifty was stuck on its way into the log.
        let late = if rng.random_bool(0.02) {
            rng.random_range(300..1500)
        } else {
            16
        };
        Self {
            actor: org.user_party(user),
            origin: Arc::new(origin(office, host, home % 3)),
            session: org.ids.next("102"),
            context: Arc::new(context(&org.ids.token(27))),
            began: org.now() - SignedDuration::from_secs(late),
        }
    }

    fn event(&self, event_type: &'static str, second: i64, uri: &str) -> Event {
        let event = Event::new(event_type)
            .by(self.actor.clone())
            .published_at(self.began + SignedDuration::from_secs(second))
            .debug("requestUri", uri);
        Event {
            origin: Some(Arc::clone(&self.origin)),
            session: Some(self.session.clone()),
            context: Some(Arc::clone(&self.context)),
            ..event
        }
    }
}

/// A number that stays with a person: office, address and device come from it.
fn home(user: &str) -> usize {
    user.bytes().fold(0_usize, |sum, byte| {
        (sum * 31 + usize::from(byte)) % 100_003
    })
}

fn context(request: &str) -> Map<String, Value> {
    let members = [
        ("requestId", request.to_owned()),
        ("threatSuspected", "false".to_owned()),
        ("behaviors", BEHAVIORS.to_owned()),
        ("risk", "{level=LOW}".to_owned()),
    ];
    members
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.into()))
        .collect()
}

pub(super) fn origin(office: &Office, host: u8, agent: usize) -> Origin {
    let (number, name, domain) = office.network;
    Origin {
        ip: format!("{}.{host}", office.net),
        place: [
            office.city.into(),
            office.state.into(),
            office.country.into(),
            office.postal.into(),
        ],
        position: office.position,
        agent: AGENTS[agent].map(Into::into),
        network: (number, name.into(), domain.into()),
    }
}
