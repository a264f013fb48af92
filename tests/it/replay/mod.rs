//! Replays beside a live engine, on a real server: ranges, kills, differences, copied and promoted states, refusals.

mod stage;
mod range;
mod kills;
mod diff;
mod copied;
mod promoted;
mod refused;
