//! The line: one Okta object as the contract's record.

use jiff::Timestamp;
#[cfg(feature = "schemas")]
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use serde_with::skip_serializing_none;

use crate::authomize::Bundle;

/// Version of the line's shape.
pub const SCHEMA: u32 = 1;

/// One line of a batch.
#[skip_serializing_none]
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[cfg_attr(
    feature = "schemas",
    schemars(extend(
        "if" = {"properties": {"op": {"const": "delete"}}},
        "then" = {"properties": {"source": false, "ocsf": false}},
        "else" = {"required": ["source"]},
    ))
)]
pub struct Record {
    /// Version of the line's shape.
    #[cfg_attr(feature = "schemas", schemars(extend("const" = SCHEMA)))]
    pub schema: u32,
    /// Name of the stream.
    #[cfg_attr(feature = "schemas", schemars(length(min = 1)))]
    pub stream: &'static str,
    /// The line's effect on the stream's state.
    pub op: Op,
    /// Id within the stream.
    #[cfg_attr(feature = "schemas", schemars(length(min = 1)))]
    pub id: String,
    /// When the request was sent whose answer this line comes from (RFC 3339, UTC).
    #[cfg_attr(feature = "schemas", schemars(extend("format" = "date-time")))]
    pub observed_at: String,
    /// Uuid of the System Log event that made the collector look.
    #[cfg_attr(feature = "schemas", schemars(length(min = 1)))]
    pub cause: Option<String>,
    /// The items that Authomize ingests.
    pub bundle: Bundle,
    /// The Okta object as read, scrubbed; absent in a tombstone.
    #[cfg_attr(
        feature = "schemas",
        schemars(with = "Option<serde_json::Map<String, Value>>")
    )]
    pub source: Option<Original>,
    /// The object in the Open Cybersecurity Schema Framework, where the stream has it.
    #[cfg_attr(
        feature = "schemas",
        schemars(with = "Option<serde_json::Map<String, Value>>")
    )]
    pub ocsf: Option<OcsfEvent>,
}

/// An event in OCSF as it is written, with its counts.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct OcsfEvent {
    /// Its JSON text.
    pub text: Box<RawValue>,
    /// When it happened; 1970 where the source has no time.
    #[serde(skip)]
    pub at: Timestamp,
    /// Okta's event type; empty where the source has none.
    #[serde(skip)]
    pub event_type: String,
}

/// An object as it is written: a tree, or where nobody looks into it any more its text.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Original {
    /// Its tree.
    Tree(Value),
    /// Its JSON text.
    Text(Box<RawValue>),
}

impl Original {
    /// Reads it as something else, or `None` if it has another shape.
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        match self {
            Self::Tree(value) => T::deserialize(value).ok(),
            Self::Text(text) => serde_json::from_str(text.get()).ok(),
        }
    }
}

impl From<Value> for Original {
    fn from(value: Value) -> Self {
        Self::Tree(value)
    }
}

impl PartialEq<Value> for Original {
    fn eq(&self, other: &Value) -> bool {
        self.read::<Value>().as_ref() == Some(other)
    }
}

/// A line's effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// The object is as the line says.
    Upsert,
    /// The object is gone: a tombstone.
    Delete,
}

/// One Okta object, as its stream maps it.
#[derive(Debug, Clone)]
pub struct Normalized {
    /// Id within the stream.
    pub id: String,
    /// The items that Authomize ingests.
    pub bundle: Bundle,
    /// The object as it is written.
    pub source: Original,
    /// The object in the Open Cybersecurity Schema Framework, where the stream has it.
    pub ocsf: Option<OcsfEvent>,
}
