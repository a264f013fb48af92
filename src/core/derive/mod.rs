//! Derived fields: what is worked out from an event alone, before anything else is done with it.
//!
//! `section` is a `[[derive]]` section as data, `compiled` the same with its places resolved, and `rewrite` makes the new text
//! of an event. `spec` joins the operators, `operator` says what each of them can do, and every operator is a file of its own: its
//! words in the configuration, its rules, and its work on the values that stand at its places. `mask` is what hides a value.
//! An operator finds no place in an event and changes none of its bytes: values come in, and one JSON value goes out.
//!
//! What an operator writes is a function of its words and its values. It follows no version of a library: no time zones, no
//! regular expressions, no tables of Unicode, and no number goes through binary floating point.

pub mod section;
pub mod compiled;
pub mod rewrite;
pub mod create;
pub mod spec;
pub mod operator;
pub mod constant;
pub mod copy;
pub mod first;
pub mod value;
pub mod calc;
pub mod part;
pub mod id;
pub mod time;
pub mod mask;
pub mod salt;

#[cfg(test)]
pub(in crate::core) mod tests;
