//! JSON as bytes: one validating pass that finds the fields of the plan, and the splice that adds fields.
