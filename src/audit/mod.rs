//! The judge behind `sidestream audit`: it recomputes every output from the input alone and compares.
//!
//! Reads no stream and prints nothing; `cli` feeds it the messages of both streams and shows the report. It
//! runs the core of the engine over an empty state, with one shard and without actors.
//!
//! `judge` is the page to read first. `scales` holds the lane against what is expected, `lane` keeps the
//! output stream in order, `rewound` knows what stands there for events that the input lost, `regime` says which plan was in force where, `recompute` runs the core and makes
//! what is `expected`, `knowledge` tells what may be relied on after events were lost, `compare` names
//! differences, `report` counts.

pub mod judge;
pub mod scales;
pub mod lane;
pub mod rewound;
pub mod regime;
pub mod expected;
pub mod recompute;
pub mod knowledge;
pub mod compare;
pub mod report;
#[cfg(test)]
mod tests;

pub use judge::{Audit, AuditOptions, AuditedStream, StreamBounds};
pub use report::{AuditFinding, AuditReport, AuditVerdict, FindingExample};
