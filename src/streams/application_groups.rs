//! Groups assigned to applications, one listing per app.
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/ApplicationGroups/>

use serde_json::value::RawValue;

use super::change::{Identity, Kind, Of, Read, Reread, Touches, Trigger};
use super::{Cadence, Context, Parents, Source, Stream, applications, every};
use crate::authomize::{Bundle, Permission, SourceType, text};
use crate::record::Normalized;

pub static STREAM: Stream = Stream {
    name: "application_groups",
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
        path: "/api/v1/apps/{parent}/groups?limit=200",
    },
    identity: Identity::Pair(Kind::Application, Kind::Group),
    cadence: Cadence::Full,
    changed_by: &[Trigger {
        events: &["group.application_assignment."],
        touches: Touches::Pair,
    }],
    rereads: &[
        Reread {
            of: Of::Pair,
            read: Read::Object {
                path: "/api/v1/apps/{parent}/groups/{child}",
            },
        },
        Reread {
            of: Of::All(Kind::Application),
            read: Read::Listing {
                path: "/api/v1/apps/{id}/groups?limit=200",
                page_items: 200,
                normalize: None,
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
    let app_id = context.parent?;
    let mut source = context.object(raw)?;
    let group_id = text(&source, &["id"])?;
    source
        .as_object_mut()?
        .insert("app_id".to_owned(), app_id.into());
    let permission = Permission {
        source_unique_id: group_id.clone(),
        source_type: SourceType::Grouping,
        privilege_id: applications::USE_APP.to_owned(),
        asset_id: Some(app_id.to_owned()),
        ..Permission::default()
    };
    let bundle = Bundle {
        new_permissions: vec![permission],
        ..Bundle::default()
    };
    Some(Normalized {
        id: format!("{app_id}:{group_id}"),
        bundle,
        source: source.into(),
        ocsf: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{json, to_value, value::to_raw_value};

    #[test]
    fn a_groups_assignment_is_a_permission() {
        let group =
            to_raw_value(&json!({"id": "00g1", "priority": 0, "profile": {}, "_links": {}}))
                .unwrap();
        let normalized = normalize(
            &group,
            &Context {
                parent: Some("0oa1"),
                ..Context::default()
            },
        )
        .unwrap();
        assert_eq!(normalized.id, "0oa1:00g1");
        assert_eq!(
            normalized.source,
            json!({"id": "00g1", "priority": 0, "profile": {}, "app_id": "0oa1"})
        );
        assert_eq!(
            to_value(&normalized.bundle).unwrap(),
            json!({"new_permissions": [{"sourceUniqueId": "00g1", "sourceType": "Grouping", "privilegeId": "okta:use-app", "assetId": "0oa1", "isRole": false}]})
        );
    }
}
