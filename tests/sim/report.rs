//! Many worlds at a time, and what they have shown.

use super::world::{self, Verdict};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Bad seeds whose fault is told.
const TOLD: usize = 20;
/// Bad seeds that are named.
const NAMED: usize = 200;

/// What many worlds have shown.
#[derive(Default)]
pub struct Report {
    first: u64,
    seeds: u64,
    seconds: f64,
    events: u64,
    steps: u64,
    fewest: (u64, u64),
    counts: BTreeMap<&'static str, u64>,
    refused: BTreeMap<String, u64>,
    bad: BTreeMap<u64, String>,
}

impl Report {
    /// Runs the worlds of these seeds, one a core at a time.
    pub fn of(first: u64, seeds: u64) -> Report {
        let (next, began) = (AtomicU64::new(0), Instant::now());
        let fewest = (u64::MAX, u64::MAX);
        let report = Mutex::new(Report { first, seeds, fewest, ..Report::default() });
        let bar = Progress::new(seeds);
        std::thread::scope(|scope| {
            for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        if at >= seeds {
                            break;
                        }
                        let verdict = world::run(first + at, false);
                        report.lock().unwrap().add(first + at, verdict);
                        bar.one();
                    }
                });
            }
        });
        bar.end();
        let mut report = report.into_inner().unwrap();
        report.seconds = began.elapsed().as_secs_f64();
        report
    }

    fn add(&mut self, seed: u64, verdict: Verdict) {
        let Verdict { violation, refused, counts, faults, events, steps, .. } = verdict;
        self.events += events;
        self.steps += steps;
        if refused.is_none() && violation.is_none() {
            self.fewest = (self.fewest.0.min(events), self.fewest.1.min(faults));
        }
        for (what, times) in counts {
            *self.counts.entry(what).or_default() += times;
        }
        if let Some(refusal) = refused {
            *self.refused.entry(refusal).or_default() += 1;
        }
        if let Some(violation) = violation {
            self.bad.insert(seed, violation);
        }
    }

    /// Whether nothing was wrong.
    pub fn is_clean(&self) -> bool {
        self.bad.is_empty() && self.fewest.0 >= 200 && self.fewest.1 >= 3
    }

    /// Prints it all.
    pub fn print(&self) {
        let last = self.first + self.seeds - 1;
        let rate = self.seeds as f64 / self.seconds;
        println!("seeds {} to {last}: {rate:.0} a second, {} events, {} steps", self.first, self.events, self.steps);
        let (events, faults) = self.fewest;
        println!("fewest in a world that ran to its end: {events} events, {faults} faults that struck");
        println!("\nwhat struck, and what it led to:");
        for (what, times) in &self.counts {
            println!("  {times:>10}  {what}");
        }
        println!("\nrefusals that ended a world, as the start rules prescribe:");
        for (what, times) in &self.refused {
            println!("  {times:>10}  {what}");
        }
        for (seed, what) in self.bad.iter().take(TOLD) {
            println!("\nseed {seed}: {what}");
        }
        if !self.bad.is_empty() {
            let named: Vec<String> = self.bad.keys().take(NAMED).map(u64::to_string).collect();
            println!("\nnot clean: {}", named.join(" "));
        }
        println!("\n{} of {} seeds clean", self.seeds - self.bad.len() as u64, self.seeds);
    }
}

/// A bar on a terminal, a line now and then elsewhere.
struct Progress {
    bar: Option<ProgressBar>,
    done: AtomicU64,
    all: u64,
}

impl Progress {
    fn new(all: u64) -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:40} {pos}/{len} seeds, {per_sec}, {eta} left");
            ProgressBar::new(all).with_style(style.unwrap())
        });
        Progress { bar, done: AtomicU64::new(0), all }
    }

    fn one(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        match &self.bar {
            Some(bar) => bar.inc(1),
            None if self.all >= 10 && done.is_multiple_of(self.all / 10) => eprintln!("{done} of {} seeds", self.all),
            None => {}
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
