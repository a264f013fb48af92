//! The lake over a real server: what is stored, by whom, and what a kill at any step leaves.
//!
//! DuckDB and deltalake judge; `scripts/lake-readers` brings them.

#[cfg(feature = "failpoints")]
pub mod crash;
mod stage;
mod stored;
mod kills;
mod rivals;
mod refused;
mod seaweed;
mod faults;
mod bucket;
