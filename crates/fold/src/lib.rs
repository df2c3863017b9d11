//! Committed records → complete items → requests in the order in which they refer to each other. Pure: no I/O, no
//! clock.
//!
//! ```text
//! History (verified commits) ─▶ Scan, stream by stream, newest line first ─▶ Piece
//!                                        pieces of one key ─▶ fold ─▶ item ─▶ Pack ─▶ body
//! ```
//!
//! **Memory.** A scan holds 16 bytes per record of one stream and one batch's text. Pieces may lie anywhere until all
//! streams are scanned; those of one key must come together then.
//!
//! **Error semantics.** A manifest that does not fit the one before is [`Broken`] and ends the load. A line that is no
//! record is reported in words; the caller goes on and must not delete.
//!
//! ```
//! use fold::{Folded, Kind, Place, Scan, fold};
//!
//! let mut scan = Scan::new("users", 0);
//! let line = br#"{"schema": 1, "stream": "users", "op": "upsert", "id": "00u1",
//!     "bundle": {"new_users": [{"uniqueId": "00u1"}]}, "source": {}}"#;
//! let (kind, piece) = scan.line(Place(1, 0, 1), line)?.remove(0);
//! assert!(matches!(fold(kind, vec![piece]), Folded::Item { touched: true, .. }));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

pub mod batch;
mod history;
mod item;
mod kind;
mod pack;
mod scan;

pub use history::{Broken, Commit, History};
pub use item::{Folded, Piece, Place, Role, coalesce, fold};
pub use kind::{KINDS, Kind, Reference};
pub use pack::{Added, Pack, body};
pub use scan::{Scan, fingerprint, fingerprint64};
