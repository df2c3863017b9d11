//! Answers to a POST of items.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::Answer;

/// Authomize's answer to a list of items.
#[derive(Debug, Clone, PartialEq)]
pub enum Posted {
    /// Accepted, but for items that refer to one of `invalid`.
    Accepted {
        /// `acceptedTimestamp` as written.
        at: Option<String>,
        /// `numberOfAcceptedEntities`; `None` if the answer does not say.
        number: Option<u64>,
        /// Ids in the lists `invalid…Ids`.
        invalid: BTreeSet<String>,
    },
    /// Nothing was accepted because of these items, by their index.
    Items(BTreeMap<usize, Field>),
    /// Nothing was accepted, and which item is to blame is not said; the HTTP status.
    Whole(u16),
    /// There is no such app, or no such endpoint.
    NotFound,
    /// The answer is not one of this API.
    Foreign,
}

/// Understands the answer to a POST of `length` items.
#[must_use]
pub fn posted(answer: &Answer, length: usize) -> Posted {
    let body: Result<Value, _> = serde_json::from_slice(&answer.body);
    match (answer.status, body) {
        (200..=299, Ok(Value::Object(body))) => Posted::Accepted {
            at: body
                .get("acceptedTimestamp")
                .and_then(Value::as_str)
                .map(str::to_owned),
            number: body.get("numberOfAcceptedEntities").and_then(Value::as_u64),
            invalid: body.get("data").map(invalid).unwrap_or_default(),
        },
        (200..=299, _) => Posted::Foreign,
        (404, _) => Posted::NotFound,
        (status, body) => refused(status, &body.unwrap_or_default(), length),
    }
}

/// The ids in `invalidUserIds`, `invalidSourceIds` and the like, but for owners.
fn invalid(data: &Value) -> BTreeSet<String> {
    let lists = data.as_object().into_iter().flatten();
    let lists = lists.filter(|(name, _)| name.starts_with("invalid") && *name != "invalidOwnerIds");
    lists
        .flat_map(|(_, ids)| ids.as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// Reads a refusal: `{"detail": [{"loc": ["body", "data", 17, "email"], "msg": "…", "type": "…"}]}`. Its texts may
/// repeat the request, so nothing of them is kept.
fn refused(status: u16, body: &Value, length: usize) -> Posted {
    let mut items = BTreeMap::new();
    for detail in body["detail"].as_array().into_iter().flatten() {
        let place = detail["loc"].as_array().cloned().unwrap_or_default();
        let Some(position) = place.iter().position(|part| part == "data") else {
            continue;
        };
        let index = place
            .get(position + 1)
            .and_then(Value::as_u64)
            .and_then(|index| usize::try_from(index).ok());
        let Some(index) = index.filter(|index| *index < length) else {
            continue;
        };
        let parts = place[position + 2..].iter().filter_map(Value::as_str);
        let field = Field(parts.map(str::to_owned).collect());
        items.entry(index).or_insert(field);
    }
    if items.is_empty() {
        Posted::Whole(status)
    } else {
        Posted::Items(items)
    }
}

/// Where in an item Authomize found something wrong, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field(Vec<String>);

/// Fields that an item may lack; all other fields that a refusal names must be in the item.
const MODEL_FIELDS: [&str; 16] = [
    "uniqueId",
    "originId",
    "name",
    "originName",
    "email",
    "status",
    "type",
    "sourceUniqueId",
    "sourceType",
    "privilegeId",
    "privilegeType",
    "assetId",
    "sourceId",
    "targetId",
    "key",
    "value",
];

impl Field {
    /// The field's name, if it is one of the model's or of this item's: a refusal may name values as well.
    #[must_use]
    pub fn name_in(&self, item: &Map<String, Value>) -> Option<String> {
        let known = |part: &&String| {
            MODEL_FIELDS.contains(&part.as_str()) || item.contains_key(part.as_str())
        };
        let names: Vec<&str> = self
            .0
            .iter()
            .take_while(known)
            .map(String::as_str)
            .collect();
        (!names.is_empty()).then(|| names.join("."))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: &Value) -> Answer {
        Answer {
            status,
            retry_after: None,
            body: body.to_string().into_bytes(),
        }
    }

    #[test]
    fn a_refusal_names_items_by_index_or_none_and_fields_that_are_some() {
        let detail = json!({"detail": [{"loc": ["body", "data", 1, "email", "ada@acme.example"], "msg": "no", "type": "x"}]});
        let Posted::Items(items) = posted(&answer(422, &detail), 2) else {
            panic!()
        };
        let named = |item: Value| items[&1].name_in(item.as_object().unwrap());
        assert_eq!(named(json!({})).as_deref(), Some("email"));
        let odd = Field(vec!["ada@acme.example".to_owned()]);
        assert_eq!(odd.name_in(&Map::new()), None);
        assert_eq!(posted(&answer(422, &detail), 1), Posted::Whole(422));
        assert_eq!(posted(&answer(413, &json!("x")), 1), Posted::Whole(413));
    }

    #[test]
    fn invalid_ids_are_gathered_whatever_they_are_ids_of() {
        let body = json!({"requestId": "r", "numberOfAcceptedEntities": 1, "acceptedTimestamp": "t",
            "data": {"validUserIds": ["a"], "invalidUserIds": ["b"], "invalidAssetIds": ["c"]}});
        let Posted::Accepted {
            invalid, number, ..
        } = posted(&answer(200, &body), 3)
        else {
            panic!()
        };
        assert_eq!(
            (invalid, number),
            (BTreeSet::from(["b".to_owned(), "c".to_owned()]), Some(1))
        );
        assert!(matches!(
            posted(&answer(200, &json!("<html>")), 1),
            Posted::Foreign
        ));
    }
}
