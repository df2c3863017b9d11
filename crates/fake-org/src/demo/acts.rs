//! Acts: everything that can happen in the company.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::Value;

use super::{attack, people, sins, visits};
use crate::change::Targets;
use crate::org::Org;
use crate::table::Row;
use visits::someone;

/// Something that happens; who and what is drawn when it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Visit,
    FailedSignIn,
    Service,
    Hire,
    Leave,
    Profile,
    Join,
    Part,
    Assign,
    Unassign,
    Enroll,
    Suspend,
    Unsuspend,
    Lock,
    Admin,
    UpdateApp,
    Burst,
    Attack,
}

/// A burst: a hire, a leaver, groups, apps, an admin, sign-ins.
const BURST: [Act; 14] = [
    Act::Hire,
    Act::Hire,
    Act::Leave,
    Act::Join,
    Act::Join,
    Act::Part,
    Act::Assign,
    Act::Assign,
    Act::Profile,
    Act::Enroll,
    Act::Admin,
    Act::Visit,
    Act::Visit,
    Act::Visit,
];

pub(super) fn perform(org: &mut Org, act: Act, rng: &mut StdRng) {
    org.actor = administrator(org);
    match act {
        Act::Visit => visits::visit(org, rng, usize::MAX),
        Act::FailedSignIn => visits::failed_sign_in(org, rng),
        Act::Service => visits::service(org, rng),
        Act::Attack => attack::happen(org),
        Act::Burst => BURST.iter().for_each(|act| perform(org, *act, rng)),
        Act::Hire => hire(org, rng),
        Act::Join | Act::Part => move_member(org, rng, act == Act::Join),
        Act::Assign | Act::Unassign => move_app(org, rng, act == Act::Assign),
        Act::UpdateApp => update_app(org, rng),
        Act::Unsuspend | Act::Lock => release(org, rng, act == Act::Lock),
        Act::Leave | Act::Profile | Act::Enroll | Act::Suspend | Act::Admin => {
            change_person(org, rng, act)
        }
    }
}

/// The first super administrator does what an administrator does.
fn administrator(org: &Org) -> crate::event::Party {
    let mut supers = org
        .assignments
        .tables()
        .filter(|(_, table)| table.rows().any(|row| row.value["type"] == "SUPER_ADMIN"));
    supers
        .find(|(holder, _)| org.users.contains(holder))
        .map_or_else(crate::event::Party::system, |(holder, _)| {
            org.user_party(holder)
        })
}

fn hire(org: &mut Org, rng: &mut StdRng) {
    let contractor = rng.random_bool(0.1);
    let (user, department) = people::draw(org, rng, org.users.len(), contractor);
    let user = org.create_user(user);
    let group = org
        .groups
        .rows()
        .find(|row| crate::groups::name(&row.value) == department.name)
        .map(|row| row.id.clone());
    if let Some(group) = group {
        org.add_member(&group, &user);
    }
    org.enroll_factor(&user, "push");
}

fn change_person(org: &mut Org, rng: &mut StdRng, act: Act) {
    let Some(user) = someone(org, rng) else {
        return;
    };
    // Administrators stay, so that there is always one.
    let admin = org.assignments.count(&user) > 0;
    match act {
        Act::Leave if !admin => {
            org.deactivate_user(&user);
        }
        Act::Suspend if !admin => {
            org.suspend_user(&user);
        }
        Act::Enroll => {
            org.enroll_factor(
                &user,
                ["webauthn", "token:software:totp", "sms"]
                    .choose(rng)
                    .unwrap_or(&"push"),
            );
        }
        Act::Admin => make_admin(org, &user),
        _ => {
            let title = [
                "Senior Specialist",
                "Team Lead",
                "Principal",
                "Program Manager",
            ]
            .choose(rng)
            .copied();
            org.update_user(&user, |profile| {
                profile.insert("title".into(), title.into());
            });
        }
    }
}

/// Somebody may read reports, or not any longer.
fn make_admin(org: &mut Org, user: &str) {
    match org.role_assignments(user).first() {
        None => drop(org.assign_role(user, "REPORT_ADMIN", &Targets::default())),
        Some(role) if role["type"] == "REPORT_ADMIN" => org.revoke_all(user),
        Some(_) => {}
    }
}

fn release(org: &mut Org, rng: &mut StdRng, lock: bool) {
    let in_status = |org: &Org, status: &str, draw: u64| {
        org.users
            .pick(draw, |row| row.value["status"] == status)
            .map(|row| row.id.clone())
    };
    let draw = rng.random();
    match (
        lock,
        in_status(org, "LOCKED_OUT", draw),
        in_status(org, "SUSPENDED", draw),
    ) {
        (true, Some(user), _) if rng.random_bool(0.6) => org.unlock_user(&user),
        (true, ..) => someone(org, rng).is_some_and(|user| org.lock_user(&user)),
        (false, _, Some(user)) => org.unsuspend_user(&user),
        (false, ..) => false,
    };
}

fn move_member(org: &mut Org, rng: &mut StdRng, join: bool) {
    let okta_group = |row: &Row| {
        row.value["type"] == "OKTA_GROUP" && row.value["profile"]["name"] != sins::EMERGENCY_GROUP
    };
    let Some(group) = org
        .groups
        .pick(rng.random(), okta_group)
        .map(|row| row.id.clone())
    else {
        return;
    };
    let privileged = org.assignments.count(&group) > 0;
    if join {
        someone(org, rng).map(|user| org.add_member(&group, &user));
    } else if !privileged {
        let members = org.members.children(&group);
        members
            .choose(rng)
            .map(|user| org.remove_member(&group, user));
    }
}

fn move_app(org: &mut Org, rng: &mut StdRng, assign: bool) {
    let given = |row: &Row| !is_service(&row.value) && row.value["label"] != sins::FORGOTTEN_APP;
    let Some(app) = org.apps.pick(rng.random(), given).map(|row| row.id.clone()) else {
        return;
    };
    if assign {
        someone(org, rng).map(|user| org.assign_user(&app, &user));
        return;
    }
    let rows = org
        .app_users
        .of(&app)
        .into_iter()
        .flat_map(crate::table::Table::rows);
    let direct: Vec<String> = rows
        .filter(|row| row.value["scope"] == "USER")
        .map(|row| row.id.clone())
        .collect();
    direct.choose(rng).map(|user| org.unassign_user(&app, user));
}

fn update_app(org: &mut Org, rng: &mut StdRng) {
    let Some(app) = org
        .apps
        .pick(rng.random(), |row| !is_service(&row.value))
        .map(|row| row.id.clone())
    else {
        return;
    };
    org.update_app(&app, |app| {
        app["accessibility"]["selfService"] =
            Value::from(app["accessibility"]["selfService"] != true)
    });
}

fn is_service(app: &Value) -> bool {
    app["settings"]["oauthClient"]["application_type"] == "service"
}
