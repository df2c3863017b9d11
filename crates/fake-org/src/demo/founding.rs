//! The company as it is when the demo begins. Nothing of it is logged: it is older than the log.

use jiff::SignedDuration;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::company::{APPS, DEPARTMENTS};
use super::{DEMO_CLIENT_ID, days, people, sins};
use crate::change::{NewApp, Targets};
use crate::clock::Clock;
use crate::org::Org;

const OLDEST_DAYS: i64 = 1800;

/// The status of founders in percent; the rest is active.
const STATUSES: [(&str, u32); 7] = [
    ("DEPROVISIONED", 10),
    ("SUSPENDED", 3),
    ("STAGED", 3),
    ("LOCKED_OUT", 2),
    ("PROVISIONED", 2),
    ("PASSWORD_EXPIRED", 2),
    ("RECOVERY", 1),
];

pub(super) fn found(org: &mut Org, count: u32) {
    let mut rng = StdRng::seed_from_u64(days::mix(org.options.seed, 0, 3));
    let start = org.now();
    org.create_everyone();
    let groups = found_groups(org);
    let staff = found_people(org, &mut rng, count, &groups);
    org.options.clock = Clock::Simulated(start - SignedDuration::from_hours(24));
    found_apps(org, &mut rng, &staff, &groups);
    found_admins(org, &staff, &groups);
    found_idps(org, &staff);
    if count >= sins::LEAST_PEOPLE {
        sins::commit(org, &staff);
    }
    for user in &staff[staff.len().min(20)..] {
        if rng.random_range(0..100) < STATUSES[0].1 {
            org.deactivate_user(user);
        }
    }
    org.options.clock = Clock::Simulated(start);
}

/// The groups that the company has, by name.
struct Groups {
    departments: Vec<(&'static str, String)>,
    contractors: String,
    help_desk: String,
    vpn: String,
    leads: String,
}

fn found_groups(org: &mut Org) -> Groups {
    let mut named = |name: &str, description: &str| {
        let id = org.create_group(name);
        org.update_group(&id, |profile| profile["description"] = description.into());
        id
    };
    let departments = DEPARTMENTS.iter().map(|department| {
        (
            department.name,
            named(department.name, "Filled by the rule on user.department"),
        )
    });
    Groups {
        departments: departments.collect(),
        contractors: named("Contractors", "People who are not employed by Acme"),
        help_desk: named("IT Help Desk", "May reset passwords and factors"),
        vpn: named("VPN Users", ""),
        leads: named("Leadership – 役員", "Heads of departments"),
    }
}

impl Groups {
    fn of(&self, department: &str) -> Option<&str> {
        self.departments
            .iter()
            .find(|(name, _)| *name == department)
            .map(|(_, id)| id.as_str())
    }
}

fn found_people(org: &mut Org, rng: &mut StdRng, count: u32, groups: &Groups) -> Vec<String> {
    let start = org.now();
    let mut ages: Vec<i64> = (0..count)
        .map(|_| rng.random_range(1..OLDEST_DAYS * 24 * 60))
        .collect();
    ages.sort_unstable_by_key(|age| std::cmp::Reverse(*age));
    let mut heads: Vec<(&str, String)> = Vec::new();
    let mut staff = Vec::new();
    for (number, age) in ages.into_iter().enumerate() {
        org.options.clock = Clock::Simulated(start - SignedDuration::from_mins(age));
        let contractor = number > 20 && rng.random_range(0..100) < 12;
        let (mut user, department) = people::draw(org, rng, number, contractor);
        match heads.iter().find(|(name, _)| *name == department.name) {
            Some((_, head)) => {
                user = user
                    .with("managerId", head.as_str())
                    .with("manager", head_name(org, head))
            }
            None => user = user.with("title", format!("Head of {}", department.name)),
        }
        let status = if number < 20 { "ACTIVE" } else { status(rng) };
        let id = org.create_user(user.status(status));
        if !heads.iter().any(|(name, _)| *name == department.name) {
            heads.push((department.name, id.clone()));
            org.add_member(&groups.leads, &id);
        }
        settle_in(org, rng, &id, department.name, contractor, groups);
        staff.push(id);
    }
    staff
}

fn head_name(org: &Org, head: &str) -> String {
    org.user_party(head).display_name
}

/// Deprovisioned founders are deactivated at the end, so that they lose what they had.
fn status(rng: &mut StdRng) -> &'static str {
    let mut draw = rng.random_range(0..100);
    for (status, share) in &STATUSES[1..] {
        if draw < *share {
            return status;
        }
        draw -= share;
    }
    "ACTIVE"
}

fn settle_in(
    org: &mut Org,
    rng: &mut StdRng,
    user: &str,
    department: &str,
    contractor: bool,
    groups: &Groups,
) {
    groups
        .of(department)
        .map(|group| org.add_member(group, user));
    if contractor {
        org.add_member(&groups.contractors, user);
    }
    if rng.random_bool(0.6) {
        org.add_member(&groups.vpn, user);
    }
    if department == "IT" && rng.random_bool(0.6) {
        org.add_member(&groups.help_desk, user);
    }
    for (kind, share) in [
        ("push", 0.85),
        ("token:software:totp", 0.25),
        ("webauthn", 0.2),
        ("sms", 0.1),
        ("question", 0.05),
    ] {
        if rng.random_bool(share)
            && org
                .user(user)
                .is_some_and(|user| user["status"] != "STAGED" && user["status"] != "PROVISIONED")
        {
            org.enroll_factor(user, kind);
        }
    }
}

fn found_apps(org: &mut Org, rng: &mut StdRng, staff: &[String], groups: &Groups) {
    let everyone = org
        .groups
        .rows()
        .find(|row| row.value["type"] == "BUILT_IN")
        .map(|row| row.id.clone());
    for (name, label, mode, serves, features) in APPS {
        let mut app = NewApp::new(name, label, mode).with("features", *features);
        if *mode == "OPENID_CONNECT" {
            app.0["credentials"]["oauthClient"] = serde_json::json!({"client_id": "", "client_secret": "fake-secret-never-to-be-written", "token_endpoint_auth_method": "client_secret_basic"});
            app.0["settings"]["oauthClient"] = serde_json::json!({"redirect_uris": ["https://app.acme.com/callback"], "grant_types": ["authorization_code"], "application_type": "web"});
        }
        let id = org.create_app(app);
        match (*serves, &everyone) {
            ("*", Some(everyone)) => {
                org.assign_group(&id, everyone);
            }
            ("", _) | ("*", None) => assign_some(org, rng, &id, staff, 8),
            (department, _) => {
                groups
                    .of(department)
                    .map(|group| org.assign_group(&id, group));
                assign_some(org, rng, &id, staff, 3);
            }
        }
        if *name == "active_directory" || *name == "google" {
            import_groups(org, rng, &id, label, staff);
        }
    }
    for (label, id) in [
        ("Authomize", DEMO_CLIENT_ID),
        ("Payroll Sync", "0oaPayrollSync000697"),
        ("Terraform", "0oaTerraform00000697"),
    ] {
        org.create_app(NewApp::service(label, id));
    }
}

fn assign_some(org: &mut Org, rng: &mut StdRng, app: &str, staff: &[String], count: usize) {
    for _ in 0..count {
        staff.choose(rng).map(|user| org.assign_user(app, user));
    }
}

fn import_groups(org: &mut Org, rng: &mut StdRng, app: &str, label: &str, staff: &[String]) {
    for name in ["Domain Users", "Finance Share", "Build Agents"] {
        let group = org.import_group(&format!("{label} – {name}"), app);
        for user in staff {
            if rng.random_bool(0.15) {
                org.add_member(&group, user);
            }
        }
    }
}

fn found_admins(org: &mut Org, staff: &[String], groups: &Groups) {
    let app = |org: &Org, label: &str| {
        org.apps
            .rows()
            .find(|row| row.value["label"] == label)
            .map(|row| row.id.clone())
    };
    let everything = Targets::default();
    let [sales, support] =
        ["Sales", "Customer Support"].map(|name| groups.of(name).unwrap_or_default().to_owned());
    let crm = Targets {
        apps: app(org, "Salesforce").into_iter().collect(),
        catalog: vec!["zendesk".into()],
        ..Targets::default()
    };
    let plan: [(&str, &Targets); 7] = [
        ("SUPER_ADMIN", &everything),
        ("SUPER_ADMIN", &everything),
        ("ORG_ADMIN", &everything),
        ("READ_ONLY_ADMIN", &everything),
        ("REPORT_ADMIN", &everything),
        ("APP_ADMIN", &crm),
        (
            "USER_ADMIN",
            &Targets {
                groups: vec![sales],
                ..Targets::default()
            },
        ),
    ];
    for (user, (role, targets)) in staff.iter().zip(plan) {
        org.assign_role(user, role, targets);
    }
    org.assign_role(
        &groups.help_desk,
        "HELP_DESK_ADMIN",
        &Targets {
            groups: vec![support.clone()],
            ..Targets::default()
        },
    );
    org.assign_role(DEMO_CLIENT_ID, "READ_ONLY_ADMIN", &everything);
    found_custom_roles(org, staff, groups, &support);
}

fn found_custom_roles(org: &mut Org, staff: &[String], groups: &Groups, support: &str) {
    let resetter = org.create_custom_role(
        "Password resetter",
        &["okta.users.read", "okta.users.credentials.resetPassword"],
    );
    let onboarding = org.create_custom_role(
        "App onboarding",
        &[
            "okta.apps.read",
            "okta.apps.manage",
            "okta.apps.assignment.manage",
        ],
    );
    let people = org.create_resource_set(
        "Support staff",
        &[&format!("/api/v1/groups/{support}"), "/api/v1/users"],
    );
    let apps = org.create_resource_set("All apps", &["/api/v1/apps"]);
    staff
        .get(7)
        .map(|user| org.assign_custom_role(user, &resetter, &people));
    org.assign_custom_role(&groups.leads, &onboarding, &apps);
    org.assign_custom_role("0oaTerraform00000697", &onboarding, &apps);
}

fn found_idps(org: &mut Org, staff: &[String]) {
    let partner = org.create_idp("OIDC", "Partner Login");
    let saml = org.create_idp("SAML2", "Acme AD FS");
    let google = org.create_idp("GOOGLE", "Google Workspace");
    let old = org.create_idp("OIDC", "Former Partner");
    org.deactivate_idp(&old);
    for (number, user) in staff.iter().enumerate() {
        let contractor = org
            .user(user)
            .is_some_and(|user| user["profile"]["userType"] == "Contractor");
        if contractor {
            org.link_idp_user(&partner, user);
        } else if number % 7 == 0 {
            org.link_idp_user(&google, user);
        } else if number % 11 == 0 {
            org.link_idp_user(&saml, user);
        }
    }
}
