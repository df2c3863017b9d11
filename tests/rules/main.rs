//! The rules that the function keeps, by theme.

#[path = "../support/mod.rs"]
mod support;

mod architecture;
mod collect;
mod commit;
mod conformance;
mod documents;
mod engine;
