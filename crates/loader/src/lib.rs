//! Brings the committed state of an Okta org into Authomize by its REST API v2.
//!
//! ```text
//! event ─▶ load: record of the last load, newer manifests ─▶ due?
//!            │
//!            ▼
//!   log (verified) ─▶ gather (batches → pieces, spilled) ─▶ emit (complete items) ─▶ post
//!            │                                                                        │ mark
//!            └──────────── guards: status, gaps, numbers ─▶ sweep ◀──────────────────┘
//!                                                             │
//!                                              record, report ◀┘
//! ```
//!
//! The folding itself is in the crate `fold`, which is pure. Only `authomize` sends requests, only `store` and
//! `secret` name the AWS SDK, only the programs read the environment and the real clock.
//!
//! **Guarantee.** Nothing is deleted that a reader of the bucket has: a sweep deletes what was not posted since the
//! first answer of a load that posted everything, it catches up with the newest manifest before, and any doubt
//! holds it. **Not detected:** what Authomize accepts and then drops without a word.

pub mod authomize;
pub mod config;
pub mod decide;
pub mod emit;
pub mod event;
pub mod failure;
pub mod gather;
pub mod handler;
pub mod load;
pub mod log;
pub mod post;
pub mod record;
pub mod report;
pub mod secret;
pub mod spill;
pub mod status;
pub mod store;
pub mod usage;
