//! How long slices wait for each other, for the lane's writer and for the server, for the metrics.
//!
//! Decides nothing; used by the sequencer.

use crate::core::ids::LaneSequence;
use crate::protocol::merge::SliceNumber;
use crate::telemetry::metrics::{Metrics, Stage};
use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

/// When slices came and went; as many as are in flight at most.
#[derive(Debug, Default)]
pub struct Timings {
    /// When the first part came of slices that are not merged.
    parts: BTreeMap<SliceNumber, Instant>,
    /// When slices were merged that are not with the lane.
    merged: BTreeMap<SliceNumber, Instant>,
    /// The last output of each slice that is with the lane and not confirmed, and since when.
    handed: VecDeque<(LaneSequence, Instant)>,
}

impl Timings {
    /// A shard's part of a slice came.
    pub fn part(&mut self, slice: SliceNumber) {
        self.parts.entry(slice).or_insert_with(Instant::now);
    }

    /// All parts of a slice are here, and its turn has come.
    pub fn merged(&mut self, slice: SliceNumber, metrics: &Metrics) {
        if let Some(first) = self.parts.remove(&slice) {
            metrics.stage(Stage::Merge, first.elapsed().as_secs_f64());
        }
        self.merged.insert(slice, Instant::now());
    }

    /// A slice is with the lane; `last` is the last output up to there, where it is not confirmed yet.
    pub fn handed(&mut self, slice: SliceNumber, last: Option<LaneSequence>, metrics: &Metrics) {
        if let Some(merged) = self.merged.remove(&slice) {
            metrics.stage(Stage::Lane, merged.elapsed().as_secs_f64());
        }
        // While recovery passes over what is out, nothing waits for a confirmation.
        if let Some(last) = last {
            self.handed.push_back((last, Instant::now()));
        }
    }

    /// Everything up to a sequence is stored.
    pub fn confirmed(&mut self, through: LaneSequence, metrics: &Metrics) {
        while let Some((_, since)) = self.handed.pop_front_if(|(last, _)| *last <= through) {
            metrics.stage(Stage::Confirm, since.elapsed().as_secs_f64());
        }
    }
}
