//! Reads the collector's commits, and checks them on the way.
//!
//! ```text
//! manifests 1..n ──▶ batches they name ──▶ lines, in order ──▶ forget what complete
//! (chain, sequence)  (sha256, bytes, count)  (schema, stream)    snapshots did not repeat
//! ```
//!
//! A batch that no manifest names does not exist. Nothing here does network I/O: give it
//! [`Objects`], be it a [`Directory`] copied from the bucket or a `BTreeMap` filled by other means.
//!
//! ```
//! use reader::{Directory, Reader};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let copied = tempfile::tempdir()?;
//! # let path = copied.path();
//! let bucket = Directory::open(path)?;
//! match Reader::read(&bucket, "okta", "acme") {
//!     Ok(state) => println!("{} users", state.records("users").len()),
//!     Err(problem) => println!("{problem}"),
//! }
//! # Ok(())
//! # }
//! ```

mod as_of;
mod batch;
mod bundle;
mod head;
mod manifest;
mod objects;
mod read;
mod state;
mod stream;
mod violation;

pub use as_of::AsOf;
pub use bundle::Bundle;
pub use head::{Checkpoint, Forget, Live, LiveBatch, checkpoint_key, read_from_head};
pub use manifest::{
    BatchEntry, Gap, Manifest, Snapshot, batch_prefix, manifest_key, manifest_prefix, sequence_of,
    sha256,
};
pub use objects::{Directory, Objects, ObjectsError};
pub use read::{ReadError, Reader};
pub use state::State;
pub use stream::{ENTITY_STREAMS, GROWING_STREAMS, Line, Stream, grows};
pub use violation::{Fault, Violation};
