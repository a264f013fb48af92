//! Made-up events of a language school: users, subscriptions and lessons, from a seed.
//!
//! The same seed and options give the same bytes on every machine: no clock, no I/O, no randomness from outside and
//! no hash map live here. `sidestream generate`, the demo, the benches and the simulation feed on it.
//! The plain events are what a school would send; `hard` mixes in what no school should (see [`hard`]).

mod random;
mod facts;
mod person;
mod school;
pub mod hard;
#[cfg(test)]
mod tests;

pub use random::Random;
pub use school::{Generated, LARGEST_BYTES, School, SchoolOptions};
