//! Users of applications, assigned directly or through a group, one listing per app.
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/ApplicationUsers/>

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::change::{Identity, Kind, LIFE_OF_A_USER, Of, Read, Reread, Touches, Trigger};
use super::{Cadence, Context, Parents, Source, Stream, applications, every, id_of};
use crate::authomize::{Bundle, Permission, SourceType, text};
use crate::record::Normalized;

const CHANGES: &[&str] = &[
    "application.user_membership.",
    "application.provision.user.",
    "master_application.user_membership.add",
    "app.realtimesync.import.details.",
];

pub static STREAM: Stream = Stream {
    name: "application_users",
    word: "Applications",
    scope: "okta.apps.read",
    source: Source::PerParent {
        parents: Parents {
            listing: &applications::LISTING,
            kind: "Application",
            of: Kind::Application,
            wanted: every,
            keep: false,
            refusal_is_none: false,
        },
        path: "/api/v1/apps/{parent}/users?limit=500",
    },
    identity: Identity::Pair(Kind::Application, Kind::User),
    cadence: Cadence::Full,
    changed_by: &[
        Trigger {
            events: LIFE_OF_A_USER,
            touches: Touches::Life,
        },
        Trigger {
            events: CHANGES,
            touches: Touches::Pair,
        },
        Trigger {
            events: &["group.application_assignment."],
            touches: Touches::EachOfFew(Kind::Application),
        },
    ],
    rereads: &[
        Reread {
            of: Of::Pair,
            read: Read::Object {
                path: "/api/v1/apps/{parent}/users/{child}",
            },
        },
        Reread {
            of: Of::All(Kind::Application),
            read: Read::Listing {
                path: "/api/v1/apps/{id}/users?limit=500",
                page_items: 500,
                normalize: None,
            },
        },
        Reread {
            of: Of::All(Kind::User),
            read: Read::Listing {
                path: "/api/v1/apps?limit=200&filter=user.id%20eq%20%22{id}%22&expand=user%2F{id}",
                page_items: 200,
                normalize: Some(normalize_app_of_user),
            },
        },
    ],
    sweep: None,
    fixed: None,
    own_id: super::id_of,
    normalize,
    tombstone: None,
};

fn normalize(raw: &RawValue, context: &Context<'_>) -> Option<Normalized> {
    assignment(context.object(raw)?, context.parent?)
}

/// One of the apps of a user, with the user's assignment embedded.
/// <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Application/#tag/Application/operation/listApplications!in=query&path=expand>
fn normalize_app_of_user(app: &RawValue, context: &Context<'_>) -> Option<Normalized> {
    #[derive(Deserialize)]
    struct App<'a> {
        #[serde(borrow, rename = "_embedded")]
        embedded: Embedded<'a>,
    }
    #[derive(Deserialize)]
    struct Embedded<'a> {
        #[serde(borrow)]
        user: &'a RawValue,
    }
    let app_id = id_of(app)?;
    let App {
        embedded: Embedded { user },
    } = serde_json::from_str(app.get()).ok()?;
    let user = context.object(user)?;
    if user["id"].as_str() != context.parent {
        None
    } else {
        assignment(user, &app_id)
    }
}

/// Statuses of an assignment that gives nothing, or not yet. A status that Okta adds later gives.
/// <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/ApplicationUsers/#tag/ApplicationUsers/operation/getApplicationUser!c=200&path=status&t=response>
const WITHOUT_RIGHT: [&str; 6] = [
    "DEPROVISIONED",
    "INACTIVE",
    "PENDING",
    "REVOKED",
    "SUSPENDED",
    "UNASSIGNED",
];

/// An assignment through a group follows from the group's assignment, and is no permission of the
/// user's own.
fn assignment(mut source: Value, app_id: &str) -> Option<Normalized> {
    let user_id = text(&source, &["id"])?;
    source
        .as_object_mut()?
        .insert("app_id".to_owned(), app_id.into());
    let is_direct = source["scope"] != "GROUP";
    let may_use = source["status"]
        .as_str()
        .is_none_or(|status| !WITHOUT_RIGHT.contains(&status));
    let permission = Permission {
        source_unique_id: user_id.clone(),
        source_type: SourceType::User,
        privilege_id: applications::USE_APP.to_owned(),
        asset_id: Some(app_id.to_owned()),
        ..Permission::default()
    };
    let new_permissions = (is_direct && may_use)
        .then_some(permission)
        .into_iter()
        .collect();
    let bundle = Bundle {
        new_permissions,
        ..Bundle::default()
    };
    Some(Normalized {
        id: format!("{app_id}:{user_id}"),
        bundle,
        source: source.into(),
        ocsf: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{json, to_value, value::to_raw_value};

    fn normalized(user: &Value) -> Normalized {
        normalize(
            &to_raw_value(user).unwrap(),
            &Context {
                parent: Some("0oa1"),
                ..Context::default()
            },
        )
        .unwrap()
    }

    #[test]
    fn a_direct_assignment_is_a_permission() {
        let user = json!({"id": "00u1", "scope": "USER", "credentials": {"userName": "ada", "password": {"value": "x"}}, "_links": {}});
        let normalized = normalized(&user);
        assert_eq!(normalized.id, "0oa1:00u1");
        assert_eq!(
            normalized.source,
            json!({"id": "00u1", "scope": "USER", "credentials": {"userName": "ada"}, "app_id": "0oa1"})
        );
        assert_eq!(
            to_value(&normalized.bundle).unwrap(),
            json!({"new_permissions": [{"sourceUniqueId": "00u1", "sourceType": "User", "privilegeId": "okta:use-app", "assetId": "0oa1", "isRole": false}]})
        );
    }

    #[test]
    fn only_who_may_use_an_app_has_a_permission() {
        let rights = |status: Value| {
            let user = json!({"id": "00u1", "scope": "USER", "status": status});
            normalized(&user).bundle.new_permissions.len()
        };
        for status in [
            "ACTIVE",
            "STAGED",
            "PROVISIONED",
            "IMPORTED",
            "MATCHED",
            "UNKNOWN",
            "OF_TOMORROW",
        ] {
            assert_eq!(rights(status.into()), 1, "{status}");
        }
        assert_eq!(rights(Value::Null), 1);
        for status in WITHOUT_RIGHT {
            assert_eq!(rights(status.into()), 0, "{status}");
        }
    }

    #[test]
    fn an_assignment_through_a_group_is_not_a_second_permission() {
        assert_eq!(
            normalized(&json!({"id": "00u1", "scope": "GROUP"})).bundle,
            Bundle::default()
        );
    }
}
