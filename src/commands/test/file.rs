//! A case file: `[[case]]` after `[[case]]`, with every mistake at its place.
//!
//! Reads through the configuration's own sections and report, so that a mistake here looks like one there.

use super::body::CompareManner;
use super::input::{LineFault, Notation, is_line};
use super::output::{ExpectedLine, PlanSubjects};
use super::state::ExpectedState;
use crate::config::{
    Config, ConfigError, ConfigReport, GivenSetting, Placed, SectionReader, Sources, TextPlace, parse_toml,
};
use crate::core::event::StoredMessage;
use crate::core::plan::spec::PlanSpec;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The most that `dropped` and `duplicates` may be.
const COUNT_MAX: u64 = 1_000_000;

/// A file with its cases.
#[derive(Debug)]
pub(super) struct CaseFile {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Its text.
    pub(super) text: String,
    /// Its cases, in order.
    pub(super) cases: Vec<Case>,
}

/// A case.
#[derive(Debug)]
pub(super) struct Case {
    /// Its name.
    pub(super) name: String,
    /// The line where it begins.
    pub(super) line: usize,
    /// The events.
    pub(super) messages: Vec<StoredMessage>,
    /// The outputs that it expects.
    pub(super) expected: Vec<ExpectedLine>,
    /// How they are compared.
    pub(super) manner: CompareManner,
    /// What it expects of the state.
    pub(super) state: ExpectedState,
    /// How many events it expects to be dropped by a rule.
    pub(super) dropped: u64,
    /// How many duplicates it expects.
    pub(super) duplicates: u64,
    /// How many events it expects to wait for a row at the end.
    pub(super) waiting: u64,
    /// Where its values stand in the text.
    pub(super) places: UpdatePlaces,
}

/// The bytes of the values that `--update` writes, where they are there already.
#[derive(Clone, Debug, Default)]
pub(super) struct UpdatePlaces {
    pub(super) input: Option<TextPlace>,
    pub(super) out: Option<TextPlace>,
    pub(super) dropped: Option<TextPlace>,
    pub(super) duplicates: Option<TextPlace>,
    pub(super) waiting: Option<TextPlace>,
}

/// What cases are read by.
pub(super) struct CaseReader<'c> {
    plan: &'c PlanSpec,
    notation: Notation,
    subjects: PlanSubjects,
    /// Whether a case may leave out what comes of it.
    open: bool,
}

impl<'c> CaseReader<'c> {
    /// For a configuration; `open` where what is missing is going to be written.
    pub(super) fn new(config: &'c Config, open: bool) -> CaseReader<'c> {
        CaseReader {
            plan: &config.plan,
            notation: Notation::of(config),
            subjects: PlanSubjects::of(&config.plan),
            open,
        }
    }

    /// Reads a file from the disk.
    pub(super) fn load(&self, path: &Path) -> Result<CaseFile, ConfigError> {
        let read = std::fs::read(path).map_err(|error| format!("cannot read the cases: {error}"));
        let text =
            read.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "the cases are not UTF-8 text".to_owned()));
        match text {
            Ok(text) => self.read(path, text),
            Err(message) => {
                let sources = Sources::of(&path.display().to_string(), "");
                let mut report = ConfigReport::new(sources);
                report.error_with(
                    TextPlace::File,
                    message,
                    "give the files with cases, or put them into `tests` beside the configuration",
                );
                Err(report.finish().expect_err("a mistake was reported"))
            }
        }
    }

    /// Reads a text; the error holds every mistake.
    pub(super) fn read(&self, path: &Path, text: String) -> Result<CaseFile, ConfigError> {
        let sources = Sources::of(&path.display().to_string(), &text);
        let mut report = ConfigReport::new(sources);
        let mut cases = Vec::new();
        match parse_toml(&text, 0) {
            Ok(document) => {
                let mut root = SectionReader::root(&document, &mut report);
                let nodes = root.repeated("case");
                if nodes.is_empty() && !root.has("case") {
                    root.report.error_with(
                        TextPlace::File,
                        "there is no case",
                        "write [[case]] with `name`, `in` and `out`",
                    );
                }
                let mut names = BTreeSet::new();
                for node in nodes {
                    let Some(section) = root.enter("[[case]]".to_owned(), node.place, node) else { continue };
                    cases.extend(self.case(section, &text, &mut names));
                }
                root.finish();
            }
            Err(error) => {
                let place = error.span().map_or(TextPlace::File, |span| TextPlace::text(&span));
                report.error_with(
                    place,
                    error.message(),
                    "a file of cases is TOML: [[case]] with `name`, `in` and `out`",
                );
            }
        }
        report.finish()?;
        Ok(CaseFile { path: path.to_owned(), text, cases })
    }

    fn case(&self, mut section: SectionReader<'_, '_>, text: &str, names: &mut BTreeSet<String>) -> Option<Case> {
        section.require("name", "`name = \"a lesson gets the country of its user\"`");
        section.require("in", "`in = '''` and a line for each event");
        let (line, place) = (section.report.sources().line_at(section.place), section.place);
        let name = section.text("name");
        let input = section.text("in");
        let out = section.parsed("out", |text| Ok(text.to_owned()));
        let like = section.parsed("out_like", |text| Ok(text.to_owned()));
        let state = section.text("state");
        let why = "the number of input lines without an output, for this reason";
        let dropped = section.integer("dropped", 0..=COUNT_MAX, why);
        let duplicates = section.integer("duplicates", 0..=COUNT_MAX, why);
        let waiting = section.integer("waiting", 0..=COUNT_MAX, why);
        if let Some(Placed { value, place }) = name.valid()
            && !names.insert(value.clone())
        {
            section.report.error_with(*place, format!("there are two cases `{value}`"), "give each a name of its own");
        }
        if let (Some(_), Some(Placed { place, .. })) = (out.valid(), like.valid()) {
            section.report.error_with(
                *place,
                "a case has `out` or `out_like`, not both",
                "`out` compares all bytes, `out_like` the members named",
            );
        }
        let counts = [&dropped, &duplicates, &waiting].map(GivenSetting::is_absent);
        if [out.is_absent(), like.is_absent()] == [true; 2] && counts == [true; 3] && !self.open {
            let hint = "write `out` with a line for each output, or let `sidestream test --update` write it; `dropped`, `duplicates` and `waiting` count events without one";
            section.report.error_with(place, "this case does not say what comes out of it", hint);
        }
        let messages = self.messages(&input, text, section.report);
        let places = UpdatePlaces {
            input: input.valid().map(|at| at.place),
            out: out.valid().or(like.valid()).map(|at| at.place),
            dropped: dropped.valid().map(|at| at.place),
            duplicates: duplicates.valid().map(|at| at.place),
            waiting: waiting.valid().map(|at| at.place),
        };
        let manner = if like.is_absent() { CompareManner::Bytes } else { CompareManner::Members };
        let out = if like.is_absent() { out } else { like };
        // Where the input itself is wrong, no number of a line can be judged.
        let given = |at: &Placed<String>| at.value.lines().filter(|line| is_line(line)).count() as u64;
        let events = input.valid().map(given).filter(|count| *count > 0).unwrap_or(u64::MAX);
        let read = |_: usize, line: &str| ExpectedLine::read(line, events, &self.subjects);
        let expected = lines(&out, text, section.report, read);
        let state = self.state(&state, text, section.report);
        section.finish();
        let (dropped, duplicates, waiting) = (dropped.or(0)?, duplicates.or(0)?, waiting.or(0)?);
        Some(Case {
            name: name.value()?,
            line,
            messages,
            expected,
            manner,
            state,
            dropped,
            duplicates,
            waiting,
            places,
        })
    }

    fn messages(&self, input: &GivenSetting<String>, text: &str, report: &mut ConfigReport) -> Vec<StoredMessage> {
        let mut before = None;
        let messages = lines(input, text, report, |number, line| {
            let message = self.notation.read(line, number as u64 + 1, before)?;
            before = Some(message.stored_at);
            Ok(message)
        });
        if let Some(at) = input.valid().filter(|at| !at.value.lines().any(is_line)) {
            report.error_with(at.place, "`in` has no line", "write a line for each event");
        }
        messages
    }

    fn state(&self, state: &GivenSetting<String>, text: &str, report: &mut ConfigReport) -> ExpectedState {
        let Some(at) = state.valid() else { return ExpectedState::default() };
        ExpectedState::read(&at.value, self.plan).unwrap_or_else(|fault| {
            report.error_with(within(text, at, 0, &fault), fault.message, fault.hint);
            ExpectedState::default()
        })
    }
}

/// Reads each line of a value that stands for something, in order.
fn lines<T>(
    value: &GivenSetting<String>,
    text: &str,
    report: &mut ConfigReport,
    mut read: impl FnMut(usize, &str) -> Result<T, LineFault>,
) -> Vec<T> {
    let Some(at) = value.valid() else { return Vec::new() };
    let (mut found, mut offset, mut number) = (Vec::new(), 0, 0);
    for line in at.value.split_inclusive('\n') {
        let begin = offset;
        offset += line.len();
        if !is_line(line) {
            continue;
        }
        match read(number, line.trim_end()) {
            Ok(line) => found.push(line),
            Err(fault) => report.error_with(within(text, at, begin, &fault), fault.message, fault.hint),
        }
        number += 1;
    }
    found
}

/// The place of a mistake in a value's line that begins at `offset`; the whole value where its text is written with escapes.
fn within(text: &str, at: &Placed<String>, offset: usize, fault: &LineFault) -> TextPlace {
    let TextPlace::Text { start, end } = at.place else { return at.place };
    let begin = text.get(start..end).and_then(|written| written.find(&at.value));
    let place = |begin: usize| {
        let begin = start + begin + offset;
        TextPlace::Text { start: begin + fault.at.start, end: begin + fault.at.end }
    };
    begin.map_or(at.place, place)
}
