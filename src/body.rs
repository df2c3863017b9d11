//! An answer's text with the items of the list that it holds: read through once, and shared by all
//! that is made of them.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use self_cell::self_cell;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// JSON text, most often; cheap to clone.
#[derive(Debug, Clone)]
pub struct Body(Arc<Text>);

/// The items of a text that holds a list; `None` for any other.
type List<'a> = Option<Vec<&'a RawValue>>;

self_cell!(
    struct Text {
        owner: String,
        #[covariant]
        dependent: List,
    }
    impl {Debug}
);

impl Body {
    /// The answer to a GET of `path`: a list, or (IAM) an object that wraps the list that the path names,
    /// for example `{"roles": [..], "_links": {..}}` of `/api/v1/iam/roles`.
    #[must_use]
    pub fn of(path: &str, text: String) -> Self {
        Self(Arc::new(Text::new(text, |text| {
            list_in(text, &names_of(path))
        })))
    }

    /// Whether the text is JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.list().is_some() || serde_json::from_str::<&RawValue>(self).is_ok()
    }

    /// The items of the list.
    ///
    /// # Errors
    /// Describes the text that came instead, without a word of its content.
    pub fn items(&self) -> Result<Vec<Item>, String> {
        let Some(list) = self.list() else {
            let instead = match self.trim_start().as_bytes().first() {
                None => "an empty body",
                Some(b'{') => "an object that does not hold the list that its path names",
                Some(b'[') => "a list that is cut or garbled",
                Some(_) => "something else than a list",
            };
            return Err(format!("Okta answered with {instead}"));
        };
        Ok((0..list.len())
            .map(|at| Item(Place::Listed(self.clone(), at)))
            .collect())
    }

    /// The text as one value.
    ///
    /// # Errors
    /// Where it is no JSON.
    pub fn object(&self) -> serde_json::Result<Box<RawValue>> {
        serde_json::from_str(self)
    }

    fn list(&self) -> Option<&[&RawValue]> {
        self.0.borrow_dependent().as_deref()
    }
}

/// A text of no path: a list, or an object with one list among its members.
impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::of("", text)
    }
}

/// Members that may hold the list of a path's answer: the path's last word, or the word that Okta uses instead.
/// <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/RoleDResourceSetBinding/>
fn names_of(path: &str) -> Vec<&str> {
    let path = path
        .split('?')
        .next()
        .unwrap_or_default()
        .trim_end_matches('/');
    let last = path.rsplit('/').next().unwrap_or_default();
    match last {
        "" => Vec::new(),
        "bindings" => vec!["roles", last],
        "users" if path.ends_with("/assignees/users") => vec!["value", last],
        _ => vec![last],
    }
}

/// Most items of a list, and members of an object around it: more than Okta gives, and few enough to keep.
const MOST_ITEMS: usize = 20_000;

fn list_in<'a>(text: &'a str, names: &[&str]) -> List<'a> {
    match text.trim_start().as_bytes().first()? {
        b'[' => items_in(text),
        b'{' => {
            let Few(members): Few<BTreeMap<String, &RawValue>> = serde_json::from_str(text).ok()?;
            let list = |member: &&'a RawValue| items_in(member.get());
            if names.is_empty() {
                let mut lists = members.values().filter_map(list);
                return lists.next().filter(|_| lists.next().is_none());
            }
            names.iter().find_map(|name| list(members.get(*name)?))
        }
        _ => None,
    }
}

fn items_in(text: &str) -> List<'_> {
    let Few(items) = serde_json::from_str::<Few<Vec<&RawValue>>>(text).ok()?;
    Some(items)
}

/// A collection of no more than [`MOST_ITEMS`]: what is longer costs no memory.
struct Few<T>(T);

impl<'de: 'a, 'a> Deserialize<'de> for Few<Vec<&'a RawValue>> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;
        impl<'de> Visitor<'de> for Items {
            type Value = Vec<&'de RawValue>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    if items.len() == MOST_ITEMS {
                        return Err(A::Error::custom("too many items"));
                    }
                    items.push(item);
                }
                Ok(items)
            }
        }
        deserializer.deserialize_seq(Items).map(Few)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Few<BTreeMap<String, &'a RawValue>> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = BTreeMap<String, &'de RawValue>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, member)) = map.next_entry::<String, &RawValue>()? {
                    if members.len() == MOST_ITEMS {
                        return Err(A::Error::custom("too many members"));
                    }
                    members.insert(name, member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Members).map(Few)
    }
}

impl Deref for Body {
    type Target = str;

    fn deref(&self) -> &str {
        self.0.borrow_owner()
    }
}

/// One JSON value: an item of an answer, which shares its text, or one that was made.
#[derive(Debug, Clone)]
pub struct Item(Place);

#[derive(Debug, Clone)]
enum Place {
    Listed(Body, usize),
    Own(Box<RawValue>),
}

impl From<Box<RawValue>> for Item {
    fn from(value: Box<RawValue>) -> Self {
        Self(Place::Own(value))
    }
}

impl Deref for Item {
    type Target = RawValue;

    fn deref(&self) -> &RawValue {
        match &self.0 {
            Place::Listed(body, at) => body.list().expect("an item is of a list")[*at],
            Place::Own(value) => value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> Body {
        text.to_owned().into()
    }

    #[test]
    fn items_outlive_their_answer_and_share_its_text() {
        let list = body(r#" [{"id": "1"}, 2]"#);
        let place = list.as_bytes().as_ptr_range();
        let items = list.items().unwrap();
        drop(list);
        assert_eq!(
            items.iter().map(|item| item.get()).collect::<Vec<_>>(),
            [r#"{"id": "1"}"#, "2"]
        );
        assert!(
            items
                .iter()
                .all(|item| place.contains(&item.get().as_ptr()))
        );
    }

    #[test]
    fn only_a_list_has_items() {
        assert_eq!(body("[]").items().unwrap().len(), 0);
        assert_eq!(body(r#"{"a": [1], "b": {}}"#).items().unwrap().len(), 1);
        for text in [
            r#"{"a": [1], "b": []}"#,
            "null",
            "",
            "[1",
            "[1] 2",
            "<html>",
        ] {
            assert!(body(text).items().is_err(), "{text}");
        }
    }

    #[test]
    fn a_wrapped_list_is_the_one_that_the_path_names() {
        let count = |path: &str, text: &str| {
            Body::of(path, text.to_owned())
                .items()
                .map(|items| items.len())
        };
        let text = r#"{"errors": [], "_links": {"next": []}, "roles": [{}, {}], "value": [1, 2, 3], "permissions": [1]}"#;
        assert_eq!(count("/api/v1/iam/roles?after=1", text), Ok(2));
        assert_eq!(
            count("/api/v1/iam/resource-sets/iam1/bindings", text),
            Ok(2)
        );
        assert_eq!(count("/api/v1/iam/assignees/users?limit=100", text), Ok(3));
        assert_eq!(count("/api/v1/iam/roles/cr01/permissions/", text), Ok(1));
        assert!(count("/api/v1/iam/resource-sets", text).is_err());
        for odd in [
            r#"{"roles": null}"#,
            r#"{"roles": {"0": 1}}"#,
            r#"{"roles": [1"#,
            r#"{"a": {"roles": []}}"#,
            "{}",
        ] {
            assert!(count("/api/v1/iam/roles", odd).is_err(), "{odd}");
        }
        // A plain list is one, independent of its path.
        assert_eq!(count("/api/v1/users/00u1/roles", "[1, 2]"), Ok(2));
    }

    #[test]
    fn a_text_is_json_as_a_whole_or_not_at_all() {
        assert!(
            [" [1] ", r#"{"a": 1}"#, "3"]
                .into_iter()
                .all(|text| body(text).is_json())
        );
        assert!(
            !["", "[1", "[1] 2", "{}{}", "<html>"]
                .into_iter()
                .any(|text| body(text).is_json())
        );
    }
}
