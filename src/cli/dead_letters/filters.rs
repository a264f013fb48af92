//! Which dead letters a command line means.
//!
//! A reason that no version of this program writes is a usage error, not an empty answer.

use crate::core::ids::{Nanos, Position};
use crate::core::rejection::Reason;
use crate::protocol::marker::REWOUND;
use crate::protocol::redrive::filter::LetterFilter;
use clap::Args;
use std::time::{SystemTime, UNIX_EPOCH};

/// The filters; all that are given must hold.
#[derive(Clone, Debug, Default, Args)]
pub struct Filters {
    /// Only this reason, such as `not_json`; may be repeated.
    #[arg(long, value_name = "REASON", value_parser = reason)]
    reason: Vec<String>,
    /// Only this kind; may be repeated.
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
    /// From this position on.
    #[arg(long, value_name = "POSITION")]
    from: Option<u64>,
    /// Up to this position.
    #[arg(long, value_name = "POSITION")]
    to: Option<u64>,
    /// Stored in the input at this time or later: RFC 3339, or so long ago, such as `2h`.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<WrittenMoment>,
    /// Stored in the input at this time or earlier.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<WrittenMoment>,
}

/// A moment as a person writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WrittenMoment {
    At(Nanos),
    /// So many seconds ago.
    Ago(i64),
}

impl Filters {
    /// Whether no filter is given.
    pub fn is_empty(&self) -> bool {
        self.reason.is_empty()
            && self.kind.is_empty()
            && (self.from, self.to) == (None, None)
            && (self.since, self.until) == (None, None)
    }

    /// What they come to now.
    pub fn filter(self) -> LetterFilter {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
        let time = |moment: WrittenMoment| match moment {
            WrittenMoment::At(time) => time,
            WrittenMoment::Ago(seconds) => Nanos(now.saturating_sub(seconds.saturating_mul(1_000_000_000))),
        };
        LetterFilter {
            reasons: self.reason,
            kinds: self.kind,
            from: self.from.map(Position),
            to: self.to.map(Position),
            since: self.since.map(time),
            until: self.until.map(time),
        }
    }
}

fn reason(text: &str) -> Result<String, String> {
    let mut codes = Reason::ALL.map(Reason::code).to_vec();
    // The marker of a rewind of the input stands among them.
    codes.push(REWOUND);
    if codes.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(format!("the reasons are {}", codes.join(", ")))
}

fn moment(text: &str) -> Result<WrittenMoment, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..) {
        Some("s") => Some(1),
        Some("m") => Some(60),
        Some("h") => Some(3_600),
        Some("d") => Some(86_400),
        _ => None,
    };
    if let (Some(unit), Ok(count)) = (unit, digits.parse::<u32>()) {
        return Ok(WrittenMoment::Ago(i64::from(count) * unit));
    }
    let time = text.parse::<jiff::Timestamp>().ok().and_then(|time| i64::try_from(time.as_nanosecond()).ok());
    let wrong = "write a time such as 2026-11-21T15:00:00Z, or how long ago it was, such as 90s, 15m, 2h or 7d";
    time.map(|time| WrittenMoment::At(Nanos(time))).ok_or_else(|| wrong.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_times_or_durations_ago() {
        for (text, expected) in [
            ("90s", Some(WrittenMoment::Ago(90))),
            ("2h", Some(WrittenMoment::Ago(7_200))),
            ("7d", Some(WrittenMoment::Ago(604_800))),
            ("1970-01-01T00:00:01Z", Some(WrittenMoment::At(Nanos(1_000_000_000)))),
            ("1970-01-01T01:00:01.5+01:00", Some(WrittenMoment::At(Nanos(1_500_000_000)))),
            ("2", None),
            ("h", None),
            ("-2h", None),
            ("2w", None),
            ("yesterday", None),
        ] {
            assert_eq!(moment(text).ok(), expected, "{text}");
        }
    }
}
