//! The rules that the function keeps, by theme.

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod architecture;
mod auth;
mod canaries;
mod changes;
mod check;
mod collect;
mod commit;
mod conformance;
mod cost;
mod delay;
mod documents;
mod engine;
mod errors;
mod faults;
mod findings;
mod fleet;
mod heads;
mod hidden;
mod hostile;
mod imports;
mod inputs;
mod kills;
mod lambda;
mod limits;
mod loads;
mod meaning;
mod model;
mod pages;
mod paging;
mod permissions;
mod records;
mod replays;
mod s3;
mod schemas;
mod secrecy;
mod simulation;
mod status;
mod streams;
mod template;
mod upgrades;
mod watch;
