//! Group memberships: which user is in which group, one listing a group.
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Group/#tag/Group/operation/listGroupUsers>

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::{Cadence, Context, Parents, Source, Stream, groups, id_of};
use crate::authomize::{Association, Bundle};
use crate::record::Normalized;

pub static STREAM: Stream = Stream {
    name: "group_memberships",
    word: "Groups",
    scope: "okta.groups.read",
    source: Source::PerParent {
        parents: Parents { listing: &groups::LISTING, kind: "Group", wanted: has_members, keep: false },
        path: "/api/v1/groups/{parent}/users?limit=1000",
    },
    cadence: Cadence::Full,
    touched_by: &[],
    fixed: None,
    normalize,
};

/// Only a count of zero says that there are none.
fn has_members(group: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Group {
        #[serde(rename = "_embedded")]
        embedded: Embedded,
    }
    #[derive(Deserialize)]
    struct Embedded {
        stats: Stats,
    }
    #[derive(Deserialize)]
    struct Stats {
        #[serde(rename = "usersCount")]
        users_count: u64,
    }
    serde_json::from_str::<Group>(group.get()).map_or(true, |group| group.embedded.stats.users_count > 0)
}

/// Okta answers with whole users; their ids are all that a membership is.
fn normalize(user: &RawValue, context: &Context<'_>) -> Option<Normalized> {
    let group_id = context.parent?;
    let user_id = id_of(user)?;
    let association = Association { source_id: user_id.clone(), target_id: group_id.to_owned() };
    Some(Normalized {
        id: format!("{group_id}:{user_id}"),
        bundle: Bundle { new_accounts_association: vec![association], ..Bundle::default() },
        source: json!({"group_id": group_id, "user_id": user_id}).into(),
        ocsf: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{to_value, value::to_raw_value};

    #[test]
    fn a_membership_is_an_association() {
        let user = to_raw_value(&json!({"id": "00u1", "profile": {"login": "ada@acme.example"}})).unwrap();
        let normalized = normalize(&user, &Context { parent: Some("00g1"), drop_attributes: &[] }).unwrap();
        assert_eq!(normalized.id, "00g1:00u1");
        assert_eq!(normalized.source, json!({"group_id": "00g1", "user_id": "00u1"}));
        assert_eq!(
            to_value(&normalized.bundle).unwrap(),
            json!({"new_accounts_association": [{"sourceId": "00u1", "targetId": "00g1"}]})
        );
    }

    #[test]
    fn only_a_count_of_zero_saves_the_request() {
        let has_members = |group| has_members(&to_raw_value(&group).unwrap());
        assert!(!has_members(json!({"_embedded": {"stats": {"usersCount": 0}}})));
        assert!(has_members(json!({"_embedded": {"stats": {"usersCount": 1}}})));
        assert!(has_members(json!({"_embedded": {"stats": {"usersCount": null}}})));
        assert!(has_members(json!({"_embedded": null})));
        assert!(has_members(json!({})));
    }
}
