//! The end of a run: a table for people, and the same as JSON.

use crate::fault::Fault;
use crate::options::Options;
use crate::record::Record;
use crate::watch::{MOST_FILES, MOST_MEMORY_MIB};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// A finished run.
pub struct Summary<'a> {
    pub options: &'a Options,
    pub record: &'a Record,
    /// Faults that could not be struck, with the reason.
    pub skipped: &'a BTreeMap<String, String>,
    pub clean: u32,
    /// Failed rounds and why.
    pub failed: &'a [(u32, String)],
    pub took: Duration,
}

impl Summary<'_> {
    /// Prints the table.
    pub fn print(&self) {
        println!("\n{:<20} {:>6} {:>9} {:>9}  proof of the first", "fault", "struck", "median s", "max s");
        for fault in Fault::all() {
            let (times, proof) = self.record.of(fault);
            if let (Some(max), Some(proof)) = (times.last(), proof) {
                let median = times[times.len() / 2].as_secs_f64();
                let (name, count) = (fault.name(), times.len());
                println!("{name:<20} {count:>6} {median:>9.1} {:>9.1}  {proof}", max.as_secs_f64());
            }
        }
        for (name, why) in self.skipped {
            println!("{name:<20} skipped: {why}");
        }
        let Record { engine_kills, server_kills, engine_starts, exits, events, outputs, most, spoiled, .. } =
            self.record;
        let exits: Vec<String> = exits.iter().map(|(code, count)| format!("{code}: {count}")).collect();
        println!("\nengines: {engine_starts} started, {engine_kills} killed; exit codes {}", exits.join(", "));
        println!("servers: {server_kills} killed");
        println!(
            "at most: {} MiB resident (bound {MOST_MEMORY_MIB}), {} open files (bound {MOST_FILES}), {} looks",
            most.memory_mib, most.files, most.looks
        );
        println!("verdict: {} rounds clean, {} not; {events} events, {outputs} outputs", self.clean, self.failed.len());
        if let Some(spoiled) = spoiled {
            println!("the oracle, of a lane that was spoiled on purpose: {spoiled}");
        }
        for (round, why) in self.failed {
            println!("round {round} FAILED: {why}");
        }
        println!("seed {}, {} s", self.options.seed, self.took.as_secs());
    }

    /// The same for programs.
    pub fn json(&self) -> serde_json::Value {
        let faults: serde_json::Map<String, serde_json::Value> = Fault::all()
            .filter_map(|fault| {
                let (times, proof) = self.record.of(fault);
                let seconds: Vec<f64> = times.iter().map(Duration::as_secs_f64).collect();
                let max = seconds.last()?;
                let figures = json!({
                    "struck": times.len(), "recovery_median_s": seconds[times.len() / 2], "recovery_max_s": max,
                    "proof": proof,
                });
                Some((fault.name().to_owned(), figures))
            })
            .collect();
        let record = self.record;
        json!({
            "seed": self.options.seed, "seconds": self.took.as_secs(), "clean_rounds": self.clean,
            "failed_rounds": self.failed, "faults": faults, "skipped": self.skipped,
            "engine_kills": record.engine_kills, "server_kills": record.server_kills,
            "engine_starts": record.engine_starts, "exit_codes": record.exits,
            "events": record.events, "outputs": record.outputs,
            "most_memory_mib": record.most.memory_mib, "most_open_files": record.most.files,
            "spoiled_lane": record.spoiled,
        })
    }
}
