//! Commands that are features of their own: what one decides and how it is carried out, in a folder each.
//!
//! The command line (`cli`) parses the arguments and prints what comes back.

pub mod audit;
pub mod replay;
pub mod dead_letters;
pub mod state_file;
pub mod new;
pub mod catalog;
pub mod test;
