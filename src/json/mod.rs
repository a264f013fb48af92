//! JSON as bytes: one validating pass that finds the fields of the plan, and the splice that adds fields.
//!
//! No tree of values is ever built, no number is ever read as a number, and no byte that the plan does not
//! name is ever rewritten. Knows no plan, no event and no reason of a dead letter.

pub mod fields;
pub mod cursor;
pub mod scan;
mod quote_map;
mod quick;
pub mod text;
pub mod splice;
pub mod items;

#[cfg(test)]
mod tests;
