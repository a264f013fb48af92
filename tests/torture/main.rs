//! Torture: the engine and a real server under load while seeded faults strike, judged from the streams alone.
//!
//! `scripts/torture` runs the release build for as long as it is told; `cargo test` runs every fault once, without
//! the long ones. No code of the engine judges here but its own `audit`, and that beside an independent oracle.

// A failed round panics: that is how it fails. The harness is shared with the other tests, which use more of it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "../it/server.rs"]
#[allow(dead_code)]
mod server;
#[path = "../it/proxy.rs"]
mod proxy;
#[path = "../it/harness/mod.rs"]
#[allow(dead_code)]
mod harness;
mod fault;
mod plan;
mod options;
mod shim;
mod volume;
mod frames;
mod load;
mod watch;
mod engine;
mod record;
mod world;
mod strike;
mod judge;
mod round;
mod machine;
mod summary;
mod cluster;

use fault::Fault;
use options::{Instead, Options};
use plan::Plan;
use record::Record;
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use summary::Summary;
use world::Tools;

fn main() -> ExitCode {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.as_secs());
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let options = match Options::read(&arguments, now) {
        Ok(options) => options,
        Err(Instead::Say(words)) => {
            println!("{words}");
            return ExitCode::SUCCESS;
        }
        Err(Instead::Wrong(words)) => {
            eprintln!("torture: {words}");
            return ExitCode::from(64);
        }
    };
    let dir = options.keep.join(format!("seed-{}-{}", options.seed, std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    if let Some(cluster) = &options.cluster {
        return on_a_cluster(&options, cluster, &dir);
    }
    let machine = machine::look(&dir, &options.faults);
    if let Some(rounds) = options.print_plan {
        Plan::new(options.seed, &machine.faults, options.short).take(rounds).for_each(|round| print!("{round}"));
        let _ = std::fs::remove_dir_all(&dir);
        return ExitCode::SUCCESS;
    }
    if run(&options, machine, &dir) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A run on clusters of three servers, or its plan.
fn on_a_cluster(options: &Options, cluster: &options::ClusterRun, dir: &Path) -> ExitCode {
    if let Some(rounds) = options.print_plan {
        cluster::run::rounds(options, cluster).iter().take(rounds).for_each(|round| print!("{round}"));
        let _ = std::fs::remove_dir_all(dir);
        return ExitCode::SUCCESS;
    }
    let tools = Arc::new(tools(None, Instant::now()));
    println!("torture: {}", tools.binary.display());
    if cluster::run::run(options, cluster, &tools, dir) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What all rounds use.
fn tools(shim: Option<PathBuf>, began: Instant) -> Tools {
    let binary = std::env::var_os("SIDESTREAM_TORTURE_BINARY").map(PathBuf::from);
    Tools {
        binary: binary.unwrap_or_else(|| env!("CARGO_BIN_EXE_sidestream").into()),
        config: Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml"),
        shim,
        began,
    }
}

/// What all rounds add up to.
#[derive(Default)]
struct Tally {
    record: Record,
    clean: u32,
    failed: Vec<(u32, String)>,
}

/// Runs rounds until the time is over or one fails; true if all were clean.
fn run(options: &Options, machine: machine::Machine, dir: &Path) -> bool {
    let began = Instant::now();
    let tools = Arc::new(tools(machine.shim, began));
    println!("torture: seed {}, {} faults, {}", options.seed, machine.faults.len(), tools.binary.display());
    for (name, why) in &machine.skipped {
        println!("torture: {name} skipped: {why}");
    }
    let plan = Mutex::new(Plan::new(options.seed, &machine.faults, options.short).take(options.rounds as usize));
    let tally = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(|| {
                while began.elapsed() < options.time && tally.lock().unwrap().failed.is_empty() {
                    let Some(round) = plan.lock().unwrap().next() else { break };
                    one(&tools, dir, &round, &tally);
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    let (skipped, took) = (&machine.skipped, began.elapsed());
    let Tally { record, clean, failed } = &tally;
    let summary = Summary { options, record, skipped, clean: *clean, failed, took };
    summary.print();
    if let Some(path) = &options.json {
        std::fs::write(path, format!("{:#}\n", summary.json())).unwrap();
    }
    let missed: Vec<&str> =
        machine.faults.iter().filter(|fault| record.of(**fault).0.is_empty()).map(|fault| fault.name()).collect();
    let complete = !options.short || missed.is_empty();
    if !complete {
        println!("torture: never struck: {}", missed.join(", "));
    }
    if failed.is_empty() {
        let _ = std::fs::remove_dir_all(dir);
    } else {
        println!("torture: what is needed to look into it is kept in {}", dir.display());
    }
    failed.is_empty() && *clean > 0 && complete
}

/// One round, and its line.
fn one(tools: &Arc<Tools>, dir: &Path, round: &plan::Round, tally: &Mutex<Tally>) {
    let began = Instant::now();
    // The first round of every run proves that the judge can fail; one with a gap has no whole dumps.
    let prove = round.steps.iter().all(|step| !step.fault.is_alone()) && {
        let tally = tally.lock().unwrap();
        tally.record.spoiled.is_none()
    };
    let number = round.number;
    let tell = |what: &str| {
        if std::io::stdout().is_terminal() {
            print!("\r\x1b[Kround {number}, {what}");
            let _ = std::io::stdout().flush();
        }
    };
    let result = round::run(tools, &dir.join(format!("round-{number:03}")), round, prove, &tell);
    if std::io::stdout().is_terminal() {
        print!("\r\x1b[K");
    }
    let seconds = began.elapsed().as_secs();
    let mut tally = tally.lock().unwrap();
    match result {
        Ok(record) => {
            let Record { events, outputs, judged_s, most, .. } = record;
            let names: BTreeMap<Fault, usize> = record.struck.iter().fold(BTreeMap::new(), |mut names, struck| {
                *names.entry(struck.fault).or_default() += 1;
                names
            });
            let names: Vec<String> = names.iter().map(|(fault, count)| format!("{} {count}", fault.name())).collect();
            println!(
                "round {number}: clean, {events} events, {outputs} outputs, {} MiB, {seconds} s ({judged_s} s of verdict): {}",
                most.memory_mib,
                names.join(", ")
            );
            tally.record.add(record);
            tally.clean += 1;
        }
        Err(why) => {
            println!("round {number}: FAILED after {seconds} s: {why}\n{round}");
            tally.failed.push((number, why));
        }
    }
}
