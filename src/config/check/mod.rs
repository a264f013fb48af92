//! What has to fit together between the sections.
//!
//! A check never stops and never repeats what `read` has reported: it looks only at valid settings.
//! `streams` compares streams and subjects, `joins` kinds, tables and joins, `added` the names that
//! enrichments write.

mod added;
mod joins;
mod streams;

pub(super) use added::check as added;
pub(super) use joins::check as joins;
pub(super) use streams::check as streams;
