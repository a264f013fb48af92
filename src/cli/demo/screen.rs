//! The live figures of the demo: one line a second, rewritten in place on a terminal.
//!
//! Shows what the metrics say; counts nothing itself.

use crate::telemetry::figures::Figures;
use crate::telemetry::metrics::Metrics;
use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::Duration;

/// The line of figures.
pub struct Screen {
    metrics: Metrics,
    before: Mutex<Figures>,
    terminal: bool,
}

impl Screen {
    /// A screen over a process's metrics.
    pub fn new(metrics: &Metrics) -> Screen {
        let terminal = std::io::stdout().is_terminal();
        Screen { metrics: metrics.clone(), before: Mutex::new(metrics.figures()), terminal }
    }

    /// Shows figures until it is dropped.
    pub async fn show(&self) {
        let mut second = tokio::time::interval(Duration::from_secs(1));
        second.tick().await;
        loop {
            second.tick().await;
            self.line(if self.terminal { "\r\x1b[K" } else { "" }, if self.terminal { "" } else { "\n" });
        }
    }

    /// The figures once more, to stay.
    pub fn last_line(&self) {
        if self.terminal {
            println!();
        }
    }

    fn line(&self, begin: &str, end: &str) {
        let now = self.metrics.figures();
        let Ok(mut before) = self.before.lock() else { return };
        let milliseconds = |seconds: Option<f64>| seconds.map_or("-".to_owned(), |s| format!("{:.1}", s * 1e3));
        print!(
            "{begin}in {:>7}/s  out {:>7}/s  lag {:>6}  latency p50 {} ms p99 {} ms  checkpoint at {} ({:.1} s ago){end}",
            now.received - before.received,
            now.published - before.published,
            now.lag,
            milliseconds(now.p50_s),
            milliseconds(now.p99_s),
            now.checkpoint_position,
            now.checkpoint_age_s,
        );
        let _ = std::io::stdout().flush();
        *before = now;
    }
}
