//! `sidestream test`: cases of events and what must come of them, run without a broker.
//!
//! The way of a case: `file` reads it (`input`, `output` and `state` are its notations), `ways` runs it in every way that
//! must agree, `judge` compares (`align`, `body`), `show` and `why` say what differs, `update` writes what came out. `record` makes a case of events that were.

pub mod run;
pub mod record;
pub mod report;
mod file;
mod input;
mod output;
mod state;
mod ways;
mod judge;
mod align;
mod body;
mod show;
mod why;
mod coverage;
mod update;
pub mod junit;
#[cfg(test)]
mod tests;
