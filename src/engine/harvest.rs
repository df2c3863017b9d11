//! An absorbed page on its way to records.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::authomize::rfc3339;
use crate::record::{Op, Record, SCHEMA};
use crate::streams::{Context, Stream};

/// Objects of one answer, to be mapped by their stream's declaration. Owns its text, so that
/// mapping can go on while the engine already asks for the next page.
#[derive(Debug)]
pub struct Harvest {
    /// The stream that the objects belong to.
    pub stream: &'static Stream,
    parent: Option<String>,
    observed_at: String,
    items: Vec<Box<RawValue>>,
}

impl Harvest {
    pub(super) fn new(
        stream: &'static Stream,
        parent: Option<String>,
        sent_at: Timestamp,
        items: Vec<Box<RawValue>>,
    ) -> Self {
        Self { stream, parent, observed_at: rfc3339(sent_at), items }
    }

    /// The objects as records, one at a time; `Err` holds what is known of an object that cannot
    /// be a record because it has no id.
    pub fn records<'a>(&'a self, drop_attributes: &'a [String]) -> impl Iterator<Item = Result<Record, String>> + 'a {
        let context = Context { parent: self.parent.as_deref(), drop_attributes };
        self.items.iter().enumerate().map(move |(at, item)| {
            let normalized = (self.stream.normalize)(item, &context).ok_or_else(|| {
                let parent = self.parent.as_deref().map(|id| format!(" of {id}")).unwrap_or_default();
                format!("item {at} of a page of {}{parent} has no usable id", self.stream.name)
            })?;
            Ok(Record {
                schema: SCHEMA,
                stream: self.stream.name,
                op: Op::Upsert,
                id: normalized.id,
                observed_at: self.observed_at.clone(),
                cause: None,
                bundle: normalized.bundle,
                source: Some(normalized.source),
                ocsf: normalized.ocsf,
            })
        })
    }
}

/// The items of a page's body: a list, or (IAM) an object that wraps one list.
///
/// # Errors
/// Tells what the body is instead.
pub fn items(body: &str) -> Result<Vec<Box<RawValue>>, String> {
    let wrapped = || {
        let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(body).ok()?;
        members.into_values().find_map(|member| serde_json::from_str(member.get()).ok())
    };
    serde_json::from_str(body).ok().or_else(wrapped).ok_or_else(|| {
        let start: String = body.trim_start().chars().take(40).collect();
        format!("Okta answered with something else than a list, beginning {start:?}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_may_be_wrapped() {
        assert_eq!(items("[1, {}]").unwrap().len(), 2);
        assert_eq!(items(r#"{"_links": {"self": {}}, "resource-sets": [{}]}"#).unwrap().len(), 1);
        assert!(items(r#"{"errorCode": "E0000001"}"#).is_err());
        assert!(items("null").is_err());
    }
}
