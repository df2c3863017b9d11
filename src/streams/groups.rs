//! Groups: native ones, those imported from applications and directories, and Everyone.
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Group/>

use serde::Deserialize;
use serde_json::value::RawValue;

use super::change::{Identity, Kind, Of, Read, Reread, Rows, Sweep, Touches, Trigger};
use super::{Cadence, Context, Listing, Source, Stream, last_updated};
use crate::authomize::{
    ALTERNATIVE_NAME_CHARS, Asset, AssetType, Bundle, Grouping, GroupingType, custom_properties,
    cut, text,
};
use crate::record::Normalized;

/// `expand=stats` tells which groups are empty, so that those cost no request for members.
pub static LISTING: Listing = Listing {
    name: "groups",
    path: "/api/v1/groups?limit=200&expand=stats",
    omits: "",
};

const CHANGES: &[&str] = &[
    "group.lifecycle.create",
    "group.profile.update",
    "system.import.group.",
    "system.identity_sources.group.create",
    "system.identity_sources.group.update",
    "system.identity_sources.group.delete",
    "resource.owner.update",
    "app.user_management.user_group_import.",
];

pub static STREAM: Stream = Stream {
    name: "groups",
    word: "Groups",
    scope: "okta.groups.read",
    source: Source::Listing(&LISTING),
    identity: Identity::Object(Kind::Group),
    cadence: Cadence::Full,
    changed_by: &[Trigger {
        events: CHANGES,
        touches: Touches::Each(&[Kind::Group]),
    }],
    rereads: &[Reread {
        of: Of::All(Kind::Group),
        read: Read::Object {
            path: "/api/v1/groups/{id}",
        },
    }],
    sweep: Some(Sweep {
        path: "/api/v1/groups?limit=200&filter=lastUpdated%20ge%20%22{since}%22",
        time: last_updated,
        rows: Rows::Records,
        life: None,
    }),
    fixed: None,
    own_id: super::id_of,
    normalize,
    tombstone: None,
};

/// Whether a group is the one that every user is in.
pub fn is_everyone(group: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Group {
        #[serde(rename = "type")]
        kind: String,
        profile: Profile,
    }
    #[derive(Deserialize)]
    struct Profile {
        name: String,
    }
    // "Okta Administrators" is built in, too.
    let is_everyone = |group: Group| group.kind == "BUILT_IN" && group.profile.name == "Everyone";
    serde_json::from_str(group.get()).is_ok_and(is_everyone)
}

fn normalize(raw: &RawValue, context: &Context<'_>) -> Option<Normalized> {
    let source = context.object(raw)?;
    let id = text(&source, &["id"])?;
    let paths: &[&[&str]] = &[
        &["created"],
        &["lastUpdated"],
        &["lastMembershipUpdated"],
        &["objectClass"],
    ];
    let name = text(&source, &["profile", "name"]).unwrap_or_else(|| id.clone());
    // A group is also what roles and resource sets are narrowed to; those know it by its id alone.
    let asset = Asset {
        unique_id: id.clone(),
        origin_id: id.clone(),
        name: name.clone(),
        kind: AssetType::Other,
        origin_type: Some("Group".to_owned()),
        ..Asset::default()
    };
    let grouping = Grouping {
        unique_id: id.clone(),
        origin_id: id.clone(),
        name,
        origin_type: text(&source, &["type"]),
        kind: GroupingType::Group,
        is_role: false,
        alternative_name: text(&source, &["profile", "description"])
            .map(|text| cut(&text, ALTERNATIVE_NAME_CHARS)),
        custom_properties: custom_properties(&source, paths),
    };
    Some(Normalized {
        id,
        bundle: Bundle {
            new_groupings: vec![grouping],
            new_assets: vec![asset],
            ..Bundle::default()
        },
        source: source.into(),
        ocsf: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{json, to_value, value::to_raw_value};

    #[test]
    fn a_group_is_a_grouping() {
        let group = json!({
            "id": "00g1", "type": "OKTA_GROUP", "objectClass": ["okta:user_group", "x"], "created": "2026-01-01T00:00:00.000Z",
            "profile": {"name": "Ärzte", "description": "d".repeat(300)}, "_embedded": {"stats": {"usersCount": 3}},
        });
        let context = Context::default();
        let normalized = normalize(&to_raw_value(&group).unwrap(), &context).unwrap();
        assert_eq!(
            to_value(&normalized.bundle).unwrap(),
            json!({"new_groupings": [{
                "uniqueId": "00g1", "originId": "00g1", "name": "Ärzte", "originType": "OKTA_GROUP", "type": "Group", "isRole": false,
                "alternativeName": "d".repeat(256),
                "customProperties": [{"key": "created", "value": "2026-01-01T00:00:00.000Z"}, {"key": "objectClass", "value": "okta:user_group,x"}],
            }], "new_assets": [{"uniqueId": "00g1", "originId": "00g1", "name": "Ärzte", "type": "Other", "originType": "Group"}]})
        );
        assert!(
            normalized
                .source
                .read::<serde_json::Value>()
                .unwrap()
                .get("_embedded")
                .is_none()
        );
    }

    #[test]
    fn a_group_without_a_name_goes_by_its_id() {
        let context = Context::default();
        let normalized = normalize(
            &to_raw_value(&json!({"id": "00g1", "profile": {"name": ""}})).unwrap(),
            &context,
        )
        .unwrap();
        assert_eq!(normalized.bundle.new_groupings[0].name, "00g1");
    }
}
