//! The command line: a torture run, or the short run that `cargo test` gets.
//!
//! As a test binary it must take what cargo hands to every test binary: a name to filter by, and flags of libtest.

use crate::cluster::fault::Fault as ClusterFault;
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

  scripts/torture --cluster --faults 200 --seed 7

  --cluster       three servers with three replicas each, and the faults of a cluster (`--cluster --plan all`)
  --faults N      so many faults, twenty a round (default 200; `--minutes` is then 240 unless it is named)
  --rate N        events a second (default 2000)
  --ring          the short ring of scripts/test instead: each of its faults once
  --rolled-back N so many rounds in which a server's store is rolled back, judged apart

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
    /// On three servers instead of one.
    pub cluster: Option<ClusterRun>,
}

/// What is asked for on three servers.
#[derive(Clone, Debug)]
pub struct ClusterRun {
    pub kinds: Vec<ClusterFault>,
    pub faults: usize,
    /// Events a second.
    pub rate: u64,
    pub ring: bool,
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
/// Events a second of the short ring: a build for tests on a busy machine must keep up with them.
const RING_RATE: u64 = 800;
const JOBS_AT_MOST: usize = 8;
/// A run on three servers is bounded by its faults; this is for one that hangs.
const CLUSTER_TIME: Duration = Duration::from_secs(4 * 3_600);

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
        let (seed, jobs) = (SHORT_SEED, 3);
        Ok(Options { time, rounds, seed, faults, short: true, print_plan: None, jobs, json: None, keep, cluster: None })
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
            cluster: arguments.iter().any(|argument| argument == "--cluster").then(ClusterRun::default),
        };
        if options.cluster.is_some() {
            options.time = CLUSTER_TIME;
        }
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--help" | "-h" => return Err(Instead::Say(HELP.to_owned())),
                "--cluster" => continue,
                "--ring" => {
                    let cluster = options.on_a_cluster(argument)?;
                    (cluster.ring, cluster.rate) = (true, RING_RATE);
                    options.seed = SHORT_SEED;
                    continue;
                }
                _ => {}
            }
            let value = arguments.next().ok_or_else(|| wrong(format!("{argument} needs a value, or is no option")))?;
            let number = || value.parse::<u64>().map_err(|_| wrong(format!("{argument}: {value} is no number")));
            match argument.as_str() {
                "--minutes" => options.time = Duration::from_secs(60 * number()?),
                "--rounds" => options.rounds = number()?.try_into().unwrap_or(u32::MAX),
                "--seed" => options.seed = number()?,
                "--plan" if options.cluster.is_some() => {
                    options.on_a_cluster(argument)?.kinds =
                        named(value, ClusterFault::all(), ClusterFault::name, ClusterFault::named)?;
                }
                "--plan" => options.faults = named(value, Fault::all(), Fault::name, Fault::named)?,
                "--faults" => options.on_a_cluster(argument)?.faults = number()? as usize,
                "--rate" => options.on_a_cluster(argument)?.rate = number()?,
                "--rolled-back" => {
                    let cluster = options.on_a_cluster(argument)?;
                    (cluster.kinds, cluster.faults) = (vec![ClusterFault::StoreRolledBack], number()? as usize);
                }
                "--print-plan" => options.print_plan = Some(number()? as usize),
                "--jobs" => options.jobs = (number()? as usize).clamp(1, JOBS_AT_MOST),
                "--json" => options.json = Some(value.into()),
                "--keep" => options.keep = value.into(),
                other => return Err(wrong(format!("unknown option {other}; --help lists all"))),
            }
        }
        Ok(options)
    }

    /// What is asked for on three servers; an option that belongs there is wrong without `--cluster`.
    fn on_a_cluster(&mut self, option: &str) -> Result<&mut ClusterRun, Instead> {
        self.cluster.as_mut().ok_or_else(|| wrong(format!("{option} needs --cluster")))
    }
}

impl Default for ClusterRun {
    fn default() -> ClusterRun {
        let kinds = ClusterFault::all().filter(|fault| fault.cards() > 0).collect();
        ClusterRun { kinds, faults: 200, rate: 2_000, ring: false }
    }
}

/// The faults of these names, separated by commas; `all` prints every name instead.
fn named<F: Copy>(
    names: &str,
    every: impl Iterator<Item = F>,
    name: fn(F) -> &'static str,
    named: fn(&str) -> Option<F>,
) -> Result<Vec<F>, Instead> {
    let all = every.map(name).collect::<Vec<_>>().join("\n");
    if names == "all" {
        return Err(Instead::Say(all));
    }
    let find = |name| named(name).ok_or_else(|| wrong(format!("no fault is named {name}; there are:\n{all}")));
    names.split(',').map(find).collect()
}

fn default_keep() -> PathBuf {
    // The directory of the build, wherever cargo put it.
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("torture")
}

fn wrong(words: String) -> Instead {
    Instead::Wrong(words)
}
