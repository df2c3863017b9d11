#![allow(dead_code)]
#[path = "simdev.rs.inc"]
mod model;
#[path = "rules/simulation/mod.rs"]
mod simulation;
#[path = "support/mod.rs"]
mod support;
