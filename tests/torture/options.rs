//! The command line: a torture run, or the short run that `cargo test` gets.
//!
//! As a test binary it must take what cargo hands to every test binary: a name to filter by, and flags of libtest.

use crate::fault::Fault;
use std::path::PathBuf;
use std::time::Duration;

/// What `scripts/torture --help` prints.
pub const HELP: &str = "\
Runs the engine and a real nats-server under load while faults strike, and judges every round from full dumps.

  scripts/torture --minutes 10 --seed 7

  --minutes N     begin new rounds for so long (default 10)
  --rounds N      no more rounds than this
  --seed S        the same seed gives the same plan (default: the time; it is printed)
  --plan NAMES    only these faults, separated by commas; `all` prints every name
  --print-plan N  print the plan's first N rounds, and strike nothing
  --jobs N        rounds at a time, each with a server of its own (default 1)
  --json FILE     write the summary as JSON
  --keep DIR      where failed rounds are kept (default target/torture)

Exit code 0: every round was clean. 1: one was not; its directory has plan, journal, logs, dumps and state. 64: usage.";

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    pub time: Duration,
    pub rounds: u32,
    pub seed: u64,
    pub faults: Vec<Fault>,
    /// Every fault a single time, and nothing that must last long.
    pub short: bool,
    pub print_plan: Option<usize>,
    pub jobs: usize,
    pub json: Option<PathBuf>,
    pub keep: PathBuf,
}

/// What to do instead of a run.
pub enum Instead {
    /// Print this and end well.
    Say(String),
    /// Print this and end with the code for a wrong command line.
    Wrong(String),
}

/// Seed of the short run: one run of the tests is like another.
const SHORT_SEED: u64 = 2_026;
const JOBS_AT_MOST: usize = 8;

impl Options {
    /// Reads the command line without the program's name.
    pub fn read(arguments: &[String], now: u64) -> Result<Options, Instead> {
        match arguments.split_first() {
            Some((first, rest)) if first == "--torture" => Options::run(rest, now),
            _ => Options::test(arguments),
        }
    }

    fn test(arguments: &[String]) -> Result<Options, Instead> {
        let with_value = ["--test-threads", "--color", "--format", "--logfile", "--skip", "-Z"];
        let mut names = Vec::new();
        let mut list = false;
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            list |= argument == "--list" || argument == "--ignored";
            if with_value.contains(&argument.as_str()) {
                arguments.next();
            } else if !argument.starts_with('-') {
                names.push(argument.clone());
            }
        }
        if list || !(names.is_empty() || names.iter().any(|name| "torture".contains(name.as_str()))) {
            return Err(Instead::Say("torture: not asked for".to_owned()));
        }
        let faults = Fault::all().filter(|fault| !fault.is_long()).collect();
        let keep = default_keep();
        let (time, rounds) = (Duration::from_secs(3_600), u32::MAX);
        Ok(Options { time, rounds, seed: SHORT_SEED, faults, short: true, print_plan: None, jobs: 3, json: None, keep })
    }

    fn run(arguments: &[String], now: u64) -> Result<Options, Instead> {
        let mut options = Options {
            time: Duration::from_secs(600),
            rounds: u32::MAX,
            seed: now,
            faults: Fault::all().collect(),
            short: false,
            print_plan: None,
            jobs: 1,
            json: None,
            keep: default_keep(),
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            if argument == "--help" || argument == "-h" {
                return Err(Instead::Say(HELP.to_owned()));
            }
            let value = arguments.next().ok_or_else(|| wrong(format!("{argument} needs a value, or is no option")))?;
            let number = || value.parse::<u64>().map_err(|_| wrong(format!("{argument}: {value} is no number")));
            match argument.as_str() {
                "--minutes" => options.time = Duration::from_secs(60 * number()?),
                "--rounds" => options.rounds = number()?.try_into().unwrap_or(u32::MAX),
                "--seed" => options.seed = number()?,
                "--plan" => options.faults = faults(value)?,
                "--print-plan" => options.print_plan = Some(number()? as usize),
                "--jobs" => options.jobs = (number()? as usize).clamp(1, JOBS_AT_MOST),
                "--json" => options.json = Some(value.into()),
                "--keep" => options.keep = value.into(),
                other => return Err(wrong(format!("unknown option {other}; --help lists all"))),
            }
        }
        Ok(options)
    }
}

fn faults(names: &str) -> Result<Vec<Fault>, Instead> {
    let all = || Fault::all().map(Fault::name).collect::<Vec<_>>().join("\n");
    if names == "all" {
        return Err(Instead::Say(all()));
    }
    let named =
        |name| Fault::named(name).ok_or_else(|| wrong(format!("no fault is named {name}; there are:\n{}", all())));
    names.split(',').map(named).collect()
}

fn default_keep() -> PathBuf {
    // The directory of the build, wherever cargo put it.
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("torture")
}

fn wrong(words: String) -> Instead {
    Instead::Wrong(words)
}
