//! A fjall database in a state directory, for states larger than the memory. The only place that names fjall.
//!
//! ```text
//! <state>/fjall/        fjall's own: N.jnl (journals), keyspaces/, version, lock
//! <state>/fjall.new/    a database that is being created; it never held anything
//! ```
//!
//! What is beside them is `adapters::directory`'s. fjall's syncs are in order; what it makes of a torn journal, of a
//! missing one and of missing files is not, and guarded here (`journal`, `ring`, `open`).

pub mod guard;
pub mod journal;
pub mod ring;
pub mod open;
pub mod store;

pub use store::FjallStore;
