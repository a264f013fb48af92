//! Everything that talks to a NATS server, in the order in which a run needs it.
//!
//! No decision about events or recovery is made here. Types of the client library do not leave this folder;
//! callers hold connections, sources and lanes, and read what `ports` and `core` define.

pub mod connect;
mod reach;
mod login;
mod address;
mod settings;
mod trouble;
pub mod prefix;
mod api;
pub mod streams;
mod message;
pub mod source;
mod pull;
mod single;
pub mod heard;
pub mod delivery;
pub mod follow;
mod taken;
mod subjects;
pub mod lane;
mod lane_acks;
mod lane_headers;
pub mod batch;
pub mod patience;
pub mod burst;
pub mod lane_reply;
pub mod notice;
pub mod publish;
pub mod once;
pub mod confirm;
pub mod redrives;
pub mod wanted;
pub mod provision;
pub mod teardown;
pub mod finding;
pub mod inspect;
mod permissions;
mod overlap;
mod suitable;
pub mod greetings;
mod remarks;
