//! `docs/configuration.md`: every key that a reader knows, with what it takes, its default, a sentence and a page.
//!
//! The readers tell the keys, their types, bounds and words while they read a configuration in which every section stands;
//! `keys.txt` has what they do not know. A key of the one without the other fails the test, and so does a default that is
//! not what a reader makes of a key that is left out. To write the page: `SIDESTREAM_WRITE_DOCS=1 cargo test --lib config::reference`.

mod page;
mod defaults;
mod keys;
