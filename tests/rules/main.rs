//! The rules that the function keeps, by theme.

#[path = "../support/mod.rs"]
mod support;

mod architecture;
mod auth;
mod changes;
mod collect;
mod commit;
mod conformance;
mod cost;
mod documents;
mod engine;
mod findings;
mod heads;
mod inputs;
mod kills;
mod lambda;
mod limits;
mod model;
mod paging;
mod s3;
mod schemas;
mod streams;
