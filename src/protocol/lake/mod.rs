//! The lake's commits: which rows stand in which files, and who may decide that.
//!
//! An entry of the lake is decided by the first who creates an object under its number (the intent), carried out by whoever
//! finds it (the files), and published under the same number (the log). It is redone after a crash and never undone, so that
//! no file exists that no entry names. The store and the output stream are `app`'s and `adapters`' business.

pub mod row;
pub mod table;
pub mod entry;
pub mod layout;
pub mod columns;
pub mod sort;
pub mod plan_files;
pub mod cut;
pub mod writer;
pub mod delta;
pub mod checkpoint;
#[cfg(test)]
mod tests;
