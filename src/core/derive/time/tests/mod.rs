//! Times as texts and numbers, case by case and against an oracle.

mod cases;
mod oracle;
