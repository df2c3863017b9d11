//! The ends that rules are tried against.

pub mod aws;
pub mod enforcing;
pub mod gate;
pub mod http;
pub mod keys;
pub mod meanwhile;
pub mod memory;
pub mod moto;
pub mod rig;
pub mod runtime;
pub mod schemas;
pub mod template;
pub mod time;
