//! stand-in
#![allow(missing_docs)]
use crate::core::{plan::compiled::Plan, tally::Tally};
#[derive(Clone, Debug, Default)]
pub struct Metrics;
#[derive(Clone, Copy, Debug)]
pub enum Stage {
    Decode,
    Shard,
    Merge,
    Lane,
    Confirm,
}
impl Metrics {
    pub fn new() -> Metrics {
        Metrics
    }
    pub fn received(&self, _: u64, _: u64) {}
    pub fn tally(&self, _: &Tally, _: &Plan) {}
    pub fn latencies(&self, _: &[f64]) {}
    pub fn event_time_latency(&self, _: f64) {}
    pub fn stage(&self, _: Stage, _: f64) {}
    pub fn lag(&self, _: u64) {}
    pub fn unconfirmed(&self, _: u64) {}
    pub fn published(&self, _: u64) {}
    pub fn recomputed(&self, _: u64) {}
    pub fn lane_refused(&self) {}
    pub fn started(&self, _: &'static str) {}
    pub fn source_restarted(&self, _: u64) {}
    pub fn deleted(&self, _: u64) {}
    pub fn accepted_gaps(&self, _: u64) {}
    pub fn checkpoint(&self, _: u64, _: f64) {}
    pub fn state(&self, _: usize, _: u64, _: u64) {}
    pub fn cache(&self, _: u64, _: u64, _: u64) {}
    pub fn disk(&self, _: u64) {}
    pub fn ready(&self, _: bool) {}
}
