//! Plans that are refused, and what is said of them.

mod cases;
mod global;
mod rules;
mod whole;
