//! The gateway over real connections, a real server and the real program: what is answered, and what stands in the streams.

pub mod client;
pub mod stage;
mod line;
mod modes;
mod identity;
mod letters;
mod bad_input;
mod limits;
mod senders;
mod faults;
mod kills;
mod page;
