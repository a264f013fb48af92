//! The figures as Markdown, ready for a README.
//!
//! Ratios first: other work on the machine weighs on both sides of a pair, and less on what they come to. CPU time
//! an event, which adds the server's to the competitor's own, moves least of all.

use crate::contest::{Competitor, Figures};
use crate::{usage, usual};

/// One turn of all competitors, in the order in which they ran.
#[derive(Debug, Default)]
pub struct Round {
    /// Each with its figures.
    pub runs: Vec<(Competitor, Figures)>,
}

impl Round {
    fn of(&self, wanted: Competitor) -> Option<&Figures> {
        self.runs.iter().find(|(competitor, _)| *competitor == wanted).map(|(_, figures)| figures)
    }

    fn ratio(&self, over: Competitor) -> Option<f64> {
        Some(self.of(Competitor::Job)?.rate() / self.of(over)?.rate())
    }
}

/// A whole bench.
pub struct Report {
    /// Events of the input.
    pub events: u64,
    /// Whether a stream sourced the dead letters of the output stream.
    pub dead_letters: bool,
    /// All rounds.
    pub rounds: Vec<Round>,
}

impl Report {
    /// What makes the figures worthless, if anything does.
    pub fn complaints(&self) -> impl Iterator<Item = String> {
        let runs = self.rounds.iter().enumerate().flat_map(|(n, round)| round.runs.iter().map(move |run| (n + 1, run)));
        runs.filter(|(_, (_, figures))| figures.outputs != figures.events).map(|(n, (competitor, figures))| {
            let (outputs, events) = (thousands(figures.outputs as f64), thousands(figures.events as f64));
            format!("round {n}: {competitor}: {outputs} outputs for {events} events")
        })
    }

    /// The report.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        let own = self.rounds.iter().any(|round| round.of(Competitor::Own).is_some());
        let mut others = vec![Competitor::Usual, Competitor::Tuned];
        others.extend(own.then_some(Competitor::Own));
        self.ratios(&mut text, &others);
        text.push('\n');
        self.costs(&mut text, &others);
        text.push('\n');
        self.settings(&mut text, own);
        text
    }

    fn ratios(&self, text: &mut String, others: &[Competitor]) {
        let mut head = vec!["round".to_owned(), "first".to_owned(), "full job, events/s".to_owned()];
        for other in others {
            head.extend([format!("{other}, events/s"), format!("job / {other}")]);
        }
        row(text, &head);
        row(text, &vec!["---:".to_owned(); head.len()]);
        for (n, round) in self.rounds.iter().enumerate() {
            let first = round.runs.first().map(|(competitor, _)| competitor.to_string()).unwrap_or_default();
            let rate = |of| round.of(of).map_or_else(String::new, |figures| thousands(figures.rate()));
            let mut cells = vec![(n + 1).to_string(), first, rate(Competitor::Job)];
            for other in others {
                cells.extend([rate(*other), round.ratio(*other).map_or_else(String::new, |r| format!("{r:.2}"))]);
            }
            row(text, &cells);
        }
        let rate = |of| thousands(self.middle(of, |figures| Some(figures.rate())).unwrap_or_default());
        let mut cells = vec!["median".to_owned(), String::new(), rate(Competitor::Job)];
        for other in others {
            let ratio = median(self.rounds.iter().filter_map(|round| round.ratio(*other)));
            cells.extend([rate(*other), ratio.map_or_else(String::new, |ratio| format!("**{ratio:.2}**"))]);
        }
        row(text, &cells);
    }

    fn costs(&self, text: &mut String, others: &[Competitor]) {
        let head = [
            "medians",
            "seconds",
            "first output after",
            "its CPU",
            "server's CPU",
            "CPU an event",
            "peak memory",
            "outputs",
        ];
        row(text, &head.map(str::to_owned));
        row(text, &head.map(|_| "---:".to_owned()));
        for of in [&[Competitor::Job], others].concat() {
            let show = |value: Option<f64>, unit: &str, digits: usize| {
                value.map_or_else(|| "unknown".to_owned(), |value| format!("{value:.digits$} {unit}"))
            };
            row(
                text,
                &[
                    of.to_string(),
                    show(self.middle(of, |f| Some(f.seconds)), "s", 2),
                    show(self.middle(of, |f| Some(f.first_ms)), "ms", 0),
                    show(self.middle(of, |f| f.cpu_s), "s", 2),
                    show(self.middle(of, |f| f.server_cpu_s), "s", 2),
                    show(self.middle(of, Figures::cpu_us_per_event), "us", 1),
                    show(self.middle(of, |f| f.peak_mib), "MiB", 0),
                    thousands(self.middle(of, |f| Some(f.outputs as f64)).unwrap_or_default()),
                ],
            );
        }
    }

    fn settings(&self, text: &mut String, own: bool) {
        let events = thousands(self.events as f64);
        let mut item = |line: String| {
            text.push_str("* ");
            text.push_str(&line);
            text.push('\n');
        };
        item(format!(
            "Every run reads the same file stream of {events} generated school events into a fresh file stream, one \
             replica; time runs from the start of its process until the output stream ends at {events}. The order is \
             turned round after each round."
        ));
        item(
            if self.dead_letters {
                "For every competitor alike, the stream that sources dead letters hangs on the output stream, as `provision` \
                 makes it: a consumer without a message, which costs the server something for each output."
            } else {
                "For every competitor alike, nobody reads the output stream, nor is there a stream that sources dead letters."
            }
            .to_owned(),
        );
        item(
            "Full job: `sidestream run` with the shipped configuration (dedup, checkpoints every second) from an empty \
             state; only addresses and the state directory are overridden."
                .to_owned(),
        );
        item(format!(
            "Usual forwarder: durable pull consumer with explicit acks, `js.publish` with `Nats-Msg-Id`, {} in flight, \
             publish acks awaited concurrently, each input acked after its publish ack, 2 connections, \
             `max_ack_pending` {}, client defaults otherwise.",
            thousands(usual::IN_FLIGHT as f64),
            thousands(usual::MAX_ACK_PENDING as f64),
        ));
        item(format!(
            "Usual, tuned: the same with pulls of {} and a client capacity of {}.",
            thousands(usual::PULL as f64),
            thousands(usual::CAPACITY as f64),
        ));
        if own {
            item(
                "Own source and lane: Sidestream's reader and writer, with the job's headers, and nothing between."
                    .to_owned(),
            );
        }
    }

    fn middle(&self, of: Competitor, what: impl Fn(&Figures) -> Option<f64>) -> Option<f64> {
        median(self.rounds.iter().filter_map(|round| what(round.of(of)?)))
    }
}

/// A row of a table.
pub fn row(text: &mut String, cells: &[String]) {
    text.push_str("| ");
    text.push_str(&cells.join(" | "));
    text.push_str(" |\n");
}

/// The middle value, or the mean of the two in the middle.
pub fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (upper, lower) = (values.len() / 2, values.len().checked_sub(1)? / 2);
    Some((values.get(lower)? + values.get(upper)?) / 2.0)
}

/// A whole number with a comma before every three digits.
pub fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What was measured where: the line that every section ends with.
pub fn machine(build: &str, server: &str, load: Option<f64>) -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let processor = usage::processor().unwrap_or_else(|| "unknown processor".to_owned());
    let separator = if build.is_empty() { "" } else { ", " };
    format!(
        "* sidestream {}{separator}{build}, nats-server {server}, async-nats {}; {cores} cores ({processor}) shared with the \
         server and with whatever else ran (load average {} before), so read the ratios; {}.\n",
        env!("CARGO_PKG_VERSION"),
        locked("async-nats").unwrap_or("unknown"),
        load.map_or_else(|| "unknown".to_owned(), |load| format!("{load:.1}")),
        jiff::Timestamp::now().strftime("%Y-%m-%d"),
    )
}

/// The version of a package that Cargo.lock holds.
fn locked(package: &str) -> Option<&'static str> {
    let lock = include_str!("../../Cargo.lock");
    let after = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?.1;
    after.split_once('"').map(|(version, _)| version)
}
