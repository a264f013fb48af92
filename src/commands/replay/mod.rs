//! A replay: the engine with another lane, another state directory and an end, and what stands around it.
//!
//! `settle` makes a request of what was asked, or finds the one that is under way; `run` makes a process of it; `copy` takes over the live state; `compare` reads both lanes; `promote` puts the rebuilt
//! state in the live one's place. The recovery is the engine's own: nothing here knows how a start begins.

pub mod place;
pub mod file;
pub mod settle;
pub mod copy;
pub mod run;
pub mod compare;
pub mod computed;
pub mod promote;
