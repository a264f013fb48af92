//! What a person sees while a command works: a bar on a terminal, plain lines elsewhere.
//!
//! Goes to standard error; results go to standard output.

use crate::app::exit::{Exit, UNAVAILABLE};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Time between plain lines.
const EVERY: Duration = Duration::from_secs(5);

/// The progress of one piece of work.
pub struct ProgressLine {
    bar: ProgressBar,
    plain: Option<Mutex<Instant>>,
    what: &'static str,
}

impl ProgressLine {
    /// Progress towards `total` things called `what`.
    pub fn new(total: u64, what: &'static str) -> ProgressLine {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        let template = "{bar:30} {human_pos}/{human_len} {msg}  {per_sec}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what);
        ProgressLine { bar, plain: (!terminal).then(|| Mutex::new(Instant::now())), what }
    }

    /// So many are done.
    pub fn at(&self, done: u64) {
        self.bar.set_position(done);
        if let Some(last) = &self.plain
            && let Ok(mut last) = last.lock()
            && last.elapsed() >= EVERY
        {
            *last = Instant::now();
            let (total, what) = (self.bar.length().unwrap_or_default(), self.what);
            eprintln!(
                "{done} of {total} {what}, {:.0} a second, {} s left",
                self.bar.per_sec(),
                self.bar.eta().as_secs()
            );
        }
    }

    /// So many of a total that is known only now.
    pub fn of(&self, done: u64, total: u64) {
        self.bar.set_length(total);
        self.at(done);
    }

    /// Prints something without disturbing the bar.
    pub fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// The work is done; results follow elsewhere.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// The work is done; the line makes room for a last word.
    pub fn done(&self, word: &str) {
        self.bar.finish_and_clear();
        eprintln!("{word}");
    }
}

/// One line of a result, to standard output. A reader that has had enough ends the command without a fault.
pub fn say(line: &str) -> Result<(), Exit> {
    writeln!(std::io::stdout(), "{line}").map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Exit::new(0, "", ""),
        _ => Exit::new(UNAVAILABLE, format!("standard output: {error}"), ""),
    })
}

/// The same as JSON.
pub fn json_line(value: &impl Serialize) -> Result<(), Exit> {
    let text = serde_json::to_string(value);
    say(&text.map_err(|error| Exit::new(UNAVAILABLE, error.to_string(), ""))?)
}
