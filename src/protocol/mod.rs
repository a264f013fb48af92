//! The protocol of exactly once as plain state machines: told what happened, they say what to do.
//!
//! No clock, no I/O and no actor live here, so that the engine, the audit and a simulator drive the same
//! code. `start` decides how to begin (with `resume`, `rebuild`, `past` and `history`), `cutter` cuts slices, with
//! the barriers of the `schedule`, `merge` restores input order, `lane` numbers outputs and passes over those that are out already, `outlet`
//! puts both together, `checkpoint` knows when state may be written and `writes` in which steps; `machines` are the four parts
//! of a running engine, made of these. `reopen` says whether a lost batch is made good in place, `verdict` judges the end.
//! `evidence` tells whether a stream's leader answered, `looks` which verdicts wait for a second look, `rewind` follows an
//! input that lost its tail behind a `marker`. `runner` is all of it without actors, for one slice at a time; `redrive`, `replay`
//! and `gateway` decide for the commands of those names.

pub mod runner;
pub mod ticks;
pub mod header;
pub mod epoch;
pub mod facts;
pub mod evidence;
pub mod looks;
pub mod rewind;
pub mod marker;
pub mod start;
mod resume;
mod rebuild;
mod past;
mod history;
pub mod plan_change;
pub mod refusal;
pub mod memory;
pub mod prepare;
pub mod cutter;
pub mod schedule;
pub mod jump;
pub mod merge;
pub mod lane;
pub mod old;
pub mod window;
pub mod outlet;
pub mod checkpoint;
pub mod writes;
pub mod machines;
pub mod reopen;
pub mod verdict;
pub mod rebind;
pub mod lake;
pub mod redrive;
pub mod replay;
pub mod gateway;

#[cfg(test)]
pub(crate) mod tests;
