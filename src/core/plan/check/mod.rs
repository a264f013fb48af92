//! Every rule about a plan that can be judged from the plan alone.
//!
//! Knows no text, no TOML and no line: a fault names a setting by its [`KeyPath`], and who read a text turns that into a line
//! and a caret. A plan that never was a text, such as a stored one or one of a test, obeys the same rules. Nothing here
//! changes a plan. Each file is one family of rules; `fault` and `key_path` say what a rule answers.

mod key_path;
mod fault;
pub mod hint;
mod names;
mod notation;
mod limits;
mod subjects;
mod tokens;
mod joins;
mod keys;
mod unwrap;
mod schemas;
mod entities;
mod added;
mod derive;
mod versions;
mod tables;
mod global;
mod conditions;
mod filters;
mod maps;
mod quality;
mod unused;
mod waits;
#[cfg(test)]
mod tests;

pub use entities::Entities;
pub use fault::{PlanFault, Sentence, Severity};
pub use key_path::KeyPath;
pub use limits::{MAX_BYTES, MAX_BYTES_WHY, WINDOW_S, WINDOW_WHY, dead_subject_fault, output_subject_fault};
pub use unwrap::{UNPACKED, UNPACKED_WHY};
pub use versions::{NEWEST, NEWEST_WHY};
pub use waits::{MAX_WAITING, MAX_WAITING_WHY, WAIT_S, WAIT_WHY};

use super::spec::PlanSpec;

/// Everything that is wrong with a plan or hardly meant, in the order of the rules; `entities` is what the operator said
/// about keys beside it.
///
/// A plan without a [`Severity::Mistake`] compiles, and every name in it leads somewhere.
pub fn check(spec: &PlanSpec, entities: &Entities) -> Vec<PlanFault> {
    let mut faults = Vec::new();
    names::check(spec, &mut faults);
    notation::check(spec, &mut faults);
    limits::check(spec, &mut faults);
    subjects::check(spec, &mut faults);
    tokens::check(spec, &mut faults);
    unwrap::check(spec, &mut faults);
    keys::check(spec, &mut faults);
    schemas::check(spec, &mut faults);
    joins::check(spec, &mut faults);
    waits::check(spec, &mut faults);
    unused::check(spec, &mut faults);
    entities::check(spec, entities, &mut faults);
    added::check(spec, &mut faults);
    derive::check(spec, &mut faults);
    versions::check(spec, &mut faults);
    tables::check(spec, &mut faults);
    global::check(spec, &mut faults);
    filters::check(spec, &mut faults);
    maps::check(spec, &mut faults);
    quality::check(spec, &mut faults);
    conditions::check(spec, &mut faults);
    faults
}
