//! Group memberships: which user is in which group, one listing per group.
//! <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Group/#tag/Group/operation/listGroupUsers>

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::change::{
    Identity, Kind, LIFE_OF_A_USER, Of, Read, Reread, Rows, Sweep, Touches, Trigger,
};
use super::{Cadence, Context, Parents, Source, Stream, groups, id_of, time_of};
use crate::authomize::{Association, Bundle};
use crate::record::Normalized;

/// One user and one group.
const CHANGES: &[&str] = &[
    "group.user_membership.add",
    "group.user_membership.remove",
    "system.identity_sources.group.user.",
    "directory.external.group.membership.",
];
/// Many at once, which the events do not name.
const MASS_CHANGES: &[&str] = &[
    "group.user_membership.rule.",
    "system.import.group_membership.complete",
    "system.import.membership_processing.complete",
];

pub static STREAM: Stream = Stream {
    name: "group_memberships",
    word: "Groups",
    scope: "okta.groups.read",
    source: Source::PerParent {
        parents: Parents {
            listing: &groups::LISTING,
            kind: "Group",
            of: Kind::Group,
            wanted: has_members,
            keep: false,
            refusal_is_none: false,
        },
        path: "/api/v1/groups/{parent}/users?limit=1000",
    },
    identity: Identity::Pair(Kind::Group, Kind::User),
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
            events: MASS_CHANGES,
            touches: Touches::Lately,
        },
    ],
    rereads: &[
        Reread {
            of: Of::All(Kind::Group),
            read: Read::Listing {
                path: "/api/v1/groups/{id}/users?limit=1000",
                page_items: 1000,
                normalize: None,
            },
        },
        Reread {
            of: Of::All(Kind::User),
            read: Read::Listing {
                path: "/api/v1/users/{id}/groups",
                page_items: 200,
                normalize: Some(normalize_group_of_user),
            },
        },
    ],
    sweep: Some(Sweep {
        path: "/api/v1/groups?limit=200&filter=lastMembershipUpdated%20ge%20%22{since}%22",
        time: last_membership_updated,
        rows: Rows::Parents {
            kind: Kind::Group,
            wanted: is_not_everyone,
        },
        life: None,
    }),
    fixed: None,
    own_id: super::id_of,
    normalize,
    tombstone: None,
};

/// The members of Everyone follow from the events of users: it is not listed again because somebody joined.
fn is_not_everyone(group: &RawValue) -> bool {
    !groups::is_everyone(group)
}

/// Only a group that never had a member is spared: a count of zero alone is no list.
fn has_members(group: &RawValue) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Group {
        created: Timestamp,
        last_membership_updated: Timestamp,
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
    let is_empty = |group: Group| {
        group.embedded.stats.users_count == 0 && group.last_membership_updated <= group.created
    };
    !serde_json::from_str(group.get()).is_ok_and(is_empty)
}

/// Okta answers with whole users; their ids are all that a membership is.
fn normalize(user: &RawValue, context: &Context<'_>) -> Option<Normalized> {
    Some(membership(context.parent?, &id_of(user)?))
}

/// One of the groups of a user.
fn normalize_group_of_user(group: &RawValue, context: &Context<'_>) -> Option<Normalized> {
    Some(membership(&id_of(group)?, context.parent?))
}

fn membership(group_id: &str, user_id: &str) -> Normalized {
    let association = Association {
        source_id: user_id.to_owned(),
        target_id: group_id.to_owned(),
    };
    Normalized {
        id: format!("{group_id}:{user_id}"),
        bundle: Bundle {
            new_accounts_association: vec![association],
            ..Bundle::default()
        },
        source: json!({"group_id": group_id, "user_id": user_id}).into(),
        ocsf: None,
    }
}

fn last_membership_updated(group: &RawValue) -> Option<Timestamp> {
    time_of(group, "lastMembershipUpdated")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{to_value, value::to_raw_value};

    #[test]
    fn a_membership_is_an_association() {
        let user =
            to_raw_value(&json!({"id": "00u1", "profile": {"login": "ada@acme.example"}})).unwrap();
        let normalized = normalize(
            &user,
            &Context {
                parent: Some("00g1"),
                ..Context::default()
            },
        )
        .unwrap();
        assert_eq!(normalized.id, "00g1:00u1");
        assert_eq!(
            normalized.source,
            json!({"group_id": "00g1", "user_id": "00u1"})
        );
        assert_eq!(
            to_value(&normalized.bundle).unwrap(),
            json!({"new_accounts_association": [{"sourceId": "00u1", "targetId": "00g1"}]})
        );
    }

    #[test]
    fn only_a_group_that_never_had_a_member_saves_the_request() {
        let has_members = |group| has_members(&to_raw_value(&group).unwrap());
        let (early, late) = ("2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z");
        let empty = |created, updated| json!({"created": created, "lastMembershipUpdated": updated, "_embedded": {"stats": {"usersCount": 0}}});
        assert!(!has_members(empty(early, early)));
        assert!(has_members(empty(early, late)));
        assert!(has_members(
            json!({"_embedded": {"stats": {"usersCount": 0}}})
        ));
        assert!(has_members(
            json!({"_embedded": {"stats": {"usersCount": 1}}})
        ));
        assert!(has_members(
            json!({"_embedded": {"stats": {"usersCount": null}}})
        ));
        assert!(has_members(json!({"_embedded": null})));
        assert!(has_members(json!({})));
    }
}
