//! Sins that the company has put up with since it was founded: each is a finding of posture.

use jiff::SignedDuration;

use crate::change::{NewApp, Targets};
use crate::clock::{at_ms, okta_time};
use crate::org::Org;
use crate::users::NewUser;

/// A company this large has sins, and is attacked; smaller ones are for tests that want neither.
pub(super) const LEAST_PEOPLE: u32 = 100;

/// Title of people who never sign in.
pub(super) const ON_LEAVE: &str = "On leave";
/// Title of accounts that no person signs in to.
pub(super) const SERVICE_ACCOUNT: &str = "Service account";

/// Login of the super admin who has not signed in for over half a year, until the attack.
pub(super) const DORMANT_ADMIN: &str = "margaret.hale@acme.com";

/// Label of an app that nobody is given any more.
pub(super) const FORGOTTEN_APP: &str = "Old Wiki";
/// Name of a group that nobody joins.
pub(super) const EMERGENCY_GROUP: &str = "Emergency Access";

pub(super) fn commit(org: &mut Org, staff: &[String]) {
    dormant_super_admin(org);
    shared_account(org);
    imported_admins(org, staff);
    unused_apps(org, staff);
    expiring_idp(org);
    partners_idp(org);
    org.create_custom_role("Auditor (draft)", &["okta.users.read", "okta.logs.read"]);
}

/// Somebody who does not sign in: created long ago, with the last sign-in so many days ago.
fn sleeper(
    org: &mut Org,
    first: &str,
    last: &str,
    title: &str,
    login: &str,
    days_ago: Option<i64>,
) -> String {
    let user = NewUser::named(first, last)
        .with("login", login)
        .with("email", login)
        .with("title", title);
    let id = org.create_user(user);
    let now_ms = org.now().as_millisecond();
    let ago = |days: i64| okta_time(at_ms(now_ms) - SignedDuration::from_hours(24 * days));
    let created = ago(900);
    let last_login = days_ago.map(ago);
    org.edit_user(&id, |user| {
        user["created"] = created.clone().into();
        user["activated"] = created.into();
        user["lastLogin"] = last_login.into();
    });
    id
}

/// An emergency account of old, super admin through a group.
fn dormant_super_admin(org: &mut Org) {
    let hale = sleeper(org, "Margaret", "Hale", ON_LEAVE, DORMANT_ADMIN, Some(200));
    org.enroll_factor(&hale, "sms");
    let emergency = org.create_group(EMERGENCY_GROUP);
    org.add_member(&emergency, &hale);
    org.assign_role(&emergency, "SUPER_ADMIN", &Targets::default());
    sleeper(
        org,
        "Frederick",
        "Hale",
        ON_LEAVE,
        "frederick.hale@acme.com",
        Some(150),
    );
}

/// An account that a script uses, with a person's rights and no second factor.
fn shared_account(org: &mut Org) {
    let account = sleeper(
        org,
        "Provisioning",
        "Service",
        SERVICE_ACCOUNT,
        "svc-provisioning@acme.com",
        None,
    );
    org.assign_role(&account, "APP_ADMIN", &Targets::default());
}

/// A group of the directory on premises whose members are admins here.
fn imported_admins(org: &mut Org, staff: &[String]) {
    let directory = org
        .apps
        .rows()
        .find(|row| row.value["name"] == "active_directory")
        .map(|row| row.id.clone());
    let Some(directory) = directory else { return };
    let operators = org.import_group("acme.local – Okta Operators", &directory);
    for user in staff.iter().skip(8).take(2) {
        org.add_member(&operators, user);
    }
    org.assign_role(&operators, "GROUP_MEMBERSHIP_ADMIN", &Targets::default());
}

/// An app that only sleepers are assigned to, and a service app with an admin role that takes no token any more.
fn unused_apps(org: &mut Org, staff: &[String]) {
    let wiki = org.create_app(NewApp::new("mediawiki", FORGOTTEN_APP, "SAML_2_0"));
    let sleepers: Vec<String> = org
        .users
        .rows()
        .filter(|row| row.value["profile"]["title"] == ON_LEAVE)
        .map(|row| row.id.clone())
        .collect();
    for user in &sleepers {
        org.assign_user(&wiki, user);
    }
    let legacy = org.create_app(NewApp::service(
        "Legacy Provisioner",
        "0oaLegacyProv0000697",
    ));
    if !staff.is_empty() {
        org.assign_role(&legacy, "ORG_ADMIN", &Targets::default());
    }
}

/// Name of the IdP whose certificate is replaced by whoever attacks the company.
pub(super) const PARTNERS_IDP: &str = "Partner SSO";

/// An IdP of a partner, whose certificate Okta trusts.
fn partners_idp(org: &mut Org) {
    org.create_idp("SAML2", PARTNERS_IDP);
}

/// An IdP whose signing key is about to expire at the end of the demo's first run.
fn expiring_idp(org: &mut Org) {
    let idp = org.create_idp("SAML2", "Regional SSO");
    let expires =
        okta_time(at_ms(org.now().as_millisecond()) + SignedDuration::from_hours(24 * 130));
    org.idp_keys.edit(&format!("kid-{idp}"), |key| {
        key["expiresAt"] = expires.into()
    });
}
