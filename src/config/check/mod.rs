//! What has to fit together between the sections.
//!
//! A check never stops and never repeats what `read` has reported: nothing is concluded from a setting that could not be read.
//! `streams` compares streams and subjects, `plan` points at what is wrong with the plan.

mod gateway;
mod lake;
mod plan;
mod streams;

pub(super) use gateway::check as gateway;
pub(super) use lake::check as lake;
pub(super) use plan::check as plan;
pub(super) use streams::check as streams;
