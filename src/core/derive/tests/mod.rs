//! Derived fields, operator by operator and by properties.

pub(in crate::core) mod fixture;
mod properties;
mod operators;
