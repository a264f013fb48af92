//! Starting the engine, and starting it again: what `run` does between the command line and the actors.
//!
//! `run` goes from start to start, `session` is one start, `verdict` what its end means, `patience` how long to wait then, `disk` and `broker` gather what
//! the start rules judge, the others are the tasks between the broker and the actors. No outcome is decided here.

pub mod run;
pub mod process;
mod patience;
pub mod session;
pub mod judged;
mod floor;
pub mod verdict;
pub mod broker;
pub mod disk;
pub mod disk_read;
pub mod feed;
pub mod bounds;
pub mod writer;
pub mod reopen;
pub mod old_lane;
pub mod claim;
pub mod look;
pub mod settings_watch;
pub mod wanted;
pub mod readiness;
pub mod inspect;
pub mod command_patience;
pub mod reader;
pub mod lake;
pub mod gateway;
mod ticks;
pub mod exit;
