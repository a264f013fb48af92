//! The list of mistakes that all stages add to.
//!
//! Adding one never stops the stage: a mistake leaves a hole that later stages step around, so that the
//! operator sees everything at once and nothing twice.

use super::diagnostic::{ConfigError, Diagnostic};
use super::files::NamedFiles;
use super::place::{Sources, TextPlace};
use crate::core::plan::check::{PlanFault, Severity};
use std::collections::BTreeSet;

/// Remarks with their places, not yet in order.
#[derive(Debug)]
pub(crate) struct ConfigReport {
    sources: Sources,
    errors: Vec<Remark>,
    warnings: Vec<Remark>,
    files: NamedFiles,
    /// Values that are what a variable says.
    variables: BTreeSet<TextPlace>,
    /// What readers want of each key, by section and name.
    #[cfg(test)]
    pub(super) wanted: Vec<(String, &'static str, String)>,
}

#[derive(Debug)]
struct Remark {
    place: TextPlace,
    /// Whether it is about one setting alone: at one place that comes before what others make of it.
    alone: bool,
    message: String,
    hint: Option<String>,
}

impl ConfigReport {
    /// A report without remarks about these texts.
    pub(crate) fn new(sources: Sources) -> ConfigReport {
        ConfigReport {
            sources,
            errors: Vec::new(),
            warnings: Vec::new(),
            files: NamedFiles::Nowhere,
            variables: BTreeSet::new(),
            #[cfg(test)]
            wanted: Vec::new(),
        }
    }

    /// The same for a text from the disk, which may name files.
    pub(crate) fn with(self, files: NamedFiles) -> ConfigReport {
        ConfigReport { files, ..self }
    }

    /// Where the files are read from that a configuration names.
    pub(crate) fn files(&self) -> NamedFiles {
        self.files
    }

    /// A value is what a variable says, and may stand for a number or a flag.
    pub(super) fn filled(&mut self, place: TextPlace) {
        self.variables.insert(place);
    }

    /// Whether a value is what a variable says.
    pub(super) fn is_filled(&self, place: TextPlace) -> bool {
        self.variables.contains(&place)
    }

    #[cfg(test)]
    pub(super) fn wants(&mut self, section: String, name: &'static str, what: String) {
        self.wanted.push((section, name, what));
    }

    /// A mistake that the message itself says how to mend.
    pub(crate) fn error(&mut self, place: TextPlace, message: impl Into<String>) {
        self.errors.push(Remark { place, alone: false, message: message.into(), hint: None });
    }

    /// A mistake and what to do about it.
    pub(crate) fn error_with(&mut self, place: TextPlace, message: impl Into<String>, hint: impl Into<String>) {
        self.errors.push(Remark { place, alone: false, message: message.into(), hint: Some(hint.into()) });
    }

    /// Something that works but is hardly meant.
    pub(crate) fn warn(&mut self, place: TextPlace, message: impl Into<String>, hint: impl Into<String>) {
        self.warnings.push(Remark { place, alone: false, message: message.into(), hint: Some(hint.into()) });
    }

    /// A fault of the plan, put into words for this text.
    pub(crate) fn fault(&mut self, fault: &PlanFault, place: TextPlace, message: String, hint: Option<String>) {
        let list = match fault.severity {
            Severity::Mistake => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        list.push(Remark { place, alone: fault.rests_on.is_empty(), message, hint });
    }

    /// Adds an override to the texts that places point into.
    pub(crate) fn add_override(&mut self, name: String) -> TextPlace {
        self.sources.overrides.push(name);
        TextPlace::Override(self.sources.overrides.len() - 1)
    }

    /// The texts that places point into.
    pub(crate) fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Whether there is a mistake so far.
    pub(crate) fn failed(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The warnings, or the errors if there is one; each list in reading order.
    pub(crate) fn finish(self) -> Result<Vec<Diagnostic>, ConfigError> {
        let ConfigReport { sources, errors, warnings, .. } = self;
        let print = |mut remarks: Vec<Remark>| -> Vec<Diagnostic> {
            remarks.sort_by_key(|remark| (remark.place, !remark.alone));
            remarks.into_iter().map(|r| sources.diagnostic(r.place, r.message, r.hint)).collect()
        };
        if errors.is_empty() { Ok(print(warnings)) } else { Err(ConfigError { diagnostics: print(errors) }) }
    }
}
