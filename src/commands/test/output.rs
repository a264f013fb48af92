//! The notation of an output line: `[number of the input line] subject [Header=value …] body`, with `# reason sentence`
//! behind a dead letter.
//!
//! What came out is written in it, and what a case expects is read from it.

use super::input::LineFault;
use crate::config::did_you_mean;
use crate::core::output::{ERROR, Output};
use crate::core::plan::spec::{PlanSpec, UnknownKinds};
use crate::core::plan::template::{Template, TemplateHole};
use crate::core::rejection::Reason;
use crate::core::subject::covers;
use std::collections::BTreeSet;

/// What stands for every text in an expected line.
pub(super) const GAP: &str = "…";

/// What separates the body of a dead letter from its reason.
pub(super) const NOTE: &str = " # ";

/// What fills a hole of a subject that only an event can fill.
const ANY: &str = "0any0";

/// A line of `out` or `out_like`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ExpectedLine {
    /// The line as it is written.
    pub(super) text: String,
    /// The number of the input line, where it is given.
    pub(super) number: Option<u64>,
    /// The subject.
    pub(super) subject: String,
    /// Everything behind the subject.
    pub(super) rest: String,
}

impl ExpectedLine {
    /// Reads a line of a case with so many events.
    pub(super) fn read(line: &str, events: u64, subjects: &PlanSubjects) -> Result<ExpectedLine, LineFault> {
        let indent = line.len() - line.trim_start().len();
        let text = line.trim();
        let (first, behind) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let number = first.parse::<u64>().ok();
        let rest = if number.is_some() { behind.trim_start() } else { text };
        let (subject, bytes) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        if number.is_some_and(|number| number == 0 || number > events) {
            let hint =
                "the number is that of the input line which the output is of; comments and empty lines do not count";
            let what = format!("there is no input line {first}, the case has {events}");
            return Err(LineFault::new(indent..indent + first.len(), what, hint));
        }
        let at = indent + (text.len() - rest.len());
        if subject.is_empty() || subject.starts_with(['{', '[', '"']) {
            let hint = "write the number of the input line, the subject and the bytes, such as `1 enriched.user {…}`";
            return Err(LineFault::new(at..at + subject.len(), "this output has no subject", hint));
        }
        subjects.check(subject).map_err(|(what, hint)| LineFault::new(at..at + subject.len(), what, hint))?;
        let (text, subject, rest) = (text.to_owned(), subject.to_owned(), bytes.trim().to_owned());
        Ok(ExpectedLine { text, number, subject, rest })
    }
}

/// An output that came out, in the parts of its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ActualLine {
    /// The number of its input line.
    pub(super) number: u64,
    /// Its subject.
    pub(super) subject: String,
    /// Its headers, each with a space behind it.
    pub(super) headers: String,
    /// Its body.
    pub(super) body: String,
    /// A dead letter's reason and sentence.
    pub(super) note: Option<String>,
}

impl ActualLine {
    /// Writes an output.
    pub(super) fn of(output: &Output) -> ActualLine {
        let headers = output.copied.iter().flat_map(|list| list.iter());
        let sentence = |headers: &[(&'static str, String)]| {
            headers.iter().find(|(name, _)| *name == ERROR).map(|(_, value)| value.clone()).unwrap_or_default()
        };
        ActualLine {
            number: output.position.0,
            subject: output.subject.as_ref().to_owned(),
            headers: headers.map(|(name, value)| format!("{name}={} ", header_value(value))).collect(),
            body: String::from_utf8_lossy(&output.payload).into_owned(),
            note: output.dead.as_ref().map(|dead| format!("{} {}", dead.reason.code(), sentence(&dead.headers))),
        }
    }

    /// Everything behind the subject.
    pub(super) fn rest(&self) -> String {
        let note = self.note.as_ref().map_or(String::new(), |note| format!("{NOTE}{note}"));
        let rest = format!("{}{}{note}", self.headers, self.body);
        // A line is read without the space in front of what follows the subject, and without the one at its end.
        match (self.body.is_empty(), &self.note) {
            (true, None) => rest.trim_end().to_owned(),
            (true, Some(_)) if self.headers.is_empty() => rest.trim_start().to_owned(),
            _ => rest,
        }
    }

    /// The whole line.
    pub(super) fn line(&self) -> String {
        format!("{} {} {}", self.number, self.subject, self.rest())
    }
}

/// A header's value as a line has it: in double quotes where it is not one word.
pub(super) fn header_value(value: &str) -> String {
    let plain = !value.is_empty() && !value.contains(char::is_whitespace) && !value.starts_with('"');
    if plain { value.to_owned() } else { serde_json::Value::from(value).to_string() }
}

/// The subjects that outputs and dead letters of a plan can have.
#[derive(Clone, Debug)]
pub(super) struct PlanSubjects {
    filters: BTreeSet<String>,
}

impl PlanSubjects {
    /// Of a plan.
    pub(super) fn of(plan: &PlanSpec) -> PlanSubjects {
        let known = plan.kinds.keys().map(|name| if name.contains('*') { ANY } else { name.as_str() });
        let kinds: Vec<Option<&str>> = known.map(Some).chain([None]).collect();
        let mut filters = BTreeSet::new();
        let forwarded = |kind: &&Option<&str>| kind.is_some() || plan.unknown_kinds == UnknownKinds::Forward;
        for kind in kinds.iter().filter(forwarded) {
            filters.extend(plan.output_subjects().map(|template| filter(template, *kind, "")));
        }
        for kind in &kinds {
            filters.extend(Reason::ALL.map(|reason| filter(&plan.dead_subject, *kind, reason.code())));
        }
        PlanSubjects { filters }
    }

    fn check(&self, subject: &str) -> Result<(), (String, String)> {
        if self.filters.iter().any(|filter| covers(filter, subject)) {
            return Ok(());
        }
        let hint = did_you_mean(subject, "subjects", self.filters.iter().map(String::as_str));
        Err((format!("no output has the subject `{subject}`: the configuration makes none for any kind"), hint))
    }
}

/// What a template makes for a kind (`None`: the unknown one) and a reason; `*` where only an event tells the token.
fn filter(template: &Template, kind: Option<&str>, reason: &str) -> String {
    let part = |n: usize| match kind {
        Some(ANY) => Some(ANY),
        None => Some("unknown"),
        Some(kind) => kind.split(':').nth(n),
    };
    let subject = template.fill(&mut |hole| match hole {
        TemplateHole::Kind => Some(kind.unwrap_or("unknown").to_owned()),
        TemplateHole::Type => part(0).map(str::to_owned),
        TemplateHole::Subtype => part(1).map(str::to_owned),
        TemplateHole::Reason => Some(reason.to_owned()),
        TemplateHole::Subject(_) => Some(ANY.to_owned()),
    });
    let tokens: Vec<&str> = subject.split('.').map(|token| if token.contains(ANY) { "*" } else { token }).collect();
    tokens.join(".")
}
