//! The ends that rules are tried against.

pub mod memory;
pub mod rig;
