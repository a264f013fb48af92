//! The simulator: the protocol's own code against models of the server, the disk and the process, from a seed.
//!
//! No clock, thread or socket in a world: a seed is a world with its events and faults, and the same seed is the same
//! world, byte for byte. After every step the lane and the disk are held against an oracle. Run by `cargo test` it
//! checks some thousand seeds and every planted mistake; `scripts/simulate` runs it with as many as one likes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "a test program")]

mod agenda;
mod api;
mod context;
mod directory;
mod engine_faults;
mod entry;
mod facts;
mod faults;
mod hard_faults;
mod hunt;
mod life;
mod link;
mod model;
mod oracle;
mod plans;
mod process;
mod publisher;
mod reading;
mod report;
mod rest;
mod rewound;
mod server_faults;
mod stale;
mod truth;
mod waits;
mod world;
mod writing;

use report::Report;
use sidestream::core::mutants::{Mutant, plant};
use std::process::ExitCode;

const USAGE: &str = "\
Simulates the protocol of exactly once from seeds and checks it after every step.

  --seeds N     how many worlds (3000)
  --seed S      the first one's seed (1)
  --trace       print every step of the first one
  --mutants     plant each known mistake and tell which seed shows it
  --mutant NAME plant one mistake
  --most N      seeds after which a mistake counts as not found (10000)";

/// Seeds, and seeds a mistake, of a run without arguments: what `cargo test` has time for.
const SHORT: (u64, u64) = (3_000, 10_000);

/// Worlds that once showed a fault of the product and that a short run would not come to.
///
/// The head of the lane trimmed while a start asks for its oldest message, the newest output being the first of two;
/// the disk refusing between the setting aside of a state and the first write of the next one; an older copy of a directory
/// beside a lane that began anew under a plan with more columns, and beside one that went on under a plan with fewer outputs.
const KNOWN: &[u64] = &[29_664, 35_927, 94_361, 18_697, 64_922, 73_782, 5_503, 7_807];

/// What is asked for.
struct Asked {
    seed: u64,
    seeds: u64,
    most: u64,
    trace: bool,
    mutants: bool,
    mutant: Option<String>,
}

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test -- --skip NAME` is said to every test program.
    while let Some(at) = args.iter().position(|arg| ["--skip", "--test-threads"].contains(&arg.as_str())) {
        args.drain(at..(at + 2).min(args.len()));
    }
    if args.iter().any(|arg| arg == "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    if args.iter().any(|arg| arg == "--list") || args.iter().any(|arg| !arg.starts_with('-') && is_filter(&args, arg)) {
        // `cargo test NAME` asks every test program; this one has no test of that name.
        println!("test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out");
        return ExitCode::SUCCESS;
    }
    let asked = match read(&args) {
        Ok(asked) => asked,
        Err(what) => {
            eprintln!("{what}\n\n{USAGE}");
            return ExitCode::from(64);
        }
    };
    let passed = [
        if asked.trace { trace(&asked) } else { simulate(&asked) },
        if asked.trace { None } else { hunt::hunt(&asked) },
    ];
    let failed = passed.iter().filter(|passed| **passed == Some(false)).count();
    let run = passed.iter().flatten().count();
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!("test result: {word}. {} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out", run - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether a word is a test's name instead of an option's value.
fn is_filter(args: &[String], word: &str) -> bool {
    let at = args.iter().position(|arg| arg == word).unwrap_or(0);
    at == 0 || !args[at - 1].starts_with("--")
}

fn read(args: &[String]) -> Result<Asked, String> {
    let (seeds, most) = SHORT;
    let mut asked = Asked {
        seed: 1,
        seeds,
        most,
        trace: false,
        mutants: args.iter().all(|arg| arg == "--nocapture"),
        mutant: None,
    };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut number = || {
            let value = args.next().ok_or_else(|| format!("{arg} needs a number"))?;
            value.replace('_', "").parse().map_err(|_| format!("{arg} needs a number, not {value}"))
        };
        match arg.as_str() {
            "--seeds" => asked.seeds = number()?,
            "--seed" => asked.seed = number()?,
            "--most" => asked.most = number()?,
            "--trace" => asked.trace = true,
            "--mutants" => (asked.mutants, asked.seeds) = (true, 0),
            "--mutant" => {
                asked.mutant = Some(args.next().ok_or("--mutant needs a name")?.clone());
                asked.seeds = 0;
            }
            // What `cargo test` passes to every test program.
            "--nocapture" | "--quiet" => {}
            other => return Err(format!("unknown option {other}")),
        }
    }
    Ok(asked)
}

/// Prints one world, and that it is the same a second time.
fn trace(asked: &Asked) -> Option<bool> {
    let seed = asked.seed;
    let mistake = Mutant::ALL.iter().find(|(_, name, _)| asked.mutant.as_deref() == Some(name));
    plant(mistake.map(|(mutant, ..)| *mutant));
    let verdict = world::run(seed, true);
    let text = verdict.text.unwrap_or_default();
    print!("{text}");
    println!("{}", verdict.violation.as_deref().or(verdict.refused.as_deref()).unwrap_or("clean"));
    Some(verdict.violation.is_none() && world::run(seed, true).text == Some(text))
}

fn simulate(asked: &Asked) -> Option<bool> {
    if asked.seeds == 0 {
        return None;
    }
    let same = (asked.seed..asked.seed + 5).all(|seed| world::run(seed, true).text == world::run(seed, true).text);
    if !same {
        println!("FAILED: a seed gave two different traces");
    }
    let report = Report::of(asked.seed, asked.seeds);
    report.print();
    let known = KNOWN.iter().filter_map(|seed| Some((seed, world::run(*seed, false).violation?)));
    let again = known.inspect(|(seed, what)| println!("seed {seed}, which is known: {what}")).count();
    Some(same && again == 0 && report.is_clean())
}
