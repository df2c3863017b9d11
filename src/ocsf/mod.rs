//! A System Log event as an event of the Open Cybersecurity Schema Framework (OCSF).
//!
//! Shape in: <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/SystemLog/>,
//! shape out: <https://schema.ocsf.io/1.8.0/>. Every JSON value becomes an event: what has no class
//! becomes a base event, a required attribute that the source lacks has the schema's Unknown value.
//! Nothing is copied that has no place in the schema: the source stands beside it in the record.
//!
//! | file | decision |
//! |---|---|
//! | `table` | which class and activity an event type has |
//! | `class` | ids and captions of classes and activities |
//! | `outcome` | severity, status, action and risk |
//! | `who`, `endpoint`, `sign_on` | the attributes of people and things, places, and sign-ins |
//! | `event`, `shape` | which attributes each class has, and the objects in them |

mod class;
mod endpoint;
mod event;
mod outcome;
mod read;
mod shape;
mod sign_on;
mod table;
#[cfg(test)]
mod tests;
mod who;

pub use event::{Event, event};

/// The version of the schema that every event names in `metadata.version`.
pub const VERSION: &str = "1.8.0";
