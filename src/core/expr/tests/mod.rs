//! Expressions against values, faults and two oracles.

mod fixture;
mod values;
mod faults;
mod numbers_oracle;
mod cel_oracle;
mod properties;
mod docs;
