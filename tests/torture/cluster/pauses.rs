//! Pauses: the longest time between two outputs, and between two acknowledged publishes, around each fault.
//!
//! Outputs carry the time at which they were stored; all servers share this machine's clock.

use super::count::Pause;
use super::fault::Fault;
use crate::harness::steady::longest_gap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// From the beginning of a fault until everything was well again.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub fault: Fault,
    pub from_ns: u64,
    pub until_ns: u64,
}

/// The pauses around each span, from when outputs were stored and publishes acknowledged.
pub fn around(spans: &[Span], stored: &[u64], acknowledged: &[u64]) -> Vec<Pause> {
    let pause = |span: &Span| Pause {
        fault: span.fault,
        outputs: longest_gap(stored, span.from_ns, span.until_ns),
        nats: longest_gap(acknowledged, span.from_ns, span.until_ns),
    };
    spans.iter().map(pause).collect()
}

/// When the messages of a dump were stored, in order.
pub fn stored(dump: &Path) -> Vec<u64> {
    let lines = BufReader::new(File::open(dump).unwrap()).lines();
    let time = |line: String| {
        let rest = line.split_once(r#""time_ns":"#)?.1;
        rest.split(',').next()?.parse().ok()
    };
    lines.map(|line| time(line.unwrap()).expect("a dumped message has its time")).collect()
}
