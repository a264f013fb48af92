//! The layout: which folder of the lake a row's file stands in.
//!
//! A function of the row alone, so that a row belongs to the same folder whenever its file is made, and however late the row
//! comes. The clock of the machine decides no folder.

use crate::core::ids::Nanos;
use crate::core::percent;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt;

/// The folder of rows that have no value there; readers of Hive folders take it for null.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";
/// The folder of rows whose value is an empty text, which Delta would take for null.
const EMPTY: &str = "__empty__";
/// The folder of rows whose value is too long for a folder's name.
const LONG: &str = "__long__";
/// The longest encoded value in a folder's name, in bytes; file systems take 255 with the column's name.
const VALUE_MAX: usize = 160;
/// How far before and behind its storage an event's own time is believed: ten years and a day.
const EARLY: i64 = 3_653 * 86_400 * 1_000_000_000;
const LATE: i64 = 86_400 * 1_000_000_000;

/// Where dead letters stand: by the day on which their event was stored.
pub const DEAD_LETTERS: &str = "stored_date={date}";

/// What a folder's name is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FolderHole {
    /// Of the event's time, in UTC: `2026`.
    Year,
    /// `01` to `12`.
    Month,
    /// `01` to `31`.
    Day,
    /// `00` to `23`.
    Hour,
    /// `2026-11-29`.
    Date,
    /// The event's kind.
    Kind,
    /// The kind up to its first colon.
    Type,
    /// The kind between its first and second colon.
    Subtype,
    /// A place in the event's JSON, by its number in [`FolderLayout::places`].
    Place(usize),
}

/// The folders of a table, outermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderLayout {
    text: String,
    folders: Vec<(String, FolderHole)>,
    /// The places in the event's JSON that it reads, as dotted paths.
    pub places: Vec<String>,
}

/// What a layout needs to know of a row.
#[derive(Clone, Copy, Debug)]
pub struct RowFacts<'a> {
    /// The row's time.
    pub time: Nanos,
    /// Its kind.
    pub kind: Option<&'a str>,
    /// What stands at the layout's places.
    pub places: &'a [Option<String>],
}

/// The values of a folder, in the order of the layout.
pub type FolderValues = Vec<Option<String>>;

impl FolderLayout {
    /// Parses `NAME={HOLE}/NAME={HOLE}`; the error is a sentence.
    pub fn parse(text: &str) -> Result<FolderLayout, String> {
        let mut layout = FolderLayout { text: text.to_owned(), folders: Vec::new(), places: Vec::new() };
        for folder in text.split('/') {
            let wrong = || format!("`{folder}` is no folder of a partition: write `name={{date}}`, several with `/`");
            let (name, hole) = folder.split_once('=').ok_or_else(wrong)?;
            let hole = hole.strip_prefix('{').and_then(|hole| hole.strip_suffix('}')).ok_or_else(wrong)?;
            let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            if !name.bytes().all(good) || name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(format!("`{name}` is no column's name: lower-case letters, digits and `_`"));
            }
            if layout.folders.iter().any(|(known, _)| known == name) {
                return Err(format!("`{name}` stands twice in the partition"));
            }
            let hole = layout.hole(hole)?;
            layout.folders.push((name.to_owned(), hole));
        }
        Ok(layout)
    }

    fn hole(&mut self, text: &str) -> Result<FolderHole, String> {
        Ok(match text {
            "year" => FolderHole::Year,
            "month" => FolderHole::Month,
            "day" => FolderHole::Day,
            "hour" => FolderHole::Hour,
            "date" => FolderHole::Date,
            "kind" => FolderHole::Kind,
            "type" => FolderHole::Type,
            "subtype" => FolderHole::Subtype,
            _ => match text.strip_prefix("place:") {
                Some(path) if !path.split('.').any(str::is_empty) => {
                    self.places.push(path.to_owned());
                    FolderHole::Place(self.places.len() - 1)
                }
                _ => {
                    return Err(format!(
                        "`{{{text}}}` is unknown: use {{year}}, {{month}}, {{day}}, {{hour}}, {{date}}, {{kind}}, {{type}}, {{subtype}} or {{place:a.b}}"
                    ));
                }
            },
        })
    }

    /// The names of its columns, outermost first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.folders.iter().map(|(name, _)| name.as_str())
    }

    /// The values of a row's folder.
    pub fn values(&self, facts: RowFacts<'_>) -> FolderValues {
        let date = self.date(facts.time);
        let part = |n: usize| facts.kind.and_then(|kind| kind.split(':').nth(n)).map(str::to_owned);
        let value = |hole: &FolderHole| match hole {
            FolderHole::Year => Some(format!("{:04}", date.year())),
            FolderHole::Month => Some(format!("{:02}", date.month())),
            FolderHole::Day => Some(format!("{:02}", date.day())),
            FolderHole::Hour => Some(format!("{:02}", date.hour())),
            FolderHole::Date => Some(format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day())),
            FolderHole::Kind => facts.kind.map(str::to_owned),
            FolderHole::Type => part(0),
            FolderHole::Subtype => part(1),
            FolderHole::Place(number) => facts.places.get(*number).cloned().flatten(),
        };
        self.folders.iter().map(|(_, hole)| value(hole).map(kept)).collect()
    }

    fn date(&self, time: Nanos) -> jiff::civil::DateTime {
        // A signed 64-bit number of nanoseconds lies between the years 1677 and 2262.
        let time = Timestamp::from_nanosecond(i128::from(time.0)).expect("a time within the years that jiff knows");
        TimeZone::UTC.to_datetime(time)
    }

    /// The folder's path of these values, such as `event_date=2026-11-29/event_type=lesson`.
    pub fn path(&self, values: &FolderValues) -> String {
        let folder = |(name, value): (&str, &Option<String>)| format!("{name}={}", segment(value.as_deref()));
        let folders: Vec<String> = self.names().zip(values).map(folder).collect();
        folders.join("/")
    }
}

impl fmt::Display for FolderLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The time by which a row finds its folder, and whether that is not its own: an own time far from its storage is none.
pub fn time_of(event_time: Option<Nanos>, stored_at: Nanos) -> (Nanos, bool) {
    let near = |time: &Nanos| (-EARLY..=LATE).contains(&time.0.saturating_sub(stored_at.0));
    match event_time.filter(near) {
        Some(time) => (time, false),
        None => (stored_at, true),
    }
}

/// A value as it is kept: what a folder cannot be named after is one of two words.
fn kept(value: String) -> String {
    if value.is_empty() {
        return EMPTY.to_owned();
    }
    if encoded(&value).len() > VALUE_MAX { LONG.to_owned() } else { value }
}

/// A value in a folder's name.
fn segment(value: Option<&str>) -> String {
    value.map_or_else(|| NULL.to_owned(), encoded)
}

/// Letters, digits and `-._~` stay, all other bytes are `%XX`. The word NULL, which DuckDB may take for null, loses its first
/// letter to that too.
pub fn encoded(value: &str) -> String {
    match value.split_at_checked(1) {
        Some((first, rest)) if value.eq_ignore_ascii_case("null") => percent::encoded(first, |_| false) + rest,
        _ => percent::encoded(value, percent::unreserved),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(layout: &str, kind: Option<&str>, place: Option<&str>) -> String {
        let layout = FolderLayout::parse(layout).unwrap();
        let places = [place.map(str::to_owned)];
        let facts = RowFacts { time: Nanos(1_796_000_000_000_000_000), kind, places: &places };
        layout.path(&layout.values(facts))
    }

    #[test]
    fn a_folder_is_named_after_time_kind_and_places() {
        let all = "year={year}/month={month}/day={day}/hour={hour}/event_type={type}/event_subtype={subtype}";
        assert_eq!(path(all, Some("a:b:c"), None), "year=2026/month=11/day=30/hour=00/event_type=a/event_subtype=b");
        assert_eq!(path("d={date}/kind_of={kind}", Some("a:b"), None), "d=2026-11-30/kind_of=a%3Ab");
        assert_eq!(path("t={type}/s={subtype}", Some("a"), None), "t=a/s=__HIVE_DEFAULT_PARTITION__");
        assert_eq!(path("t={type}", None, None), "t=__HIVE_DEFAULT_PARTITION__");
    }

    #[test]
    fn awkward_values_are_told_apart() {
        let long = "x".repeat(200);
        for (value, folder) in [
            (Some("account"), "account"),
            (Some("a b"), "a%20b"),
            (Some("a:b"), "a%3Ab"),
            (Some("a/b"), "a%2Fb"),
            (Some("pt=BR"), "pt%3DBR"),
            (Some("50%"), "50%25"),
            (Some("Übung"), "%C3%9Cbung"),
            (None, "__HIVE_DEFAULT_PARTITION__"),
            (Some("NULL"), "%4EULL"),
            (Some(""), "__empty__"),
            (Some(".."), ".."),
            (Some(&long), "__long__"),
        ] {
            assert_eq!(path("v={place:a.b}", None, value), format!("v={folder}"));
        }
    }

    #[test]
    fn a_time_far_from_its_storage_is_none() {
        let stored = Nanos(1_796_000_000_000_000_000);
        for (time, own) in [(0, false), (stored.0 - EARLY, true), (stored.0 + LATE, true), (stored.0 + LATE + 1, false)]
        {
            assert_eq!(time_of(Some(Nanos(time)), stored), (if own { Nanos(time) } else { stored }, !own), "{time}");
        }
        assert_eq!(time_of(None, stored), (stored, true));
    }

    #[test]
    fn what_is_no_layout_says_so() {
        for (text, says) in [
            ("", "no folder"),
            ("date", "no folder"),
            ("a={date", "no folder"),
            ("A={date}", "no column's name"),
            ("1a={date}", "no column's name"),
            ("a={dat}", "unknown"),
            ("a={place:}", "unknown"),
            ("a={date}/a={kind}", "twice"),
        ] {
            let error = FolderLayout::parse(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
