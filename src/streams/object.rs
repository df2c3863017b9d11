//! One object of an answer, read tolerantly.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::json::Json;
use crate::scrub::{Rules, scrub};

/// Largest object that is read as a tree, which takes many times as much; Okta's own are a tenth of it at most.
pub(super) const MOST_OBJECT_BYTES: usize = 1 << 20;

/// The knowledge of a mapping beside the object.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context<'a> {
    /// Id of the parent, for streams that are read per parent.
    pub parent: Option<&'a str>,
    /// The integration's rules of what may be written.
    pub rules: &'a Rules,
}

impl Context<'_> {
    /// The object as it may be written: parsed and scrubbed.
    #[must_use]
    pub fn object(&self, raw: &RawValue) -> Option<Value> {
        self.tree(&mended(raw)).map(Value::from)
    }

    /// A value as it may be written.
    #[must_use]
    pub fn scrubbed(&self, value: Value) -> Value {
        let mut json = Json::from(&value);
        scrub(&mut json, self.rules);
        json.into()
    }

    /// As [`Self::object`], borrowing the text, which is mended already.
    #[must_use]
    pub fn tree<'t>(&self, text: &'t str) -> Option<Json<'t>> {
        let text = Some(text).filter(|text| text.len() <= MOST_OBJECT_BYTES)?;
        let mut json = Json::parse(text).ok().filter(Json::is_object)?;
        scrub(&mut json, self.rules);
        Some(json)
    }
}

/// The object as read, links and all.
#[must_use]
pub fn parse(raw: &RawValue) -> Option<Value> {
    if raw.get().len() > MOST_OBJECT_BYTES {
        return None;
    }
    Json::parse(&mended(raw))
        .ok()
        .filter(Json::is_object)
        .map(Value::from)
}

/// The object's text. One that is JSON but no text (a lone surrogate escape) is mended rather than
/// lost.
pub(super) fn mended(raw: &RawValue) -> Cow<'_, str> {
    let text = raw.get();
    let has_escapes = memchr::memchr(b'\\', text.as_bytes()).is_some();
    let has_surrogates = has_escapes && (text.contains("\\ud") || text.contains("\\uD"));
    if has_surrogates {
        Cow::Owned(without_lone_surrogates(text))
    } else {
        Cow::Borrowed(text)
    }
}

/// For listings all of whose items are parents.
pub(super) fn every(_: &RawValue) -> bool {
    true
}

/// Replaces surrogate escapes that have no partner by U+FFFD, as every decoder that is not
/// strict does. <https://www.rfc-editor.org/rfc/rfc8259#section-8.2>
fn without_lone_surrogates(json: &str) -> String {
    let mut mended = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        mended.push_str(before);
        let length = match (
            surrogate(escape),
            surrogate(escape.get(6..).unwrap_or_default()),
        ) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(_), _) => 0,
            (None, _) => escape.chars().take(2).map(char::len_utf8).sum(),
        };
        mended.push_str(if length == 0 {
            "\\ufffd"
        } else {
            &escape[..length]
        });
        rest = &escape[if length == 0 { 6 } else { length }..];
    }
    mended + rest
}

/// The code of the `\uXXXX` escape that `text` begins with, if it is a surrogate's.
fn surrogate(text: &str) -> Option<u16> {
    let code = u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()?;
    (0xD800..=0xDFFF).contains(&code).then_some(code)
}

/// The id of an object, without reading the rest of it.
#[must_use]
pub fn id_of(raw: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Identified {
        id: String,
    }
    serde_json::from_str::<Identified>(raw.get())
        .ok()
        .map(|object| object.id)
        .filter(|id| !id.is_empty())
}

/// A text at the top of an object that is not empty, without reading the rest of it.
#[must_use]
pub fn text_of(raw: &RawValue, field: &str) -> Option<String> {
    let object: Members<'_> = serde_json::from_str(raw.get()).ok()?;
    let text: String = serde_json::from_str(object.get(field)?.get()).ok()?;
    (!text.is_empty()).then_some(text)
}

/// Whether Okta is about to change the object's status: `transitioningToStatus` names the next one.
/// <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/User/#tag/User/operation/getUser!c=200&path=transitioningToStatus&t=response>
#[must_use]
pub fn is_in_transition(raw: &RawValue) -> bool {
    const FIELD: &str = "transitioningToStatus";
    raw.get().contains(FIELD) && text_of(raw, FIELD).is_some()
}

/// A time at the top of an object, without reading the rest of it into memory.
pub(super) fn time_of(raw: &RawValue, field: &str) -> Option<Timestamp> {
    let object: Members<'_> = serde_json::from_str(raw.get()).ok()?;
    let time: String = serde_json::from_str(object.get(field)?.get()).ok()?;
    time.parse().ok()
}

type Members<'a> = std::collections::HashMap<std::borrow::Cow<'a, str>, &'a RawValue>;

/// Okta's `lastUpdated`.
pub(super) fn last_updated(raw: &RawValue) -> Option<Timestamp> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Updated {
        last_updated: Timestamp,
    }
    serde_json::from_str::<Updated>(raw.get())
        .ok()
        .map(|object| object.last_updated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_surrogate_costs_no_record() {
        let context = Context::default();
        let raw: Box<RawValue> =
            serde_json::from_str(r#"{"a":"\ud83d\ude00 \ud83d \\ud800 \n\ude00"}"#).unwrap();
        let object = context.object(&raw).unwrap();
        assert_eq!(object["a"], "😀 \u{fffd} \\ud800 \n\u{fffd}");
    }
}
