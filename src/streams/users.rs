//! Users: every account of the org, deprovisioned ones included.
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/User/>

use jiff::Timestamp;
use serde_json::Value;
use serde_json::value::RawValue;

use super::change::{
    Identity, Kind, LIFE_OF_A_USER, Of, Read, Reread, Rows, Sweep, Touches, Trigger,
};
use super::{Cadence, Context, Listing, Source, Stream, last_updated, time_of};
use crate::authomize::{
    Bundle, CustomProperty, User, UserStatus, UserUpdate, custom_properties, text, time,
};
use crate::record::Normalized;

/// The plain listing omits DEPROVISIONED users, a filtered one does not; `filter` reads the
/// database where `search` reads an index that lags. The filter says: at any time.
pub static LISTING: Listing = Listing {
    name: "users",
    path: "/api/v1/users?limit=200&filter=lastUpdated%20ge%20%221970-01-01T00%3A00%3A00.000Z%22",
    omits: "omitCredentialsLinks",
};

/// Events that change a user alone. A sign-in is use, not a change.
const CHANGES: &[&str] = &[
    "user.lifecycle.suspend",
    "user.lifecycle.unsuspend",
    "user.lifecycle.password_mass_expiry",
    "user.account.update_profile",
    "user.account.update_user_type",
    "user.account.update_primary_email",
    "user.account.update_secondary_email",
    "user.account.update_password",
    "user.account.reset_password",
    "user.account.expire_password",
    "user.account.lock",
    "user.account.lock.",
    "user.account.unlock",
    "user.account.unlock_by_admin",
    "user.realm.update",
    "user.import.password",
    "user.risk.change",
    "system.import.user.",
    "system.identity_sources.user.update",
];

pub static STREAM: Stream = Stream {
    name: "users",
    word: "Users",
    scope: "okta.users.read",
    source: Source::Listing(&LISTING),
    identity: Identity::Object(Kind::User),
    cadence: Cadence::Full,
    changed_by: &[
        Trigger {
            events: LIFE_OF_A_USER,
            touches: Touches::Life,
        },
        Trigger {
            events: CHANGES,
            touches: Touches::Each(&[Kind::User]),
        },
    ],
    rereads: &[Reread {
        of: Of::All(Kind::User),
        read: Read::Object {
            path: "/api/v1/users/{id}",
        },
    }],
    sweep: Some(Sweep {
        path: "/api/v1/users?limit=200&filter=lastUpdated%20ge%20%22{since}%22",
        time: last_updated,
        rows: Rows::Records,
        life: Some(life),
    }),
    fixed: None,
    own_id: super::id_of,
    normalize,
    tombstone: Some(tombstone),
};

fn normalize(raw: &RawValue, context: &Context<'_>) -> Option<Normalized> {
    let source = context.object(raw)?;
    let id = text(&source, &["id"])?;
    let user = User {
        unique_id: id.clone(),
        origin_id: id.clone(),
        name: text(&source, &["profile", "login"])
            .or_else(|| text(&source, &["profile", "displayName"])),
        email: text(&source, &["profile", "email"]),
        first_name: text(&source, &["profile", "firstName"]),
        last_name: text(&source, &["profile", "lastName"]),
        status: status(&source),
        department: text(&source, &["profile", "department"]),
        title: text(&source, &["profile", "title"]),
        is_external: is_external(&source),
        last_login_at: time(&source, &["lastLogin"]),
        custom_properties: properties(&source),
    };
    Some(Normalized {
        id,
        bundle: Bundle {
            new_users: vec![user],
            ..Bundle::default()
        },
        source: source.into(),
        ocsf: None,
    })
}

fn tombstone(id: &str) -> Bundle {
    let update = UserUpdate {
        unique_id: id.to_owned(),
        status: Some(UserStatus::Deleted),
        ..UserUpdate::default()
    };
    Bundle {
        update_users: vec![update],
        ..Bundle::default()
    }
}

/// When the user was created, or got the present status.
fn life(user: &RawValue) -> Option<Timestamp> {
    ["created", "activated", "statusChanged"]
        .into_iter()
        .filter_map(|field| time_of(user, field))
        .max()
}

/// <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/User/#tag/User/operation/getUser!c=200&path=status&t=response>
fn status(source: &Value) -> UserStatus {
    match source
        .get("status")
        .and_then(Value::as_str)
        .unwrap_or_default()
    {
        "STAGED" | "PROVISIONED" => UserStatus::Staged,
        "ACTIVE" | "RECOVERY" | "PASSWORD_EXPIRED" => UserStatus::Enabled,
        "LOCKED_OUT" | "SUSPENDED" => UserStatus::Suspended,
        "DEPROVISIONED" => UserStatus::Disabled,
        _ => UserStatus::Unknown,
    }
}

/// Only a user type that says so makes an account external; the model's default is false.
fn is_external(source: &Value) -> Option<bool> {
    const EXTERNAL: [&str; 6] = [
        "external",
        "contractor",
        "vendor",
        "partner",
        "guest",
        "consultant",
    ];
    let kind = text(source, &["profile", "userType"])?.to_lowercase();
    EXTERNAL.contains(&kind.as_str()).then_some(true)
}

fn properties(source: &Value) -> Vec<CustomProperty> {
    const PATHS: &[&[&str]] = &[
        &["status"],
        &["statusChanged"],
        &["passwordChanged"],
        &["created"],
        &["activated"],
        &["lastUpdated"],
        &["type", "id"],
        &["credentials", "provider", "type"],
        &["credentials", "provider", "name"],
        &["profile", "login"],
        &["profile", "secondEmail"],
        &["profile", "managerId"],
        &["profile", "employeeNumber"],
    ];
    custom_properties(source, PATHS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrub::Rules;
    use serde_json::{json, to_value, value::to_raw_value};

    fn normalized(user: &Value, drop_attributes: &[String]) -> Normalized {
        let rules = Rules {
            drop_attributes: drop_attributes.to_vec(),
            ..Rules::default()
        };
        normalize(
            &to_raw_value(user).unwrap(),
            &Context {
                parent: None,
                rules: &rules,
            },
        )
        .unwrap()
    }

    #[test]
    fn a_user_is_an_account() {
        let user = json!({
            "id": "00u1", "status": "ACTIVE", "lastLogin": "2026-11-20T08:00:00+01:00", "passwordChanged": null,
            "type": {"id": "oty1"}, "_links": {"self": {}},
            "profile": {"login": "ada@acme.example", "email": "", "firstName": "Ada", "lastName": null, "userType": "Contractor", "employeeNumber": 7},
            "credentials": {"password": {}, "provider": {"type": "OKTA", "name": "OKTA"}},
        });
        let normalized = normalized(&user, &[]);
        assert_eq!(
            to_value(&normalized.bundle).unwrap(),
            json!({"new_users": [{
                "uniqueId": "00u1", "originId": "00u1", "name": "ada@acme.example", "firstName": "Ada", "status": "Enabled",
                "isExternal": true, "lastLoginAt": "2026-11-20T07:00:00.000Z",
                "customProperties": [
                    {"key": "status", "value": "ACTIVE"}, {"key": "type.id", "value": "oty1"},
                    {"key": "credentials.provider.type", "value": "OKTA"}, {"key": "credentials.provider.name", "value": "OKTA"},
                    {"key": "profile.login", "value": "ada@acme.example"}, {"key": "profile.employeeNumber", "value": "7"},
                ],
            }]})
        );
        assert!(
            normalized
                .source
                .read::<Value>()
                .unwrap()
                .get("_links")
                .is_none()
        );
    }

    #[test]
    fn every_status_has_its_place() {
        for (okta, authomize) in [
            ("STAGED", UserStatus::Staged),
            ("PROVISIONED", UserStatus::Staged),
            ("ACTIVE", UserStatus::Enabled),
            ("RECOVERY", UserStatus::Enabled),
            ("PASSWORD_EXPIRED", UserStatus::Enabled),
            ("LOCKED_OUT", UserStatus::Suspended),
            ("SUSPENDED", UserStatus::Suspended),
            ("DEPROVISIONED", UserStatus::Disabled),
            ("ACTIVATING", UserStatus::Unknown),
        ] {
            assert_eq!(status(&json!({"status": okta})), authomize, "{okta}");
        }
        assert_eq!(status(&json!({"status": 1})), UserStatus::Unknown);
    }

    #[test]
    fn odd_types_cost_nothing_but_themselves() {
        let user = json!({"id": "00u1", "status": {}, "lastLogin": "yesterday", "type": [], "profile": {"login": {"x": 1}, "displayName": "X", "title": {}}, "credentials": 1});
        let bundle = to_value(normalized(&user, &[]).bundle).unwrap();
        assert_eq!(
            bundle,
            json!({"new_users": [{"uniqueId": "00u1", "originId": "00u1", "name": "X", "status": "Unknown"}]})
        );
    }

    #[test]
    fn a_dropped_attribute_is_in_neither_source_nor_bundle() {
        let user = json!({"id": "00u1", "status": "ACTIVE", "profile": {"login": "ada@acme.example", "email": "ada@acme.example"}});
        let normalized = normalized(&user, &["login".into(), "email".into()]);
        assert!(
            !to_value(&normalized.bundle)
                .unwrap()
                .to_string()
                .contains("ada@")
        );
        assert!(
            !normalized
                .source
                .read::<Value>()
                .unwrap()
                .to_string()
                .contains("ada@")
        );
    }
}
