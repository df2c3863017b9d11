//! What the reader promises.

mod bucket;
mod bundle;
mod follow;
mod history;
mod peek;
mod start;
mod views;
mod violations;
