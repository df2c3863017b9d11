//! Brings an Okta org's identity data to Authomize.

pub mod authomize;
pub mod batch;
pub mod clock;
pub mod commit;
pub mod config;
pub mod engine;
pub mod handler;
pub mod invocation;
pub mod manifest;
pub mod ocsf;
pub mod okta;
pub mod record;
pub mod scrub;
pub mod secret;
pub mod status;
pub mod store;
pub mod streams;
pub mod usage;
