//! Answers to a POST of items.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde_json::Value;

use super::Answer;

/// Authomize's answer to a list of items.
#[derive(Debug, Clone, PartialEq)]
pub enum Posted {
    /// Accepted, but for items that refer to one of `invalid`.
    Accepted {
        /// `acceptedTimestamp` as written.
        at: Option<String>,
        /// `numberOfAcceptedEntities`; `None` if the answer does not tell.
        number: Option<u64>,
        /// Ids in the lists `invalid…Ids`.
        invalid: BTreeSet<String>,
    },
    /// Nothing was accepted because of these items, by their index.
    Items(BTreeMap<usize, String>),
    /// Nothing was accepted, and which item is to blame is not told.
    Whole(String),
    /// There is no such app.
    NoApp,
    /// The answer is not one of this API; the text says why.
    Foreign(String),
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
        (200..=299, _) => Posted::Foreign("the answer to a POST is no JSON object".to_owned()),
        (404, _) => Posted::NoApp,
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

/// Reads a refusal: `{"detail": [{"loc": ["body", "data", 17, "email"], "msg": "…", "type": "…"}]}`
fn refused(status: u16, body: &Value, length: usize) -> Posted {
    let mut items = BTreeMap::new();
    let details = body["detail"].as_array().cloned().unwrap_or_default();
    for detail in &details {
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
        let field: Vec<&str> = place[position + 2..]
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let message = detail["msg"].as_str().unwrap_or("refused");
        let reason = if field.is_empty() {
            message.to_owned()
        } else {
            format!("{}: {message}", field.join("."))
        };
        items.entry(index).or_insert_with(|| short(&reason));
    }
    if !items.is_empty() {
        return Posted::Items(items);
    }
    let told = details
        .first()
        .and_then(|detail| detail["msg"].as_str())
        .or_else(|| body["detail"].as_str());
    Posted::Whole(short(
        &told.map_or_else(|| format!("HTTP {status}"), str::to_owned),
    ))
}

/// Authomize's words, cut: they may repeat what was sent.
fn short(text: &str) -> String {
    text.chars().take(200).collect()
}

/// Where an `acceptedTimestamp` lies, and the same as `modifiedBefore` wants it: its offset removed.
///
/// Of an offset other than UTC it is unknown whether Authomize counts it when it compares, so the earlier of both
/// readings is taken, which deletes less. `None` for a time without an offset, or none at all: it cannot be placed.
#[must_use]
pub fn placed(text: &str) -> Option<(Timestamp, String)> {
    let at: Timestamp = text.parse().ok()?;
    let wall = text.trim_end_matches('Z').trim_end_matches('z');
    let wall = match wall.len() == text.len() {
        true => &text[..text.rfind(['+', '-'])?],
        false => wall,
    };
    let as_written: DateTime = wall.parse().ok()?;
    let in_utc = jiff::tz::Offset::UTC.to_datetime(at);
    Some((
        at,
        if as_written <= in_utc {
            wall.to_owned()
        } else {
            in_utc.to_string()
        },
    ))
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
    fn a_time_loses_its_offset_and_never_gets_later() {
        let mark = |text| placed(text).map(|(_, mark)| mark);
        assert_eq!(
            mark("2026-11-23T18:00:00.123456Z").as_deref(),
            Some("2026-11-23T18:00:00.123456")
        );
        assert_eq!(
            mark("2026-11-23T18:00:00+00:00").as_deref(),
            Some("2026-11-23T18:00:00")
        );
        assert_eq!(
            mark("2026-11-23T18:00:00+02:00").as_deref(),
            Some("2026-11-23T16:00:00")
        );
        assert_eq!(
            mark("2026-11-23T18:00:00-05:00").as_deref(),
            Some("2026-11-23T18:00:00")
        );
        for unplaced in ["2026-11-23T18:00:00", "yesterday", "", "2026-11-23"] {
            assert_eq!(placed(unplaced), None, "{unplaced}");
        }
    }

    #[test]
    fn a_refusal_names_items_by_index_or_none() {
        let detail = json!({"detail": [{"loc": ["body", "data", 1, "email"], "msg": "no e-mail", "type": "x"}]});
        assert_eq!(
            posted(&answer(422, &detail), 2),
            Posted::Items([(1, "email: no e-mail".to_owned())].into())
        );
        assert_eq!(
            posted(&answer(422, &detail), 1),
            Posted::Whole("no e-mail".to_owned())
        );
        assert_eq!(
            posted(&answer(413, &json!("x")), 1),
            Posted::Whole("HTTP 413".to_owned())
        );
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
            Posted::Foreign(_)
        ));
    }
}
