//! A run on clusters: round after round, then the table that docs/production.md has its figures from.

use super::count::Count;
use super::fault::Fault;
use super::plan::{self, Round};
use super::round;
use crate::options::{ClusterRun, Options};
use crate::world::Tools;
use serde_json::json;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// The rounds that are asked for.
pub fn rounds(options: &Options, cluster: &ClusterRun) -> Vec<Round> {
    if cluster.ring {
        return plan::ring(options.seed);
    }
    plan::rounds(options.seed, &cluster.kinds, cluster.faults)
}

/// Runs all rounds, and prints the summary; true if nothing happened that must not.
pub fn run(options: &Options, cluster: &ClusterRun, tools: &Arc<Tools>, dir: &Path) -> bool {
    let mut count = Count::default();
    let mut failed = Vec::new();
    let began = Instant::now();
    println!("torture: three servers, seed {}, {} events a second", options.seed, cluster.rate);
    for round in rounds(options, cluster) {
        if began.elapsed() > options.time {
            break;
        }
        let number = round.number;
        let tell = |what: &str| {
            if std::io::stdout().is_terminal() {
                print!("\r\x1b[Kround {number}, {what}");
                let _ = std::io::stdout().flush();
            }
        };
        let prove = count.spoiled.is_none();
        let at = Instant::now();
        match round::run(tools, &dir.join(format!("round-{number:03}")), &round, cluster.rate, prove, &tell) {
            Ok(one) => {
                let clean = if one.is_clean() { "clean" } else { "NOT CLEAN" };
                let (faults, seconds) = (round.steps.len(), at.elapsed().as_secs());
                println!("round {number}: {clean}, {faults} faults, {} events, {seconds} s", one.events);
                count.add(one);
            }
            Err(why) => {
                println!("round {number}: FAILED: {why}\n{round}");
                failed.push(why);
            }
        }
    }
    print(&count, began.elapsed().as_secs());
    if let Some(path) = &options.json {
        std::fs::write(path, format!("{:#}\n", summary(options, &count, &failed))).unwrap();
    }
    let clean = failed.is_empty() && count.is_clean();
    if clean {
        let _ = std::fs::remove_dir_all(dir);
    } else {
        println!("torture: what is needed to look into it is kept in {}", dir.display());
    }
    clean
}

/// The middle and the greatest of sorted times.
fn ends(times: &[f64]) -> (f64, f64) {
    (times.get(times.len() / 2).copied().unwrap_or(0.0), times.last().copied().unwrap_or(0.0))
}

fn print(count: &Count, seconds: u64) {
    println!("\n{:<24} {:>6} {:>22} {:>22}", "", "", "pause of the outputs, s", "pause of NATS, s");
    println!("{:<24} {:>6} {:>11} {:>10} {:>12} {:>10}", "fault", "struck", "p50", "max", "p50", "max");
    for fault in Fault::all() {
        let (outputs, nats) = count.of(fault);
        if outputs.is_empty() {
            continue;
        }
        let ((p50, max), (nats_p50, nats_max)) = (ends(&outputs), ends(&nats));
        let (name, struck) = (fault.name(), outputs.len());
        println!("{name:<24} {struck:>6} {p50:>11.2} {max:>10.2} {nats_p50:>12.2} {nats_max:>10.2}");
    }
    let of = |sort: &str| count.wrong.get(sort).copied().unwrap_or(0);
    println!("\nfaults: {}; kills of the engine: {}", count.pauses.len(), count.engine_kills);
    println!("events: {}; outputs: {}; {seconds} s", count.events, count.outputs);
    println!(
        "lost {}, doubled {}, reordered {}, wrong {}, unknown {}; audits that disagreed {}",
        of("missing"),
        of("doubled"),
        of("out_of_order"),
        of("different"),
        of("unknown"),
        of("audit")
    );
    println!("needless rebuilds: {}; refusals that needed a person: {}", count.rebuilds.len(), count.refusals.len());
    if !count.rolled_back.is_empty() {
        println!("stores rolled back: {}, of which {} in silence", count.rolled_back.len(), of("silent"));
    }
    for line in count.rebuilds.iter().chain(&count.refusals).chain(&count.rolled_back) {
        println!("  {line}");
    }
    if let Some(spoiled) = &count.spoiled {
        println!("the oracle, of an output that was spoiled on purpose: {spoiled}");
    }
}

fn summary(options: &Options, count: &Count, failed: &[String]) -> serde_json::Value {
    let pauses: serde_json::Map<String, serde_json::Value> = Fault::all()
        .filter_map(|fault| {
            let (outputs, nats) = count.of(fault);
            let ((p50, max), (nats_p50, nats_max)) = (ends(&outputs), ends(&nats));
            let figures = json!({ "struck": outputs.len(), "outputs_p50_s": p50, "outputs_max_s": max,
                "nats_p50_s": nats_p50, "nats_max_s": nats_max });
            (!outputs.is_empty()).then(|| (fault.name().to_owned(), figures))
        })
        .collect();
    json!({
        "seed": options.seed, "failed_rounds": failed, "pauses": pauses, "faults": count.pauses.len(),
        "engine_kills": count.engine_kills, "events": count.events, "outputs": count.outputs, "wrong": count.wrong,
        "rebuilds": count.rebuilds, "refusals": count.refusals, "rolled_back": count.rolled_back,
        "spoiled_output": count.spoiled,
    })
}
