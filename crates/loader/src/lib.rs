//! Brings the committed state of an Okta org into Authomize by its REST API v2.
//!
//! ```text
//! event ─▶ load: record of the last load, newer manifests ─▶ due?
//!            │
//!            ▼
//!   log (verified) ─▶ pieces (of batches, sorted) ─▶ items (complete) ─▶ poster
//!                                                                          │ evidence: mark, refusals, failures
//!            status, gaps, numbers ─▶ purge: reasons, or a warrant ◀───────┘
//!                                          │
//!                           record, report ◀┘
//! ```
//!
//! The folding itself is in the crate `fold`, which is pure. Only `authomize` sends requests, only `store` and
//! `secret` name the AWS SDK, only the programs read the environment and the real clock.
//!
//! **Guarantee.** Nothing is deleted that a reader of the bucket has: a purge deletes items last updated two seconds
//! before the first answer of a load that posted everything. Before, the load catches up with the newest manifest, any
//! doubt withholds it, and the app's items are looked at: none of them may be another's. After it, the load looks for
//! its posts. **Not detected:** items that Authomize accepts and then drops without a word.

pub mod authomize;
pub mod clock;
pub mod config;
pub mod due;
pub mod event;
pub mod failure;
pub mod handler;
pub mod items;
pub mod load;
pub mod log;
pub mod pieces;
pub mod poster;
pub mod purge;
pub mod record;
pub mod report;
pub mod secret;
pub mod sorter;
pub mod status;
pub mod store;
pub mod usage;
