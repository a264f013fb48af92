//! What has to fit together between the sections.
//!
//! A check never stops and never repeats what `read` has reported: it looks only at valid settings.
//! `streams` compares streams and subjects, `joins` kinds, tables and joins, `entities` what their keys name, `tokens` what
//! becomes of kinds in subjects, `added` the names that enrichments write.

mod added;
mod entities;
mod joins;
mod streams;
mod tokens;

pub(super) use added::check as added;
pub(super) use entities::check as entities;
pub(super) use joins::check as joins;
pub(super) use streams::check as streams;
pub(super) use tokens::check as tokens;
