//! The catalogue case by case, and against a naive one.

mod cases;
mod naive;
mod properties;
