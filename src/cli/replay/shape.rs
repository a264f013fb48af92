//! What a replay says: before it begins, when it is complete, and what differs.
//!
//! Decides nothing; the same summary goes out as text and as JSON.

use crate::app::exit::Exit;
use crate::app::process::Process;
use crate::cli::text::{json_line, say};
use crate::commands::replay::computed::Counted;
use crate::commands::replay::promote::Promoted;
use crate::config::Config;
use crate::core::ids::Position;
use crate::protocol::replay::diff::{DiffExample, DiffReport, Sort};
use crate::protocol::replay::request::{Completed, ReplayRequest};
use serde::Serialize;
use std::path::Path;
use std::time::Duration;

/// The longest value that an example shows, in characters.
const VALUE_MAX: usize = 100;

/// A complete replay.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    /// The input stream.
    input: String,
    /// The range.
    from: Position,
    until: Position,
    /// The filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// The replay's lane; absent in a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// Messages in the lane.
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<u64>,
    /// What would come out; only in a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    would_publish: Option<Counted>,
    /// Events that this process took.
    events: u64,
    /// How long it took.
    seconds: f64,
    /// What came into the input after an earlier call completed the replay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) newer: Option<NotCovered>,
    /// The comparison.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) diff: Option<DiffReport>,
}

/// Positions that a complete replay does not cover, although its end was left to the input.
#[derive(Debug, Serialize)]
pub(super) struct NotCovered {
    from: Position,
    until: Position,
    #[serde(skip)]
    hint: String,
}

impl NotCovered {
    /// What follows a request's range in an input that ends at `last`.
    pub(super) fn of(request: &ReplayRequest, last: u64, directory: &Path) -> Option<NotCovered> {
        let from = Position(request.emit().until.0 + 1);
        let hint = format!(
            "a fresh replay: --to ANOTHER_STREAM, or remove stream {} and directory {} first",
            request.to,
            directory.display()
        );
        (from.0 <= last).then_some(NotCovered { from, until: Position(last), hint })
    }
}

impl Summary {
    /// Of a complete replay, for which this process took so many events.
    pub(super) fn new(request: &ReplayRequest, completed: Completed, events: u64, took: Duration) -> Summary {
        let summary = Summary::of(request, events, took);
        Summary {
            // The range's last events may be deleted.
            until: completed.position.max(summary.from),
            to: Some(request.to.clone()),
            messages: Some(completed.messages),
            ..summary
        }
    }

    /// Of a dry run.
    pub(super) fn dry(request: &ReplayRequest, counted: Counted, took: Duration) -> Summary {
        Summary { would_publish: Some(counted.clone()), ..Summary::of(request, counted.events, took) }
    }

    fn of(request: &ReplayRequest, events: u64, took: Duration) -> Summary {
        let emit = request.emit();
        Summary {
            input: request.plan.input_stream.clone(),
            from: emit.from,
            until: emit.until,
            subject: emit.subject,
            to: None,
            messages: None,
            would_publish: None,
            events,
            seconds: (took.as_secs_f64() * 1e3).round() / 1e3,
            newer: None,
            diff: None,
        }
    }

    /// As JSON or as text.
    pub(super) fn print(&self, json: bool) -> Result<(), Exit> {
        if json {
            return json_line(self);
        }
        let filter = self.subject.as_ref().map_or(String::new(), |filter| format!(", subjects {filter},"));
        let range = format!("positions {} to {} of {}{filter}", self.from, self.until, self.input);
        let rate = self.events as f64 / self.seconds.max(0.001);
        let took = match self.events {
            0 => "it was complete before".to_owned(),
            events => format!("{events} events in {:.1} s, {rate:.0} a second", self.seconds),
        };
        match (&self.to, &self.would_publish) {
            (Some(to), _) => {
                let messages = self.messages.unwrap_or_default();
                say(&format!("replay complete: {range} into {to}, which holds {messages} messages ({took})"))?;
            }
            (None, counted) => {
                let counted = counted.clone().unwrap_or_default();
                say(&format!("dry run: {range} would make {} outputs ({took})", counted.outputs))?;
                for (reason, count) in counted.dead_letters {
                    say(&format!("  and {count} dead letters: {reason}"))?;
                }
            }
        }
        if let Some(NotCovered { from, until, hint }) = &self.newer {
            let input = &self.input;
            say(&format!(
                "NOT COVERED: positions {from} to {until}, which came into {input} since (it holds 1 to {until} now)"
            ))?;
            say(&format!("  {hint}"))?;
        }
        self.diff.as_ref().map_or(Ok(()), print_diff)
    }
}

/// Before the replay begins, to standard error.
pub(super) fn announce(request: &ReplayRequest, directory: &Path) {
    let emit = request.emit();
    let filter = emit.subject.map_or(String::new(), |filter| format!(", subjects {filter}"));
    let ReplayRequest { to, plan, .. } = request;
    eprintln!(
        "replaying positions {} to {} of {}{filter} into {to} (subjects {}), state in {}",
        emit.from,
        emit.until,
        plan.input_stream,
        plan.lane_subjects().join(", "),
        directory.display()
    );
    match (&request.from_state, request.held) {
        (Some(from), held) => {
            eprintln!("the state is a copy of {from}, as of position {}", held.unwrap_or_default());
        }
        (None, _) if request.origin.0 > 1 => {
            eprintln!("the state is built from position {} on: the input holds nothing before it", request.origin);
        }
        (None, _) => {}
    }
}

/// A replay that was asked to stop.
pub(super) fn interrupted(process: &Process, request: &ReplayRequest) -> String {
    let (at, until) = (process.metrics.figures().checkpoint_position, request.emit().until);
    format!("stopped at position {at} of {until}: the same command goes on from there")
}

/// What a promotion did.
pub(super) fn promoted(promoted: &Promoted, config: &Config, json: bool) {
    let Promoted { position, live, aside } = promoted;
    let line = format!(
        "promoted: {} is as of position {position}, the old state is in {}",
        config.state.path.display(),
        aside.display()
    );
    let then = if live > position {
        format!("start the engine: it works up to position {live} without publishing, and goes on from there")
    } else {
        "start the engine: it goes on from there".to_owned()
    };
    // JSON is for programs: what follows it goes where people look.
    if json { eprintln!("{line}\n{then}") } else { println!("{line}\n{then}") }
}

fn print_diff(report: &DiffReport) -> Result<(), Exit> {
    let of = |sort: Sort| report.examples.get(&sort).map_or(&[] as &[DiffExample], Vec::as_slice);
    say("compared with what was published before")?;
    let counts = [
        ("same", report.same),
        ("changed", report.changed),
        ("missing", report.missing),
        ("extra", report.extra),
        ("not known", report.unknown),
    ];
    for (name, count) in counts.iter().filter(|(name, count)| *name != "not known" || *count > 0) {
        say(&format!("  {name:<10} {count:>10}"))?;
    }
    if !report.fields.is_empty() {
        say("changed fields")?;
        let width = report.fields.keys().map(String::len).max().unwrap_or_default();
        for (field, count) in &report.fields {
            let parts = [("changed", count.changed), ("added", count.added), ("removed", count.removed)];
            let parts: Vec<String> =
                parts.iter().filter(|(_, n)| *n > 0).map(|(word, n)| format!("{n} {word}")).collect();
            say(&format!("  {field:<width$}  {}", parts.join(", ")))?;
        }
    }
    for (word, sort) in [("changed", Sort::Changed), ("missing", Sort::Missing), ("extra", Sort::Extra)] {
        for example in of(sort) {
            let DiffExample { position, subject, outcome, fields } = example;
            say(&format!("{word}: position {position}, {subject} ({outcome})"))?;
            for field in fields {
                let value = |raw: &Option<Box<serde_json::value::RawValue>>| {
                    raw.as_ref().map_or("(absent)".to_owned(), |raw| cut(raw.get()))
                };
                say(&format!("  {}: {} -> {}", field.field, value(&field.before), value(&field.after)))?;
            }
        }
    }
    Ok(())
}

/// The beginning of a long value.
fn cut(text: &str) -> String {
    match text.char_indices().nth(VALUE_MAX) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or(text)),
        None => text.to_owned(),
    }
}
