//! The rules that the function keeps, by theme.

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod architecture;
mod auth;
mod changes;
mod collect;
mod commit;
mod conformance;
mod cost;
mod documents;
mod engine;
mod errors;
mod findings;
mod heads;
mod hostile;
mod imports;
mod inputs;
mod kills;
mod lambda;
mod limits;
mod loads;
mod model;
mod pages;
mod paging;
mod records;
mod s3;
mod schemas;
mod secrecy;
mod status;
mod streams;
