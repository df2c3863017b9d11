//! A full page without a next link. Okta has left the link out though more followed (OKTA-597359: a list of IdPs with
//! `limit=200`), so a last page that is exactly full is asked on once, from its last item.
//! <https://developer.okta.com/docs/release-notes/2023/#weekly-release-2023-04-2>

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use serde_json::value::RawValue;

use super::link::{after, limit_of};
use super::pace::kind_of;
use crate::body::Body;

/// Listings whose `after` is a member of the page's last item, by kind of path, and that member. Of the last seven it is
/// not known: they are asked so all the same, for whatever does not bring anything new ends the listing.
/// <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/IdentityProvider/#tag/IdentityProvider/operation/listIdentityProviders!in=query&path=after>
const PAGED_BY: [(&str, &str); 17] = [
    ("api/v1/users", "id"),
    ("api/v1/groups", "id"),
    ("api/v1/groups/*/users", "id"),
    ("api/v1/groups/rules", "id"),
    ("api/v1/apps", "id"),
    ("api/v1/apps/*/users", "id"),
    ("api/v1/apps/*/groups", "id"),
    ("api/v1/idps", "id"),
    ("api/v1/idps/*/users", "id"),
    ("api/v1/idps/credentials/keys", "kid"),
    ("api/v1/iam/assignees/users", "id"),
    ("api/v1/users/*/roles/*/targets/*", "id"),
    ("api/v1/groups/*/roles/*/targets/*", "id"),
    ("api/v1/groups/*/owners", "id"),
    ("api/v1/apps/*/tokens", "id"),
    ("api/v1/apps/*/group-push/*", "id"),
    ("api/v1/users/*/grants", "id"),
];

/// A last page that may not be the last.
pub(super) struct Full {
    /// Path and query of a possible next page.
    pub behind: String,
    /// The items' own names.
    names: BTreeSet<String>,
    member: &'static str,
}

impl Full {
    /// The answer to a GET of `target` if it is exactly full; `None` for any other, for a listing that pages by
    /// something unknown, and for a look at one item.
    pub(super) fn read(target: &str, body: &Body) -> Option<Self> {
        let limit = limit_of(target).filter(|limit| *limit > 1)?;
        let member = member_of(target)?;
        let items = body.items().ok()?;
        if items.len() != usize::try_from(limit).ok()? {
            return None;
        }
        let last = name_of(items.last()?, member)?;
        let names = names_in(body, member);
        Some(Self {
            behind: after(target, &last),
            names,
            member,
        })
    }

    /// Whether the next page has an item that the page has not.
    pub(super) fn is_followed_by(&self, body: &Body) -> bool {
        names_in(body, self.member)
            .iter()
            .any(|name| !self.names.contains(name))
    }
}

/// The member that a listing pages by. `rules` and `credentials` stand where an id would, and are none.
fn member_of(target: &str) -> Option<&'static str> {
    let path = target.split('?').next()?.trim_matches('/');
    let kind = kind_of(target);
    let known = PAGED_BY
        .iter()
        .find(|(known, _)| *known == path || *known == kind);
    known.map(|(_, member)| *member)
}

fn names_in(body: &Body, member: &str) -> BTreeSet<String> {
    let items = body.items().unwrap_or_default();
    items
        .iter()
        .filter_map(|item| name_of(item, member))
        .collect()
}

/// An item's name, where it can stand in a query as it is.
fn name_of(item: &RawValue, member: &str) -> Option<String> {
    let members: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_str(item.get()).ok()?;
    let name: String = serde_json::from_str(members.get(member)?.get()).ok()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (!name.is_empty() && name.bytes().all(is_plain)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn full(target: &str, ids: &[&str]) -> Option<Full> {
        let items: Vec<_> = ids.iter().map(|id| json!({"id": id, "kid": id})).collect();
        let path = target.split('?').next().unwrap();
        Full::read(target, &Body::of(path, Value::from(items).to_string()))
    }

    #[test]
    fn a_full_page_goes_on_behind_its_last_item() {
        for (target, behind) in [
            ("/api/v1/idps?limit=2", "/api/v1/idps?limit=2&after=b"),
            (
                "/api/v1/groups/00g1/users?after=x&limit=2&expand=group-rules",
                "/api/v1/groups/00g1/users?limit=2&expand=group-rules&after=b",
            ),
            (
                "/api/v1/idps/credentials/keys?limit=2",
                "/api/v1/idps/credentials/keys?limit=2&after=b",
            ),
            (
                "/api/v1/users/00u1/roles/ra1/targets/groups?limit=2",
                "/api/v1/users/00u1/roles/ra1/targets/groups?limit=2&after=b",
            ),
            (
                "/api/v1/apps/0oa1/group-push/mappings?limit=2",
                "/api/v1/apps/0oa1/group-push/mappings?limit=2&after=b",
            ),
        ] {
            assert_eq!(full(target, &["a", "b"]).unwrap().behind, behind);
        }
    }

    #[test]
    fn a_page_that_is_not_full_or_of_a_listing_that_pages_otherwise_is_the_last() {
        for target in [
            "/api/v1/idps?limit=3",
            "/api/v1/idps",
            "/api/v1/logs?limit=2",
            "/api/v1/iam/roles?limit=2",
            "/api/v1/users/00u1/groups?limit=2",
            "/api/v1/users/00u1/roles/ra1/targets/catalog/apps?limit=2",
        ] {
            assert!(full(target, &["a", "b"]).is_none(), "{target}");
        }
        assert!(full("/api/v1/idps?limit=1", &["a"]).is_none());
        assert!(full("/api/v1/idps?limit=2", &["a", "b&x=1"]).is_none());
    }

    #[test]
    fn what_repeats_the_page_does_not_follow_it() {
        let page = full("/api/v1/idps?limit=2", &["a", "b"]).unwrap();
        let followed = |text: &str| page.is_followed_by(&Body::of("/api/v1/idps", text.into()));
        assert!(followed(r#"[{"id":"b"},{"id":"c"}]"#));
        for other in ["[]", r#"[{"id":"a"},{"id":"b"}]"#, "{}", "[7]"] {
            assert!(!followed(other), "{other}");
        }
    }
}
