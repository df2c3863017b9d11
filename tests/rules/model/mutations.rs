//! Every change that an org knows, with whatever it has at hand.

use fake_org::{Event, NewApp, NewUser, Org, Targets};
use serde_json::json;

use super::Rng;

/// How a change becomes known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Its event says what has changed.
    ByEvent,
    /// Its event does not say what; the time of the group does.
    BySweep,
    /// Nothing says so.
    Never,
}

/// Makes one change; false where there is nothing to change.
pub type Act = fn(&mut Org, &mut Rng) -> bool;

use Told::{ByEvent, BySweep, Never};

pub const MUTATIONS: &[(&str, Told, Act)] = &[
    ("create_user", ByEvent, |org, rng| {
        new_user(org, rng, "ACTIVE")
    }),
    ("create_user staged", ByEvent, |org, rng| {
        new_user(org, rng, "STAGED")
    }),
    ("update_user", ByEvent, |org, rng| {
        let title = rng.u32(..).to_string();
        user(org, rng, &[]).is_some_and(|id| {
            org.update_user(&id, |profile| {
                drop(profile.insert("title".into(), title.into()))
            })
        })
    }),
    ("suspend_user", ByEvent, |org, rng| {
        user(org, rng, &["ACTIVE"]).is_some_and(|id| org.suspend_user(&id))
    }),
    ("unsuspend_user", ByEvent, |org, rng| {
        user(org, rng, &["SUSPENDED"]).is_some_and(|id| org.unsuspend_user(&id))
    }),
    ("lock_user", ByEvent, |org, rng| {
        user(org, rng, &["ACTIVE"]).is_some_and(|id| org.lock_user(&id))
    }),
    ("unlock_user", ByEvent, |org, rng| {
        user(org, rng, &["LOCKED_OUT"]).is_some_and(|id| org.unlock_user(&id))
    }),
    ("expire_password", ByEvent, |org, rng| {
        user(org, rng, &["ACTIVE"]).is_some_and(|id| org.expire_password(&id))
    }),
    ("activate_user", ByEvent, |org, rng| {
        user(org, rng, &["STAGED", "PROVISIONED", "DEPROVISIONED"])
            .is_some_and(|id| org.activate_user(&id))
    }),
    ("deactivate_user", ByEvent, |org, rng| {
        user(org, rng, &["ACTIVE", "SUSPENDED", "LOCKED_OUT", "STAGED"])
            .is_some_and(|id| org.deactivate_user(&id))
    }),
    ("delete_user", ByEvent, |org, rng| {
        let is_last = org.state().users.len() == 1;
        !is_last && user(org, rng, &[]).is_some_and(|id| org.delete_user(&id))
    }),
    ("sign_in", ByEvent, |org, rng| {
        user(org, rng, &["ACTIVE"]).is_some_and(|id| org.sign_in(&id))
    }),
    ("edit_user", Never, |org, rng| {
        user(org, rng, &[]).is_some_and(|id| {
            org.edit_user(&id, |user| user["profile"]["nickName"] = "Nick".into())
        })
    }),
    ("create_group", ByEvent, |org, rng| {
        !org.create_group(&name(rng, "Group")).is_empty()
    }),
    ("import_group", ByEvent, |org, rng| {
        app(org, rng).is_some_and(|app| !org.import_group(&name(rng, "Imported"), &app).is_empty())
    }),
    ("create_everyone", Never, |org, _| {
        let is_there = |group: &String| {
            org.group(group)
                .is_some_and(|group| group["type"] == "BUILT_IN")
        };
        !org.state().groups.iter().any(is_there) && !org.create_everyone().is_empty()
    }),
    ("update_group", ByEvent, |org, rng| {
        let text = name(rng, "About");
        group(org, rng, "").is_some_and(|id| {
            org.update_group(&id, |profile| {
                drop(profile.insert("description".into(), text.into()))
            })
        })
    }),
    ("delete_group", ByEvent, |org, rng| {
        group(org, rng, "OKTA_GROUP").is_some_and(|id| org.delete_group(&id))
    }),
    ("add_member", ByEvent, |org, rng| {
        each(
            rng,
            pairs(&groups(org, "OKTA_GROUP"), &org.state().users),
            |(group, user)| org.add_member(group, user),
        )
    }),
    ("remove_member", ByEvent, |org, rng| {
        let okta = groups(org, "OKTA_GROUP");
        let members = split(org.state().memberships)
            .into_iter()
            .filter(|(group, _)| okta.contains(group))
            .collect();
        each(rng, members, |(group, user)| org.remove_member(group, user))
    }),
    ("apply_rule", ByEvent, |org, rng| {
        let join = rng.bool();
        each(
            rng,
            pairs(&groups(org, "OKTA_GROUP"), &org.state().users),
            |(group, user)| {
                let (joining, leaving): (&[&str], &[&str]) =
                    if join { (&[user], &[]) } else { (&[], &[user]) };
                org.apply_rule(group, joining, leaving) || org.apply_rule(group, leaving, joining)
            },
        )
    }),
    ("import_memberships", BySweep, |org, rng| {
        let Some(app) = app(org, rng) else {
            return false;
        };
        let imported = pairs(&groups(org, "APP_GROUP"), &org.state().users);
        let join = rng.bool();
        each(rng, imported, |(group, user)| {
            let (joining, leaving): (&[&str], &[&str]) =
                if join { (&[user], &[]) } else { (&[], &[user]) };
            org.import_memberships(group, joining, leaving, &app)
                || org.import_memberships(group, leaving, joining, &app)
        })
    }),
    ("edit_group", Never, |org, rng| {
        group(org, rng, "").is_some_and(|id| {
            org.edit_group(&id, |group| group["profile"]["colour"] = "blue".into())
        })
    }),
    ("create_app", ByEvent, |org, rng| {
        !org.create_app(NewApp::new("slack", &name(rng, "Slack"), "SAML_2_0"))
            .is_empty()
    }),
    ("create_app service", ByEvent, |org, rng| {
        let client = format!("0oaService{:010}", rng.u32(..));
        !org.create_app(NewApp::service(&name(rng, "Service"), &client))
            .is_empty()
    }),
    ("update_app", ByEvent, |org, rng| {
        let label = name(rng, "App");
        app(org, rng).is_some_and(|id| org.update_app(&id, |app| app["label"] = label.into()))
    }),
    ("activate_app", ByEvent, |org, rng| {
        app(org, rng).is_some_and(|id| org.activate_app(&id))
    }),
    ("deactivate_app", ByEvent, |org, rng| {
        app(org, rng).is_some_and(|id| org.deactivate_app(&id))
    }),
    ("delete_app", ByEvent, |org, rng| {
        app(org, rng).is_some_and(|id| org.delete_app(&id))
    }),
    ("assign_user", ByEvent, |org, rng| {
        each(
            rng,
            pairs(&org.state().apps, &org.state().users),
            |(app, user)| org.assign_user(app, user),
        )
    }),
    ("unassign_user", ByEvent, |org, rng| {
        each(rng, split(org.state().app_users), |(app, user)| {
            org.unassign_user(app, user)
        })
    }),
    ("update_app_user", ByEvent, |org, rng| {
        let nick = name(rng, "Nick");
        each(rng, split(org.state().app_users), |(app, user)| {
            org.update_app_user(app, user, |assigned| {
                assigned["profile"]["nick"] = nick.clone().into()
            })
        })
    }),
    ("assign_group", ByEvent, |org, rng| {
        each(
            rng,
            pairs(&org.state().apps, &org.state().groups),
            |(app, group)| org.assign_group(app, group),
        )
    }),
    ("unassign_group", ByEvent, |org, rng| {
        each(rng, split(org.state().app_groups), |(app, group)| {
            org.unassign_group(app, group)
        })
    }),
    ("sso", ByEvent, |org, rng| {
        each(
            rng,
            pairs(&org.state().users, &org.state().apps),
            |(user, app)| org.sso(user, app),
        )
    }),
    ("enroll_factor", ByEvent, |org, rng| {
        let kind = ["push", "sms", "webauthn"][rng.usize(..3)];
        user(org, rng, &["ACTIVE", "LOCKED_OUT"])
            .is_some_and(|id| org.enroll_factor(&id, kind).is_some())
    }),
    ("reset_factor", ByEvent, |org, rng| {
        let factor =
            |org: &Org, user: &str| Some(org.factors(user).first()?["id"].as_str()?.to_owned());
        each(rng, org.state().users, |user| {
            factor(org, user).is_some_and(|factor| org.reset_factor(user, &factor))
        })
    }),
    ("reset_factors", ByEvent, |org, rng| {
        each(rng, org.state().users, |user| org.reset_factors(user))
    }),
    ("assign_role", ByEvent, |org, rng| {
        let kind = [
            "SUPER_ADMIN",
            "HELP_DESK_ADMIN",
            "REPORT_ADMIN",
            "MOBILE_ADMIN",
        ][rng.usize(..4)];
        let scope = group(org, rng, "").filter(|_| kind == "HELP_DESK_ADMIN" && rng.bool());
        let targets = Targets {
            groups: scope.into_iter().collect(),
            ..Targets::default()
        };
        each(rng, principals(org), |principal| {
            org.assign_role(principal, kind, &targets).is_some()
        })
    }),
    ("assign_custom_role", ByEvent, |org, rng| {
        let choices = pairs(&org.state().roles, &org.state().resource_sets);
        let Some((role, set)) = rng.choice(choices) else {
            return false;
        };
        each(rng, principals(org), |principal| {
            org.assign_custom_role(principal, &role, &set).is_some()
        })
    }),
    ("revoke_role", ByEvent, |org, rng| {
        each(
            rng,
            split(org.state().role_assignments),
            |(principal, id)| org.revoke_role(principal, id),
        )
    }),
    ("revoke_all", ByEvent, |org, rng| {
        let held = split(org.state().role_assignments);
        rng.choice(held)
            .map(|(principal, _)| org.revoke_all(&principal))
            .is_some()
    }),
    ("create_custom_role", ByEvent, |org, rng| {
        !org.create_custom_role(&name(rng, "Role"), &["okta.users.read"])
            .is_empty()
    }),
    ("update_custom_role", ByEvent, |org, rng| {
        let text = name(rng, "About");
        each(rng, org.state().roles, |role| {
            org.update_custom_role(role, |role| role["description"] = text.clone().into())
        })
    }),
    ("delete_custom_role", ByEvent, |org, rng| {
        each(rng, org.state().roles, |role| org.delete_custom_role(role))
    }),
    ("add_permission", ByEvent, |org, rng| {
        let wanted = ["okta.groups.read", "okta.apps.read", "okta.users.manage"][rng.usize(..3)];
        each(rng, org.state().roles, |role| {
            org.add_permission(role, wanted)
        })
    }),
    ("remove_permission", ByEvent, |org, rng| {
        each(rng, org.state().roles, |role| {
            let label = org
                .permissions(role)
                .first()
                .and_then(|held| held["label"].as_str().map(str::to_owned));
            label.is_some_and(|label| org.remove_permission(role, &label))
        })
    }),
    ("create_resource_set", ByEvent, |org, rng| {
        !org.create_resource_set(&name(rng, "Set"), &["/api/v1/users"])
            .is_empty()
    }),
    ("update_resource_set", ByEvent, |org, rng| {
        let text = name(rng, "About");
        each(rng, org.state().resource_sets, |set| {
            org.update_resource_set(set, |set| set["description"] = text.clone().into())
        })
    }),
    ("delete_resource_set", ByEvent, |org, rng| {
        each(rng, org.state().resource_sets, |set| {
            org.delete_resource_set(set)
        })
    }),
    ("add_resource", ByEvent, |org, rng| {
        each(rng, org.state().resource_sets, |set| {
            org.add_resource(set, "/api/v1/groups").is_some()
        })
    }),
    ("remove_resource", ByEvent, |org, rng| {
        each(rng, org.state().resource_sets, |set| {
            let id = org
                .resources(set)
                .first()
                .and_then(|resource| resource["id"].as_str().map(str::to_owned));
            id.is_some_and(|id| org.remove_resource(set, &id))
        })
    }),
    ("create_idp", ByEvent, |org, rng| {
        let kind = ["OIDC", "SAML2"][rng.usize(..2)];
        !org.create_idp(kind, &name(rng, "IdP")).is_empty()
    }),
    ("update_idp", ByEvent, |org, rng| {
        let text = name(rng, "IdP");
        each(rng, org.state().idps, |idp| {
            org.update_idp(idp, |idp| idp["name"] = text.clone().into())
        })
    }),
    ("replace_idp_key", ByEvent, |org, rng| {
        each(rng, org.state().idps, |idp| {
            org.replace_idp_key(idp).is_some()
        })
    }),
    ("activate_idp", ByEvent, |org, rng| {
        each(rng, org.state().idps, |idp| org.activate_idp(idp))
    }),
    ("deactivate_idp", ByEvent, |org, rng| {
        each(rng, org.state().idps, |idp| org.deactivate_idp(idp))
    }),
    ("delete_idp", ByEvent, |org, rng| {
        each(rng, org.state().idps, |idp| org.delete_idp(idp))
    }),
    ("link_idp_user", Never, |org, rng| {
        each(
            rng,
            pairs(&org.state().idps, &org.state().users),
            |(idp, user)| org.link_idp_user(idp, user),
        )
    }),
    ("unlink_idp_user", Never, |org, rng| {
        each(rng, split(org.state().idp_users), |(idp, user)| {
            org.unlink_idp_user(idp, user)
        })
    }),
    ("append_event", ByEvent, |org, _| {
        org.append_event(Event::new("policy.evaluate_sign_on"));
        true
    }),
    ("append_raw", ByEvent, |org, rng| {
        let uuid = format!("raw-{}", rng.u128(..));
        org.append_raw(
            &json!({"uuid": uuid, "eventType": null, "target": "odd", "outcome": [1], "actor": 7}),
        );
        true
    }),
];

fn name(rng: &mut Rng, kind: &str) -> String {
    format!("{kind} {}", rng.u32(..))
}

fn new_user(org: &mut Org, rng: &mut Rng, status: &'static str) -> bool {
    !org.create_user(NewUser::named(&format!("Ada{}", rng.u32(..)), "Lovelace").status(status))
        .is_empty()
}

/// A user of one of these statuses; of any where none is named.
fn user(org: &Org, rng: &mut Rng, statuses: &[&str]) -> Option<String> {
    let fits = |id: &String| {
        let status = org
            .user(id)
            .and_then(|user| user["status"].as_str())
            .unwrap_or_default();
        statuses.is_empty() || statuses.contains(&status)
    };
    rng.choice(
        org.state()
            .users
            .into_iter()
            .filter(fits)
            .collect::<Vec<_>>(),
    )
}

/// Groups of one type; of any where it is empty.
fn groups(org: &Org, kind: &str) -> Vec<String> {
    let fits =
        |id: &String| kind.is_empty() || org.group(id).is_some_and(|group| group["type"] == kind);
    org.state().groups.into_iter().filter(fits).collect()
}

fn group(org: &Org, rng: &mut Rng, kind: &str) -> Option<String> {
    rng.choice(groups(org, kind))
}

fn app(org: &Org, rng: &mut Rng) -> Option<String> {
    rng.choice(org.state().apps)
}

/// Users, groups and service apps: who may hold a role.
fn principals(org: &Org) -> Vec<String> {
    let state = org.state();
    let is_service = |id: &String| {
        org.app(id)
            .is_some_and(|app| app["settings"]["oauthClient"].is_object())
    };
    state
        .users
        .into_iter()
        .chain(state.groups)
        .chain(state.apps.into_iter().filter(is_service))
        .collect()
}

fn pairs(parents: &[String], children: &[String]) -> Vec<(String, String)> {
    let with = |parent: &String| {
        children
            .iter()
            .map(|child| (parent.clone(), child.clone()))
            .collect::<Vec<_>>()
    };
    parents.iter().flat_map(with).collect()
}

/// `parent:child` taken apart.
fn split(pairs: Vec<String>) -> Vec<(String, String)> {
    pairs
        .iter()
        .filter_map(|pair| pair.split_once(':'))
        .map(|(one, two)| (one.to_owned(), two.to_owned()))
        .collect()
}

/// Tries the choices in a drawn order until one changes something.
fn each<T>(rng: &mut Rng, mut choices: Vec<T>, act: impl FnMut(&T) -> bool) -> bool {
    rng.shuffle(&mut choices);
    choices.iter().any(act)
}
