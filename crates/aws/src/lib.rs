//! AWS as both functions need it, so that neither has its own: objects in S3, secrets, clients that give up in time,
//! and a start that Lambda hears of.
//!
//! It names the problem; the remedy is each function's own.

mod bucket;
mod cause;
mod clients;
mod start;
mod vault;

pub use bucket::{Bucket, Expect, S3Trouble, Tagged};
pub use clients::{Clients, clients};
pub use start::{begin_log, start};
pub use vault::{Content, Hidden, Vault};
