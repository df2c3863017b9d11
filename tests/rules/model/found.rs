//! A small org to begin with.

use fake_org::{Client, Clock, NewApp, NewUser, Options, Org};

use super::Rng;
use super::mutations::MUTATIONS;
use crate::support::rig::{CLIENT, PASSWORD};

const START: &str = "2026-11-23T18:00:00Z";
/// One of each, so that every change finds what it changes.
const STATUSES: [&str; 6] = [
    "ACTIVE",
    "STAGED",
    "SUSPENDED",
    "LOCKED_OUT",
    "ACTIVE",
    "DEPROVISIONED",
];
/// What ties objects together.
const TIES: [&str; 13] = [
    "add_member",
    "add_member",
    "add_member",
    "assign_user",
    "assign_user",
    "assign_group",
    "enroll_factor",
    "assign_role",
    "assign_role",
    "assign_custom_role",
    "link_idp_user",
    "link_idp_user",
    "import_memberships",
];

/// An org whose log tells nothing of how it came to be. A `rich` one has something of everything.
pub fn found(rng: &mut Rng, rich: bool, everyone: bool) -> Org {
    let clock = Clock::Simulated(START.parse().unwrap());
    let (quiet_effects, late_rules) = (rng.bool(), rng.bool());
    let mut org = Org::new(Options {
        clock,
        seed: rng.u64(..),
        quiet_effects,
        late_rules,
        ..Options::default()
    });
    org.add_client(Client::with_secret(CLIENT, PASSWORD));
    org.silently(|org| {
        if everyone {
            org.create_everyone();
        }
        populate(org, rng, rich);
    });
    org
}

/// Adds something of everything.
pub fn supply(org: &mut Org, rng: &mut Rng) {
    populate(org, rng, true);
}

fn populate(org: &mut Org, rng: &mut Rng, rich: bool) {
    let mut some = |least: usize, most: usize| if rich { least } else { rng.usize(0..=most) };
    let (users, groups, apps, services, idps, roles) = (
        some(6, 8),
        some(2, 4),
        some(1, 3),
        some(1, 1),
        some(1, 2),
        some(1, 2),
    );
    // No org is without a user: who sees none has no right to see any.
    for n in 0..users.max(1) {
        let status = STATUSES[if rich { n } else { rng.usize(..STATUSES.len()) }];
        org.create_user(NewUser::named(&format!("Ada{}", rng.u32(..)), "Lovelace").status(status));
    }
    (0..groups).for_each(|n| drop(org.create_group(&format!("Group {n}"))));
    (0..apps).for_each(|n| {
        drop(org.create_app(NewApp::new("slack", &format!("Slack {n}"), "SAML_2_0")))
    });
    (0..services).for_each(|_| {
        drop(org.create_app(NewApp::service(
            "Reports",
            &format!("0oaReports{:010}", rng.u32(..)),
        )))
    });
    (0..idps).for_each(|n| drop(org.create_idp(["OIDC", "SAML2"][n % 2], &format!("IdP {n}"))));
    for n in 0..roles {
        org.create_custom_role(&format!("Role {n}"), &["okta.users.read"]);
        org.create_resource_set(&format!("Set {n}"), &["/api/v1/users"]);
    }
    if let Some(app) = org.state().apps.first().filter(|_| rich || rng.bool()) {
        org.import_group("Imported", app);
    }
    for tie in TIES
        .iter()
        .filter(|_| rich || rng.u8(..4) > 0)
        .collect::<Vec<_>>()
    {
        let (.., act) = MUTATIONS.iter().find(|(name, ..)| name == tie).unwrap();
        act(org, rng);
    }
}
