//! Brings an Okta org's identity data to Authomize: an EventBridge event in, committed batches in
//! S3 out.
//!
//! ```text
//! event ─▶ invocation ─▶ handler ◀─ config, secret, clock
//!                          │  ▲
//!          engine asks ◀───┘  └──▶ okta fetches a page
//!            │ absorbs it, by the declarations of streams
//!            ▼
//!   record (authomize, ocsf, usage, scrub) ─▶ batch ─▶ manifest, commit ─▶ store
//!                                                         │
//!                                         status, report ◀┘
//! ```
//!
//! The modules stand in groups, in the order of the flow. `ARCHITECTURE.md` has the guarantees, and the imports that each
//! may have.

#![warn(clippy::too_many_lines)]

/// Name and version of the collector, as manifests, reports, status and logs tell it: `okta-authomize/0.1.0`.
pub const COLLECTOR: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

pub mod clock;
pub mod config;
pub mod invocation;
pub mod secret;

pub mod handler;

pub mod okta;

pub mod engine;
pub mod streams;

pub mod authomize;
pub mod body;
pub mod ids;
pub mod json;
pub mod ocsf;
pub mod record;
pub mod scrub;
pub mod seen_methods;
pub mod usage;

pub mod batch;
pub mod bounded;
pub mod commit;
pub mod head;
pub mod manifest;
pub mod metrics;
pub mod status;
pub mod store;
