//! What rows and ids do in memory.

mod dedup;
mod rows;
