//! Dead letters on a real server: what is listed and shown, and that a redrive happens once whatever ends it.

mod stage;
mod listing;
mod redriving;
mod limits;
mod once;
#[cfg(feature = "failpoints")]
mod windows;
