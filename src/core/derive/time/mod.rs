//! `{ time = … }`: a time as it comes, read exactly and written in one form.
//!
//! `instant` is a time with its calendar, `spec` the operator's words, `unix` reads numbers, `rfc3339` reads texts, `format`
//! is a declared format and `formatted` reads by it, `digits` is what both read with, and `write` knows the forms in which a
//! time leaves. Offsets only: the rules of time zones change, and outcomes must not change with them.

pub mod instant;
pub mod spec;
pub mod unix;
pub mod rfc3339;
pub mod format;
mod formatted;
mod digits;
pub mod write;

#[cfg(test)]
mod tests;
