//! Users of applications, assigned directly or through a group, one listing an app.
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/ApplicationUsers/>

use serde_json::value::RawValue;

use super::{Cadence, Context, Parents, Source, Stream, applications, every};
use crate::authomize::{Bundle, Permission, SourceType, text};
use crate::record::Normalized;

pub static STREAM: Stream = Stream {
    name: "application_users",
    word: "Applications",
    scope: "okta.apps.read",
    source: Source::PerParent {
        parents: Parents { listing: &applications::LISTING, kind: "Application", wanted: every, keep: false },
        path: "/api/v1/apps/{parent}/users?limit=500",
    },
    cadence: Cadence::Full,
    touched_by: &[],
    fixed: None,
    normalize,
};

/// What a user has through a group follows from the group's assignment, and is no permission of
/// the user's own.
fn normalize(raw: &RawValue, context: &Context<'_>) -> Option<Normalized> {
    let app_id = context.parent?;
    let mut source = context.object(raw)?;
    let user_id = text(&source, &["id"])?;
    source.as_object_mut()?.insert("app_id".to_owned(), app_id.into());
    let is_direct = source["scope"] != "GROUP";
    let permission = Permission {
        source_unique_id: user_id.clone(),
        source_type: SourceType::User,
        privilege_id: applications::USE_APP.to_owned(),
        asset_id: Some(app_id.to_owned()),
        is_role: false,
        tags: Vec::new(),
    };
    let new_permissions = is_direct.then_some(permission).into_iter().collect();
    let bundle = Bundle { new_permissions, ..Bundle::default() };
    Some(Normalized { id: format!("{app_id}:{user_id}"), bundle, source: source.into(), ocsf: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json, to_value, value::to_raw_value};

    fn normalized(user: &Value) -> Normalized {
        normalize(&to_raw_value(user).unwrap(), &Context { parent: Some("0oa1"), drop_attributes: &[] }).unwrap()
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
    fn an_assignment_through_a_group_is_not_a_second_permission() {
        assert_eq!(normalized(&json!({"id": "00u1", "scope": "GROUP"})).bundle, Bundle::default());
    }
}
